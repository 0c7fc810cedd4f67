use std::sync::Arc;

use domain::contact::Email;
use ports::clock::SystemClock;
use ports::pages::{AuditLog, Records};
use ports::{Clock, RowImports};
use tempfile::TempDir;

use super::*;
use crate::DataFile;

const SOON: Duration = Duration::from_millis(200);

/// A data file with a process that serves it, and an admin connection next to it.
fn served() -> (TempDir, DataFile, AdminConnection) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    let file = DataFile::open(&path, Arc::new(SystemClock)).unwrap();
    let admin = AdminConnection::open_with(&path, SOON).unwrap();
    (directory, file, admin)
}

async fn forgotten(admin: &AdminConnection) -> ErasureReport {
    let person = Person::Email(Email::parse("ada@example.com").unwrap());
    admin.forget(&person, &IdKey::new([1; 32]), SystemClock.now()).await.unwrap()
}

fn execute(admin: &AdminConnection, sql: &str) {
    admin.lock().execute_batch(sql).unwrap();
}

/// Inserts a participation, and counts it as the store does.
fn insert(admin: &AdminConnection, (id, due_at): (u8, Option<i64>), record: &[u8], counted: &str) {
    let connection = admin.lock();
    let sql =
        "INSERT INTO participations (id, version, brand, due_at, record) VALUES (?1, 0, 'acme', ?2, ?3)";
    // A record that is no text is stored as bytes.
    let text: Box<dyn rusqlite::ToSql> = match std::str::from_utf8(record) {
        Ok(text) => Box::new(text.to_owned()),
        Err(_) => Box::new(record.to_owned()),
    };
    connection.execute(sql, rusqlite::params![[id; 16], due_at, text]).unwrap();
    let sql =
        "INSERT INTO tallies VALUES ('participations', ?1, 1) ON CONFLICT DO UPDATE SET count = count + 1";
    connection.execute(sql, [counted]).unwrap();
}

#[tokio::test]
async fn unreadable_records_are_counted_when_a_person_is_forgotten() {
    let (_directory, _file, admin) = served();
    execute(
        &admin,
        "INSERT INTO participations (id, version, brand, record) VALUES (x'00112233445566778899aabbccddeeff', 1, 'acme', '{}')",
    );
    assert_eq!(forgotten(&admin).await, ErasureReport { unreadable: 1, ..ErasureReport::default() });
}

#[tokio::test]
async fn forgetting_says_when_a_reader_keeps_old_content_in_the_log() {
    let (directory, _file, admin) = served();
    execute(&admin, "INSERT INTO settings VALUES ('a', 'b')");
    let reader = Connection::open(directory.path().join("data.sqlite")).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM settings").unwrap();
    execute(&admin, "INSERT INTO settings VALUES ('c', 'd')");
    assert!(forgotten(&admin).await.remains);
    reader.execute_batch("COMMIT").unwrap();
    assert!(!forgotten(&admin).await.remains);
    assert_eq!(std::fs::metadata(directory.path().join("data.sqlite-wal")).unwrap().len(), 0);
}

/// The stored counters, and what they should be.
fn tallied(admin: &AdminConnection) -> [Vec<(String, String, i64)>; 2] {
    let rows = |sql: &str| {
        let connection = admin.lock();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    [
        rows("SELECT what, name, count FROM tallies WHERE count <> 0 AND what <> 'accepted' ORDER BY what, name"),
        rows(
            "SELECT 'messages', queue, count(*) FROM messages GROUP BY 2
             UNION ALL SELECT 'notices', iif(due_at IS NULL, 'parked', 'due'), count(*) FROM notices GROUP BY 2
             UNION ALL SELECT 'participations', ifnull(iif(json_valid(record), record ->> '$.state.name', NULL), 'unreadable'),
                 count(*) FROM participations GROUP BY 2
             ORDER BY 1, 2",
        ),
    ]
}

#[test]
fn what_status_counts_follows_whatever_happens_to_the_rows() {
    let (_directory, _file, admin) = served();
    insert(&admin, (1, None), br#"{"state":{"name":"received"}}"#, "received");
    for (id, record) in [(2, b"no JSON".as_slice()), (3, b"\xff\x00"), (4, br#"{"state":7}"#)] {
        insert(&admin, (id, None), record, "unreadable");
    }
    let steps = [
        "UPDATE participations SET record = '{\"state\":{\"name\":\"enrolled\"}}' WHERE id = x'01'",
        "UPDATE participations SET version = 1, record = '{\"state\":{\"name\":\"enrolled\"},\"more\":1}' WHERE id = x'01'",
        "UPDATE participations SET record = '{\"state\":{\"name\":\"enrolled\"}}' WHERE id = x'02'",
        "DELETE FROM participations WHERE id IN (x'03', x'04')",
        "INSERT INTO messages (queue, brand, visible_at, ids) VALUES ('q', 'a', 0, ''), ('q', 'a', 0, ''), ('r', 'a', 0, '')",
        "UPDATE messages SET visible_at = 5",
        "DELETE FROM messages WHERE queue = 'q'",
        "INSERT INTO notices (id, due_at, attempts, record) VALUES ('1', 5, 0, ''), ('2', NULL, 0, '')",
        "INSERT INTO notices (id, due_at, attempts, record) VALUES ('1', 5, 0, '') ON CONFLICT DO NOTHING",
        "UPDATE notices SET due_at = 6 WHERE id = '1'",
        "UPDATE notices SET due_at = NULL WHERE id = '1'",
        "UPDATE notices SET due_at = 7",
        "DELETE FROM notices WHERE id = '2'",
    ];
    for step in steps {
        execute(&admin, step);
        let [tallied, counted] = tallied(&admin);
        assert_eq!(tallied, counted, "after {step}");
    }
}

#[tokio::test]
async fn status_is_the_same_by_counters_and_from_an_earlier_versions_file() {
    let (_directory, _file, admin) = served();
    for number in 1..=9 {
        let (due_at, state) = if number % 3 == 0 { (None, "enrolled") } else { (Some(5), "received") };
        let record = format!(r#"{{"state":{{"name":"{state}"}},"accepted_at":{number}000}}"#);
        insert(&admin, (number, due_at), record.as_bytes(), state);
    }
    insert(&admin, (10, None), b"no JSON", "unreadable");
    let now = SystemClock.now();
    let by_counters = admin.overview(now).await.unwrap();
    let states: Vec<(&str, u64)> =
        by_counters.participations.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(states, [("enrolled", 3), ("received", 6), ("unreadable", 1)]);
    assert_eq!((by_counters.due, by_counters.oldest_open), (6, Timestamp::from_millisecond(1_000).ok()));
    assert!(by_counters.storage.unwrap().file > 0 && by_counters.storage.unwrap().log > 0);
    execute(&admin, "DROP TABLE tallies; DROP INDEX participations_set_aside");
    let counted = admin.overview(now).await.unwrap();
    assert_eq!(Overview { storage: None, ..counted }, Overview { storage: None, ..by_counters });
}

/// The steps of a query.
fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut plan =
        connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.replace("?1", "'acme'"))).unwrap();
    let steps = plan.query_map([], |row| row.get::<_, String>(3)).unwrap();
    steps.map(|step| step.unwrap()).collect()
}

#[test]
fn the_oldest_open_participation_is_found_by_the_index_of_due_ones() {
    let (_directory, _file, admin) = served();
    let plan = plan(&admin.lock(), overview::FIRST_OPEN);
    let index = "SEARCH participations USING COVERING INDEX participations_due (brand=? AND due_at>?)";
    assert!(plan.iter().any(|step| step == index), "{plan:?}");
    assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{plan:?}");
}

#[tokio::test]
async fn the_oldest_open_participation_is_the_first_one_that_can_be_read() {
    let (_directory, _file, admin) = served();
    insert(&admin, (1, Some(5)), b"no JSON", "unreadable");
    for (number, accepted_at) in [(2, 2_000), (3, 3_000)] {
        let record = format!(r#"{{"state":{{"name":"received"}},"accepted_at":{accepted_at}}}"#);
        insert(&admin, (number, Some(5)), record.as_bytes(), "received");
    }
    let overview = admin.overview(SystemClock.now()).await.unwrap();
    assert_eq!(overview.oldest_open, Timestamp::from_millisecond(2_000).ok());
}

#[test]
fn what_was_set_aside_is_found_by_an_index_of_its_own() {
    let (_directory, _file, admin) = served();
    let plan = plan(&admin.lock(), set_aside::SET_ASIDE);
    assert_eq!(plan, ["SCAN participations USING INDEX participations_set_aside"]);
}

#[tokio::test]
async fn searching_for_an_unknown_person_holds_up_no_writer() {
    let (directory, _file, admin) = served();
    let mut writes = Connection::open(directory.path().join("data.sqlite")).unwrap();
    let transaction = writes.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let forgotten = forgotten(&admin).await;
    assert!(forgotten.is_nobody(), "reads need no lock");
    transaction.commit().unwrap();
}

#[tokio::test]
async fn a_file_of_an_earlier_version_is_exported_and_imported_into_only_once_it_is_upgraded() {
    let (_directory, _file, admin) = served();
    execute(&admin, "PRAGMA user_version = 13");
    let told = [admin.records(None).await.unwrap_err(), admin.import(&[]).await.unwrap_err()];
    for error in told {
        assert!(ports::error::in_full(&error).contains("start `serve`"), "{error:?}");
    }
    execute(&admin, "PRAGMA user_version = 14; DROP TABLE audit");
    assert!(admin.records(None).await.is_ok() && admin.audit(None).await.unwrap().entries.is_empty());
    let entry = domain::audit::AuditEntry::new(SystemClock.now(), "ada", "retry-now");
    admin.note(&entry).await.unwrap();
    assert_eq!(admin.audit(None).await.unwrap().entries.len(), 1, "the log begins before the upgrade");
}
