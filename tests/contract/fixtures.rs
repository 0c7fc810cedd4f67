//! What version e515f12 has written is read: a data file, and items of DynamoDB. Both hold the same, from one run: participations by
//! every way and in most states, awards, codes, profiles, booked slots, and callbacks that nobody took.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::identity::{ContactKey, ParticipationId};
use memory::TestClock;
use ports::{Ledger, Notices, Store};
use serde_json::{Value, json};

use crate::emulator::{call, on_dynamo_at};

const FILE: &str = include_str!("../fixtures/data-of-e515f12.sql");
const ITEMS: &str = include_str!("../fixtures/items-of-e515f12.json");

/// Long after it was written.
fn now() -> Timestamp {
    "2026-12-24T00:00:00Z".parse().unwrap()
}

fn bytes(text: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes).unwrap();
    bytes
}

fn key_of<'a>(items: &'a Value, table: &str, key: &str) -> Vec<&'a str> {
    items[table].as_array().unwrap().iter().map(|item| item[key]["S"].as_str().unwrap()).collect()
}

/// Reads everything that the items name.
async fn everything_is_read(store: &dyn Store, ledger: &dyn Ledger, notices: &dyn Notices) {
    let items: Value = serde_json::from_str(ITEMS).unwrap();
    let ids: Vec<ParticipationId> = key_of(&items, "participations", "id")
        .into_iter()
        .map(|id| ParticipationId::parse(id).unwrap())
        .collect();
    let read = store.get(&ids).await.unwrap();
    assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &read.found {
        *states.entry(one.state.name()).or_default() += 1;
    }
    let expected = [
        ("awaiting_opt_in", 1),
        ("credited", 6),
        ("enrolled", 3),
        ("enrolling", 1),
        ("expired", 1),
        ("received", 3),
        ("rejected", 1),
        ("settling", 1),
    ];
    assert_eq!(states, BTreeMap::from(expected));
    let mut long: Vec<usize> = read
        .found
        .iter()
        .filter_map(|one| Some(one.contact.phone()?.as_str().len()))
        .filter(|length| *length > 16)
        .collect();
    long.sort_unstable();
    assert_eq!(long, [17, 18], "sixteen and seventeen digits");
    let awards = ledger.awards(&ids).await.unwrap();
    assert!(awards.unreadable.is_empty() && awards.found.len() == ids.len(), "{:?}", awards.unreadable);
    assert!(read.found.iter().all(|one| one.has_award));
    let contacts: Vec<ContactKey> = key_of(&items, "profiles", "contact")
        .into_iter()
        .map(|contact| ContactKey::from_bytes(bytes(contact)))
        .collect();
    let known = store.known_profiles(&contacts).await.unwrap();
    assert!(known.unreadable.is_empty() && known.profiles.len() == contacts.len(), "{:?}", known.unreadable);
    let taken = notices.take_notices(now(), 100).await.unwrap();
    assert!(taken.unreadable.is_empty(), "{:?}", taken.unreadable);
    assert_eq!(taken.notices.len(), key_of(&items, "notices", "id").len());
    let due = store.due(now(), 100).await.unwrap();
    assert!(due.len() >= read.found.iter().filter(|one| one.due_at.is_some()).count());
    // What was read is written in today's form, and read again.
    store.save(&read.found).await.unwrap();
    assert_eq!(store.get(&ids).await.unwrap().found.len(), ids.len());
}

/// Makes the file that these statements describe.
fn make(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::File::options().create_new(true).write(true).mode(0o600).open(path).unwrap();
    rusqlite::Connection::open(path).unwrap().execute_batch(FILE).unwrap();
}

#[tokio::test]
async fn a_data_file_of_an_earlier_version_is_read_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    make(&path);
    let file = embedded::DataFile::open(&path, Arc::new(TestClock::at(now()))).unwrap();
    let beside = embedded::Beside::open(&path).unwrap();
    let overview = ports::Operations::overview(&beside, now()).await.unwrap();
    assert_eq!(overview.participations.values().sum::<u64>(), 17);
    assert!(!overview.participations.contains_key("unreadable"));
    everything_is_read(&file, &file, &file).await;
    let expired = file.expire(now() + Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(expired.participations, 0, "they are kept as long as the brand said");
}

#[tokio::test]
async fn items_of_an_earlier_version_are_read_whole() {
    let prefix = tests::emulator::prefix();
    let ports = on_dynamo_at(tests::emulator::config().await, &prefix).await;
    let items: Value = serde_json::from_str(ITEMS).unwrap();
    for (table, items) in items.as_object().unwrap() {
        for item in items.as_array().unwrap() {
            call("PutItem", &json!({ "TableName": format!("{prefix}-{table}"), "Item": item })).await;
        }
    }
    everything_is_read(&*ports.store, &*ports.ledger, &*ports.notices).await;
}
