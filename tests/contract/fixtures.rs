//! Everything that version e515f12 has written can be read: a data file, and items of DynamoDB. `tests/fixtures/README.md` says how they
//! were made.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws::dynamo::BrandTable;
use domain::Timestamp;
use domain::brand_file::{AssumePresent, Strictness, read_each};
use domain::ids::{BrandId, ContactKey, IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::Pool;
use domain::incentive::raffle::DrawnList;
use domain::ledger::Counts;
use memory::{Faults, Memory, TestClock};
use ports::ledger::Stock;
use ports::{Callbacks, Ledger, Store};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::Ports;
use crate::dynamo_api::call;
use crate::emulator::on_dynamo_at;

const FILE: &[u8] = include_bytes!("../fixtures/data-of-e515f12.sqlite");
const ITEMS: &str = include_str!("../fixtures/items-of-e515f12.json");

/// A time long after it was written.
fn now() -> Timestamp {
    "2026-12-24T00:00:00Z".parse().unwrap()
}

fn bytes(text: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes).unwrap();
    bytes
}

/// The texts of a fixture, by their keys.
type Texts = BTreeMap<String, Value>;

/// The contents of a fixture.
struct FixtureContents {
    participations: Texts,
    awards: Texts,
    profiles: Texts,
    /// The callbacks that are still to be delivered.
    callbacks: Texts,
}

impl FixtureContents {
    fn ids(&self) -> Vec<ParticipationId> {
        self.participations.keys().map(|id| ParticipationId::parse(id).unwrap()).collect()
    }

    fn states(&self) -> BTreeMap<&str, usize> {
        let mut states = BTreeMap::new();
        for record in self.participations.values() {
            *states.entry(record["state"]["name"].as_str().unwrap()).or_default() += 1;
        }
        states
    }
}

/// Whether today's text contains everything that the earlier version wrote.
fn holds(today: &Value, earlier: &Value) -> bool {
    match (today, earlier) {
        (Value::Object(today), Value::Object(earlier)) => {
            earlier.iter().all(|(name, value)| today.get(name).is_some_and(|today| holds(today, value)))
        }
        (today, earlier) => today == earlier,
    }
}

/// Checks that everything that was read, in the form that this version writes, contains what the earlier version wrote.
fn says_all_of(earlier: &Texts, read: impl Iterator<Item = (String, String)>) {
    let today: Texts = read.map(|(key, text)| (key, serde_json::from_str(&text).unwrap())).collect();
    assert_eq!(today.keys().collect::<Vec<_>>(), earlier.keys().collect::<Vec<_>>());
    for (key, earlier) in earlier {
        assert!(holds(&today[key], earlier), "{} lacks something of {earlier}", today[key]);
    }
}

/// Reads everything that the fixture names.
async fn everything_is_read(
    kept: &FixtureContents,
    store: &dyn Store,
    ledger: &dyn Ledger,
    callbacks: &dyn Callbacks,
) {
    let ids = kept.ids();
    let read = store.get(&ids).await.unwrap();
    assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
    says_all_of(
        &kept.participations,
        read.found.iter().map(|one| (one.id().to_string(), stored::participation::encode(one).unwrap())),
    );
    let mut long: Vec<usize> = read
        .found
        .iter()
        .filter_map(|one| Some(one.phone()?.as_str().len()))
        .filter(|length| *length > 16)
        .collect();
    long.sort_unstable();
    assert_eq!(long, [17, 18], "sixteen and seventeen digits");
    let awards = ledger.awards(&ids).await.unwrap();
    assert!(awards.unreadable.is_empty(), "{:?}", awards.unreadable);
    says_all_of(
        &kept.awards,
        awards.found.iter().map(|award| (award.id.to_string(), stored::award::encode(award).unwrap())),
    );
    assert!(read.found.iter().all(|one| one.has_award() == kept.awards.contains_key(&one.id().to_string())));
    let contacts: Vec<ContactKey> =
        kept.profiles.keys().map(|contact| ContactKey::from_bytes(bytes(contact))).collect();
    let known = store.profile_hints(&contacts).await.unwrap();
    assert!(known.unreadable.is_empty(), "{:?}", known.unreadable);
    says_all_of(
        &kept.profiles,
        known
            .profiles
            .iter()
            .map(|(contact, known)| (contact.to_string(), stored::hint::encode(*contact, known).unwrap())),
    );
    let taken = callbacks.take_callbacks(now(), 100).await.unwrap();
    assert!(taken.unreadable.is_empty(), "{:?}", taken.unreadable);
    says_all_of(
        &kept.callbacks,
        taken
            .callbacks
            .iter()
            .map(|one| (one.callback.id.to_string(), stored::callback::encode(&one.callback).unwrap())),
    );
    let due: BTreeSet<ParticipationId> =
        store.due(now(), 100).await.unwrap().into_iter().map(|due| due.id).collect();
    let under_way = read.found.iter().filter(|one| one.due_at().is_some()).map(|one| one.id());
    let changed_by_others = awards.found.iter().filter(|award| award.due_at.is_some()).map(|award| award.id);
    assert_eq!(due, under_way.chain(changed_by_others).collect());
    // It is then written in today's form, and read again.
    store.save(&read.found).await.unwrap();
    assert_eq!(store.get(&ids).await.unwrap().found.len(), ids.len());
}

/// Copies a data file to where it may be changed, with the permissions that a data file has.
pub(crate) fn copy_to(path: &Path, data_file: &[u8]) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(data_file).unwrap();
}

/// The contents of the file.
fn in_the_file(path: &Path) -> FixtureContents {
    let file = Connection::open(path).unwrap();
    let texts = |sql: &str| -> Texts {
        let mut read = file.prepare(sql).unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
        let rows = read.query_map([], row).unwrap().map(Result::unwrap);
        rows.map(|(key, text)| (key, serde_json::from_str(&text).unwrap())).collect()
    };
    FixtureContents {
        participations: texts("SELECT lower(hex(id)), record FROM participations"),
        awards: texts("SELECT lower(hex(id)), record FROM awards"),
        profiles: texts("SELECT contact, record FROM profiles"),
        callbacks: texts("SELECT id, record FROM notices WHERE due_at IS NOT NULL"),
    }
}

#[tokio::test]
async fn a_data_file_of_an_earlier_version_is_read_completely() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    copy_to(&path, FILE);
    let kept = in_the_file(&path);
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
    assert_eq!(kept.states(), BTreeMap::from(expected));
    let file = embedded::DataFile::open(&path, Arc::new(TestClock::at(now()))).unwrap();
    let admin = embedded::AdminConnection::open(&path).unwrap();
    let overview = ports::Operations::overview(&admin, now()).await.unwrap();
    assert_eq!(overview.participations.values().sum::<u64>(), 17);
    assert!(!overview.participations.contains_key("unreadable"));
    for (scope, accepted) in
        [("spring", 13), ("double", 1), ("short", 1), ("raffle", 1), ("slowly", 1), ("none", 0)]
    {
        let scope = Scope::parse(scope).unwrap();
        assert_eq!(file.accepted(&scope, 0).await.unwrap(), accepted, "{scope}");
    }
    everything_is_read(&kept, &file, &file, &file).await;
    let expired = file.expire(now() + Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(expired.participations, 0, "they are kept as long as the brand file says");
}

/// The items of the fixture, in tables of their own.
pub(crate) struct FixtureTables {
    pub(crate) ports: Ports,
    pub(crate) brands: BrandTable,
    pub(crate) items: Map<String, Value>,
}

impl FixtureTables {
    /// Opens the tables under a clock that shows `now`.
    pub(crate) async fn at(now: Timestamp) -> Self {
        let (config, prefix) = (testkit::emulator::config().await, testkit::emulator::prefix());
        let brands = BrandTable::new(&config, &prefix);
        brands.make().await.unwrap();
        let clock = Arc::new(TestClock::at(now));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let on_dynamo = on_dynamo_at(config, &prefix).await;
        let ports = Ports { queues: memory.clone(), schedule: memory, clock, ..on_dynamo };
        let Value::Object(items) = serde_json::from_str(ITEMS).unwrap() else { panic!("tables by name") };
        for (table, items) in &items {
            for item in items.as_array().unwrap() {
                call("PutItem", &json!({ "TableName": format!("{prefix}-{table}"), "Item": item })).await;
            }
        }
        Self { ports, brands, items }
    }

    fn of(&self, table: &str) -> &[Value] {
        self.items[table].as_array().unwrap()
    }

    /// The ids of all participations.
    pub(crate) fn ids(&self) -> Vec<ParticipationId> {
        self.kept().ids()
    }

    fn kept(&self) -> FixtureContents {
        let texts = |table: &str, key: &str, attribute: &str| -> Texts {
            let text = |item: &Value| {
                let text = serde_json::from_str(item[attribute]["S"].as_str()?).unwrap();
                Some((item[key]["S"].as_str().unwrap().to_owned(), text))
            };
            self.of(table).iter().filter_map(text).collect()
        };
        let mut callbacks = texts("notices", "id", "record");
        let parked = self.of("notices").iter().filter(|item| item.get("due_at").is_none());
        for parked in parked {
            callbacks.remove(parked["id"]["S"].as_str().unwrap());
        }
        FixtureContents {
            participations: texts("participations", "id", "record"),
            awards: texts("participations", "id", "award"),
            profiles: texts("profiles", "contact", "record"),
            callbacks,
        }
    }
}

fn ledger(scope: &str, incentive: &str) -> LedgerKey {
    let incentive = Some(IncentiveId::parse(incentive).unwrap());
    LedgerKey { scope: Scope::parse(scope).unwrap(), incentive }
}

#[tokio::test]
async fn items_of_an_earlier_version_are_read_completely() {
    let tables = FixtureTables::at(now()).await;
    let kept = tables.kept();
    let expected = [
        ("awaiting_opt_in", 1),
        ("awaiting_subscription", 1),
        ("credited", 16),
        ("enrolled", 19),
        ("enrolling", 2),
        ("expired", 3),
        ("failed", 1),
        ("received", 11),
        ("rejected", 3),
        ("settling", 1),
        ("subscribing", 2),
        ("unverified", 1),
    ];
    assert_eq!(kept.states(), BTreeMap::from(expected));
    let operations = tables.ports.operations.clone().unwrap();
    let overview = operations.overview(now()).await.unwrap();
    let states: BTreeMap<&str, usize> = overview
        .participations
        .iter()
        .map(|(name, count)| (name.as_str(), usize::try_from(*count).unwrap()))
        .collect();
    assert_eq!(states, BTreeMap::from(expected));
    assert_eq!(overview.limits.len(), tables.of("limits").len());
    assert_eq!(overview.callbacks, u64::try_from(kept.callbacks.len()).unwrap());
    let parked = operations.dead().await.unwrap();
    assert_eq!(parked.len() + kept.callbacks.len(), tables.of("notices").len());
    assert!(parked.iter().all(|parked| parked.brand.is_some() && parked.participations.len() == 1));
    everything_is_read(&kept, &*tables.ports.store, &*tables.ports.ledger, &*tables.ports.callbacks).await;
}

#[tokio::test]
async fn counters_codes_draws_and_brand_files_of_an_earlier_version_are_read() {
    let tables = FixtureTables::at(now()).await;
    let ledgers = &tables.ports.ledger;
    let read = tables.of("ledgers").iter().filter_map(|item| {
        let earlier: Value = serde_json::from_str(item["counts"]["S"].as_str()?).unwrap();
        let (scope, incentive) = item["ledger"]["S"].as_str()?.split_once(' ')?;
        Some((ledger(scope, incentive), earlier))
    });
    let mut incentives = 0;
    for (key, earlier) in read {
        let counts: Counts = ledgers.counts(&key).await.unwrap();
        let counted = [
            ("places", counts.places),
            ("held", counts.held),
            ("given", counts.given),
            ("waiting", counts.waiting),
            ("entered", counts.entered),
        ];
        assert!(counted.iter().all(|(name, count)| earlier[name] == *count), "{counts:?} {earlier}");
        assert_eq!(earlier["arrivals"], counts.arrivals);
        assert_eq!(counts.commitment.is_some(), earlier.get("commitment").is_some());
        assert_eq!(counts.drawn_at.is_some(), earlier.get("drawn_at").is_some());
        incentives += 1;
    }
    assert_eq!(incentives, 12);
    let drawn = ledger("raffle-short", "trip");
    while !ledgers.upgrade(&drawn).await.unwrap() {}
    let tickets = async |list| ledgers.drawn(&drawn, list, 0, 100).await.unwrap().tickets.len();
    assert_eq!((tickets(DrawnList::Tickets).await, tickets(DrawnList::Winners).await), (3, 2));
    let acme = BrandId::parse("acme").unwrap();
    for (pool, expected) in
        [("spring.txt", Stock { codes: 2, given: 2 }), ("quick.txt", Stock { codes: 3, given: 1 })]
    {
        let stock = ledgers.import_codes(&acme, &Pool::of_file(pool).unwrap(), &[]).await.unwrap();
        assert_eq!(stock, expected, "{pool}");
    }
    let files = tables.brands.read().await.unwrap();
    let loaded = read_each(&files, &AssumePresent, Strictness::Lenient, None);
    assert_eq!(loaded.brands.iter().count(), 7);
}
