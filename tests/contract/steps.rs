//! This version opens a data file of every step of the schema, reads it completely, and finishes it. `fixtures/README.md` says how the
//! files were made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use braze_sim::{Settings, Workspace};
use connector::Connector;
use domain::award::Award;
use domain::brand::{Brands, SecretRef};
use domain::brand_file::{AssumePresent, BrandFile, Strictness, read_each};
use domain::id_key::IdKey;
use domain::ids::{IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::raffle::DrawnList;
use domain::participation::Participation;
use memory::{Faults, Memory, TestClock};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::Ports;
use crate::left_open::{Anywhere, Listens, has_ended, tick, without_limits};

/// A minute after the files were written.
fn soon_after() -> domain::Timestamp {
    "2026-11-26T16:21:00Z".parse().unwrap()
}

/// A file as it was left at a step, and its contents.
struct SchemaStep {
    number: usize,
    directory: TempDir,
    ids: Vec<ParticipationId>,
    states: BTreeMap<String, u64>,
    lines: usize,
}

impl SchemaStep {
    fn all() -> Vec<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/steps");
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort_unstable();
        (1..).zip(&files).map(|(number, file)| Self::copy(number, file)).collect()
    }

    fn copy(number: usize, fixture: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.sqlite");
        crate::fixtures::copy_to(&path, &std::fs::read(fixture).unwrap());
        let file = Connection::open(&path).unwrap();
        assert_eq!(version(&file), number, "{}", fixture.display());
        let mut ids = file.prepare("SELECT id FROM participations").unwrap();
        let ids = ids.query_map([], |row| row.get(0).map(ParticipationId::from_bytes)).unwrap();
        let ids = ids.map(Result::unwrap).collect();
        let sql = "SELECT record ->> '$.state.name', count(*) FROM participations GROUP BY 1";
        let mut states = file.prepare(sql).unwrap();
        let states = states.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let states = states.map(Result::unwrap).collect();
        // The first step had no ledgers. Since step 14, a line is in its participation's row.
        let count = |sql| file.query_row(sql, [], |row| row.get::<_, usize>(0));
        let lines = count("SELECT count(award) FROM participations")
            .or_else(|_| count("SELECT count(*) FROM awards"));
        let lines = lines.unwrap_or(0);
        Self { number, directory, ids, states, lines }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("data.sqlite")
    }

    fn opened(&self) -> Ports {
        crate::over_a_file(&self.path(), Arc::new(TestClock::at(soon_after())))
    }

    fn has_ledgers(&self) -> bool {
        self.number > 1
    }
}

fn version(file: &Connection) -> usize {
    file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// The tables, indexes and triggers, with their SQL.
fn schema(path: &Path) -> (usize, Vec<(String, Option<String>)>) {
    let file = Connection::open(path).unwrap();
    let mut made = file.prepare("SELECT name, sql FROM sqlite_master ORDER BY type, name").unwrap();
    let made = made.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    (version(&file), made.map(Result::unwrap).collect())
}

async fn read(ports: &Ports, ids: &[ParticipationId]) -> (Vec<Participation>, Vec<Award>) {
    let (read, awards) = (ports.store.get(ids).await.unwrap(), ports.ledger.awards(ids).await.unwrap());
    assert!(read.unreadable.is_empty() && awards.unreadable.is_empty());
    (read.found, awards.found)
}

fn ledger(scope: &str, incentive: &str) -> LedgerKey {
    let incentive = Some(IncentiveId::parse(incentive).unwrap());
    LedgerKey { scope: Scope::parse(scope).unwrap(), incentive }
}

#[tokio::test]
async fn there_is_a_file_of_every_step_and_each_migrates_to_the_schema_of_a_new_file() {
    let directory = tempfile::tempdir().unwrap();
    let new = directory.path().join("new.sqlite");
    drop(crate::over_a_file(&new, Arc::new(TestClock::at(soon_after()))));
    let new = schema(&new);
    let steps = SchemaStep::all();
    assert_eq!(steps.len(), new.0, "a step has no file: fixtures/README.md says how to make one");
    for step in steps {
        drop(step.opened());
        assert_eq!(schema(&step.path()), new, "step {}", step.number);
    }
}

#[tokio::test]
async fn a_file_of_any_step_is_read_completely() {
    for step in SchemaStep::all() {
        let ports = step.opened();
        let (found, awards) = read(&ports, &step.ids).await;
        assert_eq!((found.len(), awards.len()), (step.ids.len(), step.lines), "step {}", step.number);
        let overview = ports.operations.clone().unwrap().overview(ports.now()).await.unwrap();
        assert_eq!(overview.participations, step.states, "step {}", step.number);
        let accepted = |scope: &str| found.iter().filter(|one| one.scope().as_str() == scope).count();
        for scope in ["spring", "double", "late", "none"] {
            let counted = ports.store.accepted(&Scope::parse(scope).unwrap(), 0).await.unwrap();
            assert_eq!(usize::try_from(counted).unwrap(), accepted(scope), "step {}, {scope}", step.number);
        }
    }
}

#[tokio::test]
async fn the_number_waiting_ahead_is_right_in_a_file_of_any_step_across_blocks() {
    for step in SchemaStep::all().into_iter().filter(SchemaStep::has_ledgers) {
        let ports = step.opened();
        let (_, awards) = read(&ports, &step.ids).await;
        let mut waiting: Vec<&Award> =
            awards.iter().filter(|award| award.ledger.scope.as_str() == "late").collect();
        waiting.sort_by_key(|award| award.arrival);
        let arrivals: Vec<u64> = waiting.iter().map(|award| award.arrival_number()).collect();
        assert_eq!(arrivals, [255, 256, 257, 65_535, 65_536, 65_700]);
        for (before, award) in (0..).zip(waiting) {
            let told = ports.ledger.waiting_ahead_of(award).await.unwrap();
            assert_eq!(
                told,
                before,
                "step {}, the one that arrived as {}",
                step.number,
                award.arrival_number()
            );
        }
    }
}

#[tokio::test]
async fn a_raffle_that_was_drawn_at_any_step_shows_its_result() {
    let drawn = ledger("drawn", "trip");
    for step in SchemaStep::all().into_iter().filter(SchemaStep::has_ledgers) {
        let ports = step.opened();
        let frozen = ports.ledger.counts(&drawn).await.unwrap().frozen.unwrap();
        assert_eq!((frozen.lots, frozen.winners), (4, 2), "step {}", step.number);
        let list = async |list| ports.ledger.drawn(&drawn, list, 0, 100).await.unwrap().tickets;
        let (tickets, winners) = (list(DrawnList::Tickets).await, list(DrawnList::Winners).await);
        assert!(tickets.is_sorted() && tickets.len() == 4, "step {}", step.number);
        assert!(winners.iter().all(|winner| tickets.contains(winner)) && winners.len() == 2);
    }
}

/// The brands of the files.
fn brands() -> Brands {
    let texts = [include_str!("../fixtures/steps-acme.toml"), include_str!("../fixtures/steps-slow.toml")];
    let files = texts.map(|text| Ok(BrandFile { name: "brand.toml".to_owned(), text: text.to_owned() }));
    read_each(&files, &AssumePresent, Strictness::Lenient, None).brands
}

/// A connector of this version, over the file.
fn connector(ports: &Ports) -> Arc<Connector> {
    let settings = Settings { subscription_groups: vec!["g-1".into()], ..without_limits() };
    let workspace = Workspace::starting_at(settings, soon_after());
    let profiles = serde_json::json!({ "profiles": [
        { "external_id": "c-1", "email": "c1@example.com", "phone": "+13135550170" },
        { "email": "slow@example.com", "phone": "+13135550140" },
    ] });
    workspace.seed(&profiles.to_string()).unwrap();
    let secrets = Arc::new(Memory::new(1, Faults::none(), ports.clock.clone()));
    secrets.keep_secret(SecretRef::Env("KEY".into()), "key");
    secrets
        .keep_secret(SecretRef::Env("SIGNING".into()), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=");
    let deps = ports.under_a_connector(secrets, Arc::new(Anywhere(workspace.router())), Arc::new(Listens));
    Arc::new(Connector::new(deps, Arc::new(brands()), IdKey::new([7; 32])))
}

/// Runs ticks until everything has ended.
async fn finish(step: &SchemaStep, ports: &Ports) {
    let connector = connector(ports);
    let mut left = step.ids.clone();
    for _hour in 0..60 {
        tick(&ports.clock, &connector).await;
        let (found, _) = read(ports, &left).await;
        left = found.iter().filter(|one| !has_ended(one)).map(|one| one.id()).collect();
        if left.is_empty() {
            return;
        }
        ports.clock.advance(Duration::from_secs(3_600));
    }
    panic!("step {}: they do not end: {left:?}", step.number);
}

#[tokio::test]
async fn open_participations_in_a_file_of_any_step_end_and_its_rewards_stay() {
    for step in SchemaStep::all() {
        let ports = step.opened();
        let (opened, before) = read(&ports, &step.ids).await;
        assert!(opened.iter().filter(|one| !has_ended(one)).count() > 4, "step {}", step.number);
        finish(&step, &ports).await;
        let after: BTreeMap<ParticipationId, Award> =
            read(&ports, &step.ids).await.1.into_iter().map(|award| (award.id, award)).collect();
        let given: Vec<&Award> = before.iter().filter(|award| award.reward().is_some()).collect();
        assert_eq!(given.len(), if step.has_ledgers() { 4 } else { 0 }, "step {}", step.number);
        assert!(given.iter().all(|award| after[&award.id].reward() == award.reward()));
        assert!(after.values().all(|award| award.is_resolved() && award.due_at.is_none()));
        let overview = ports.operations.clone().unwrap().overview(ports.now()).await.unwrap();
        assert_eq!((overview.due, overview.callbacks), (0, 0), "step {}", step.number);
    }
}

#[tokio::test]
async fn what_a_file_says_is_to_be_read_back_is_read_back() {
    let step = SchemaStep::all().into_iter().nth(10).unwrap();
    let ports = step.opened();
    let batches = ports.read_backs.due_batches(domain::Timestamp::MAX).await.unwrap().batches;
    let [batch] = &batches[..] else { panic!("one batch: {batches:?}") };
    finish(&step, &ports).await;
    let (found, _) = read(&ports, &batch.ids).await;
    assert!(found.iter().all(|one| !one.unplaced().is_empty()), "Braze has no such profile");
    assert!(ports.read_backs.due_batches(domain::Timestamp::MAX).await.unwrap().batches.is_empty());
}

#[tokio::test]
async fn fields_of_a_newer_version_are_still_there_when_everything_has_ended() {
    let step = SchemaStep::all().pop().unwrap();
    let file = Connection::open(step.path()).unwrap();
    let texts = [("participations", "record"), ("participations", "award"), ("ledgers", "counts")];
    for (table, text) in texts {
        let newer = format!(
            "UPDATE {table} SET {text} = json_set({text}, '$.newer', json('{{\"than\":[1]}}')) WHERE {text} IS NOT NULL"
        );
        assert!(file.execute(&newer, []).unwrap() > 2);
    }
    finish(&step, &step.opened()).await;
    for (table, text) in texts {
        let lost = format!(
            "SELECT count(*) FROM {table} WHERE {text} IS NOT NULL AND {text} ->> '$.newer.than[0]' IS NOT 1"
        );
        let lost: usize = file.query_row(&lost, [], |row| row.get(0)).unwrap();
        assert_eq!(lost, 0, "{table}, {text}");
    }
}
