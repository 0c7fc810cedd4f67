use std::path::Path;
use std::sync::Arc;

use ports::clock::{SystemChance, SystemClock};
use rusqlite::Connection;

use super::*;
use crate::AdminConnection;

fn open(path: &Path) -> DataFile {
    DataFile::open(path, Arc::new(SystemClock)).unwrap()
}

fn path(directory: &tempfile::TempDir) -> std::path::PathBuf {
    directory.path().join("data.sqlite")
}

async fn key(path: &Path, of_environment: Option<IdKey>) -> std::result::Result<IdKey, IdKeyError> {
    open(path).id_key(of_environment, &SystemChance).await
}

fn settings(path: &Path) -> Vec<(String, String)> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT name, value FROM settings ORDER BY name").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

/// A file as an earlier version left it: with participations, and without a fingerprint.
fn of_an_earlier_version(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute("DELETE FROM settings WHERE name = ?", [FINGERPRINT]).unwrap();
    let columns =
        "INSERT INTO participations (id, brand, version, record) VALUES (zeroblob(16), 'acme', 1, '{}')";
    connection.execute(columns, []).unwrap();
}

const ONE: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];

#[tokio::test]
async fn with_another_key_a_file_is_not_served_and_nothing_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    key(&path, Some(IdKey::new(ONE))).await.unwrap();
    let before = settings(&path);
    assert!(matches!(key(&path, Some(IdKey::new(OTHER))).await, Err(IdKeyError::Another)));
    assert!(matches!(key(&path, None).await, Err(IdKeyError::Absent)), "no key is made instead");
    assert_eq!(settings(&path), before);
    key(&path, Some(IdKey::new(ONE))).await.unwrap();
    let kept = format!("{before:?}");
    assert!(!kept.contains(&hex::encode(ONE)), "an environment's key is not in the file");
}

#[tokio::test]
async fn a_key_that_the_file_made_is_not_replaced_by_the_environments() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    let made = key(&path, None).await.unwrap();
    assert!(matches!(key(&path, Some(IdKey::new(ONE))).await, Err(IdKeyError::Another)));
    assert_eq!(key(&path, None).await.unwrap().fingerprint(), made.fingerprint());
}

#[tokio::test]
async fn a_file_of_an_earlier_version_adopts_the_key_of_its_first_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    key(&path, Some(IdKey::new(ONE))).await.unwrap();
    of_an_earlier_version(&path);
    assert!(matches!(key(&path, None).await, Err(IdKeyError::Absent)), "its key came from the environment");
    key(&path, Some(IdKey::new(ONE))).await.unwrap();
    assert!(matches!(key(&path, Some(IdKey::new(OTHER))).await, Err(IdKeyError::Another)));
}

#[tokio::test]
async fn commands_beside_it_refuse_another_key_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    key(&path, Some(IdKey::new(ONE))).await.unwrap();
    let admin = AdminConnection::open(&path).unwrap();
    assert!(admin.id_key(Some(&IdKey::new(ONE))).unwrap().is_some());
    assert!(matches!(admin.id_key(Some(&IdKey::new(OTHER))), Err(IdKeyError::Another)));
    assert!(matches!(admin.id_key(None), Err(IdKeyError::Absent)));
}
