use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::contact::Email;
use domain::ids::{BrandId, Scope};
use domain::participation::{Outcome, Participation, Snapshot, State, Way};
use ports::Reports;
use ports::clock::SystemClock;
use rusqlite::params;

use super::*;
use crate::admin::AdminConnection;
use crate::data_file::DataFile;
use crate::store::ParticipationRow;

/// A participation as an earlier version stored it.
fn earlier(number: u8) -> Participation {
    let way = Way::Email { email: Email::parse("ada@example.com").unwrap(), consent: None };
    let owner = (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap());
    let (at, until) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + Duration::from_secs(90 * 86_400));
    let kept = Snapshot::accepted(ParticipationId::from_bytes([number; 16]), owner, way, (at, until), false);
    let ended = State::Ended(Outcome::Enrolled);
    let ended = Snapshot { counted: None, state: ended, earned_at: Some(at), due_at: None, ..kept.clone() };
    Participation::restore(if number < 2 { ended } else { Snapshot { counted: None, ..kept } }).unwrap()
}

/// A file that an earlier version left, with two participations that ended, one that is open and one that cannot be read.
fn left_behind(directory: &std::path::Path) -> std::path::PathBuf {
    let path = directory.join("data.sqlite");
    drop(DataFile::open(&path, Arc::new(SystemClock)).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.execute("DELETE FROM settings WHERE name = ?", [DONE]).unwrap();
    for number in 0..3 {
        ParticipationRow::of(&earlier(number)).unwrap().insert_alone(&connection);
    }
    connection
        .execute(
            "INSERT INTO participations (id, version, brand, record) VALUES (?1, 0, 'acme', '{')",
            params![[9_u8; 16]],
        )
        .unwrap();
    path
}

#[tokio::test]
async fn participations_that_an_earlier_version_deleted_are_not_under_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = left_behind(directory.path());
    let connection = Connection::open(&path).unwrap();
    connection.execute("INSERT OR REPLACE INTO tallies VALUES ('accepted', 'spring', 10)", []).unwrap();
    drop(connection);
    drop(DataFile::open(&path, Arc::new(SystemClock)).unwrap());
    let scope = Scope::parse("spring").unwrap();
    let admin = AdminConnection::open(&path).unwrap();
    let figures = admin.activation(&scope, &[]).await.unwrap();
    assert_eq!(figures.accepted, Some(3));
}

fn totals(path: &std::path::Path) -> Vec<(String, u64)> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT name, count FROM rollups WHERE minute = -1 AND name NOT LIKE '% in %' ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(rusqlite::Result::unwrap).collect()
}

#[test]
fn the_participations_of_an_earlier_version_are_counted_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = left_behind(directory.path());
    let expected = [("accepted", 3), ("credited", 2), ("ended enrolled", 2), ("on_profile", 2)]
        .map(|(name, count)| (name.to_owned(), count));
    for _ in 0..2 {
        drop(DataFile::open(&path, Arc::new(SystemClock)).unwrap());
        assert_eq!(totals(&path), expected);
    }
}
