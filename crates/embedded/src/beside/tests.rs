use std::sync::Arc;

use domain::contact::Email;
use tempfile::TempDir;

use super::*;
use crate::DataFile;

const SOON: Duration = Duration::from_millis(200);

/// A data file as somebody serves it, and whoever is beside it.
fn served() -> (TempDir, DataFile, Beside) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    let file = DataFile::open(&path, Arc::new(SystemClock)).unwrap();
    let beside = Beside::open_with(&path, SOON).unwrap();
    (directory, file, beside)
}

async fn forgotten(beside: &Beside) -> Forgotten {
    let person = Person::Email(Email::parse("ada@example.com").unwrap());
    beside.forget(&person, &IdKey::new([1; 32]), SystemClock.now()).await.unwrap()
}

fn execute(beside: &Beside, sql: &str) {
    beside.lock().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_when_somebody_is_forgotten() {
    let (_directory, _file, beside) = served();
    execute(
        &beside,
        "INSERT INTO participations (id, version, brand, record) VALUES (x'00112233445566778899aabbccddeeff', 1, 'acme', '{}')",
    );
    assert_eq!(forgotten(&beside).await, Forgotten { unreadable: 1, ..Forgotten::default() });
}

#[tokio::test]
async fn it_is_told_when_somebody_reads_what_is_to_leave_the_log() {
    let (directory, _file, beside) = served();
    execute(&beside, "INSERT INTO settings VALUES ('a', 'b')");
    let reader = Connection::open(directory.path().join("data.sqlite")).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM settings").unwrap();
    execute(&beside, "INSERT INTO settings VALUES ('c', 'd')");
    assert!(forgotten(&beside).await.remains);
    reader.execute_batch("COMMIT").unwrap();
    assert!(!forgotten(&beside).await.remains);
    assert_eq!(std::fs::metadata(directory.path().join("data.sqlite-wal")).unwrap().len(), 0);
}
