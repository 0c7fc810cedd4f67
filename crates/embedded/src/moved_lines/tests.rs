use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::award::Award;
use domain::ids::{BrandId, ContactKey, IncentiveId, LedgerKey, Scope};
use domain::incentive::Offer;
use ports::Ledger;
use ports::clock::SystemClock;
use rusqlite::params;

use super::*;
use crate::DataFile;
use crate::connection::connect;
use crate::schema::{migrate, migrate_to};

const LINES: u8 = 25;

fn award(number: u8) -> Award {
    let ledger = LedgerKey {
        scope: Scope::parse("spring").unwrap(),
        incentive: Some(IncentiveId::parse("first").unwrap()),
    };
    let (id, brand) = (ParticipationId::from_bytes([number; 16]), BrandId::parse("acme").unwrap());
    let participant = ContactKey::from_bytes([number; 16]);
    let new = Award::new((id, brand), ledger, participant, Offer::ByPlace);
    Award {
        arrival: std::num::NonZeroU64::new(u64::from(number)),
        status: domain::award::AwardStatus::Waiting,
        ..new
    }
}

/// A file of step 13, with lines that wait.
fn of_step_13() -> (tempfile::TempDir, PathBuf) {
    use std::os::unix::fs::OpenOptionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    std::fs::File::options().create_new(true).write(true).mode(0o600).open(&path).unwrap();
    let mut file = connect(&path).unwrap();
    migrate_to(&mut file, 13);
    for number in 1..=LINES {
        let sql = "INSERT INTO participations (id, version, brand, record) VALUES (?1, 1, 'acme', '{}')";
        file.execute(sql, [[number; 16]]).unwrap();
        let line = stored::award::encode(&award(number)).unwrap();
        file.execute(
            "INSERT INTO awards VALUES (?1, 'acme', 'spring first', ?1, ?2, 'waiting', NULL, FALSE, NULL, ?3)",
            params![[number; 16], number, line],
        )
        .unwrap();
    }
    (directory, path)
}

fn count(file: &Connection, sql: &str) -> u64 {
    file.query_row(sql, [], |row| row.get(0)).unwrap()
}

async fn has_every_line(path: &Path) {
    let file = DataFile::open(path, Arc::new(SystemClock)).unwrap();
    let ids: Vec<ParticipationId> =
        (1..=LINES).map(|number| ParticipationId::from_bytes([number; 16])).collect();
    let mut read = file.awards(&ids).await.unwrap().found;
    read.sort_by_key(|award| award.arrival);
    assert_eq!(read, (1..=LINES).map(award).collect::<Vec<Award>>());
    for (ahead, award) in (0..).zip(&read) {
        assert_eq!(file.waiting_ahead_of(award).await.unwrap(), ahead);
    }
    let beside = connect(path).unwrap();
    assert!(lines_are_in_rows(&beside).unwrap());
    assert_eq!(count(&beside, "SELECT sum(lines) FROM waiting WHERE level = 1"), u64::from(LINES));
}

#[tokio::test]
async fn a_move_that_was_interrupted_after_any_portion_is_ended_by_the_next_start() {
    for portions in 0..=4 {
        let (_directory, path) = of_step_13();
        let mut file = connect(&path).unwrap();
        migrate(&mut file).unwrap();
        let moved: u64 = (0..portions).map(|_| move_some(&mut file, 10).unwrap()).sum();
        assert_eq!(moved, [0, 10, 20, 25, 25][portions]);
        assert_eq!(count(&file, "SELECT count(*) FROM awards"), u64::from(LINES) - moved);
        assert_eq!(count(&file, "SELECT count(award) FROM participations"), moved);
        drop(file);
        has_every_line(&path).await;
    }
}

#[test]
fn beside_a_move_a_line_is_found_wherever_it_is() {
    let (_directory, path) = of_step_13();
    let mut file = connect(&path).unwrap();
    let every_line = |file: &Connection| {
        (1..=LINES).all(|number| has_line(file, ParticipationId::from_bytes([number; 16])).unwrap())
    };
    assert!(every_line(&file), "before the step");
    migrate(&mut file).unwrap();
    move_some(&mut file, 10).unwrap();
    assert!(every_line(&file), "in the middle");
    move_lines(&mut file).unwrap();
    assert!(every_line(&file), "at the end");
    assert!(!has_line(&file, ParticipationId::from_bytes([LINES + 1; 16])).unwrap());
}

#[test]
fn lines_of_a_participation_that_waits_are_counted_once_they_are_in_rows() {
    let (_directory, path) = of_step_13();
    let mut file = connect(&path).unwrap();
    migrate(&mut file).unwrap();
    move_lines(&mut file).unwrap();
    let waiting = |file: &Connection| count(file, "SELECT sum(lines) FROM waiting WHERE level = 1");
    file.execute("UPDATE participations SET standing = 'held' WHERE arrival = 1", []).unwrap();
    file.execute("DELETE FROM participations WHERE arrival = 2", []).unwrap();
    assert_eq!(waiting(&file), u64::from(LINES) - 2);
    file.execute("UPDATE participations SET standing = 'waiting' WHERE arrival = 1", []).unwrap();
    assert_eq!(waiting(&file), u64::from(LINES) - 1);
}
