use std::fs;
use std::time::Duration;

use domain::contact::{Contact, Email};
use domain::id_key::IdKey;
use domain::ids::{BrandId, ParticipationId, Scope};
use domain::message::{QueueName, WorkMessage};
use domain::reservation::{Allowance, Observed, Reservation};
use ports::Chance;
use ports::clock::SystemClock;
use ports::limits::{ContractLane, Endpoint, Lane, Limits};
use ports::queues::{Outgoing, Queues};

use super::*;

fn open(path: &Path) -> Result<DataFile, OpenError> {
    DataFile::open(path, Arc::new(SystemClock))
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.sqlite");
    (directory, path)
}

/// A predictable source of randomness that counts up.
struct CountingChance(std::sync::atomic::AtomicU64);

impl Chance for CountingChance {
    fn bits(&self) -> u64 {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }
}

fn id(number: u8) -> ParticipationId {
    let email = Email::parse(&format!("c{number}@example.com")).unwrap();
    IdKey::new([number; 32]).participation(&Scope::parse("spring").unwrap(), &Contact::Email(email))
}

#[tokio::test]
async fn the_id_key_is_made_once_and_kept() {
    let (_directory, path) = file();
    let chance = CountingChance(7.into());
    let first = open(&path).unwrap().id_key(None, &chance).await.unwrap();
    let again = open(&path).unwrap().id_key(None, &chance).await.unwrap();
    let scope = Scope::parse("spring").unwrap();
    let ada = Contact::Email(Email::parse("ada@example.com").unwrap());
    assert_eq!(first.participation(&scope, &ada), again.participation(&scope, &ada));
}

#[tokio::test]
async fn messages_that_were_out_come_again_after_a_restart() {
    let (_directory, path) = file();
    let look = WorkMessage { brand: BrandId::parse("acme").unwrap(), ids: vec![id(1), id(2)] };
    let message = Outgoing { look: look.clone(), delay: Duration::ZERO };
    let before = open(&path).unwrap();
    before.send(QueueName::EmailEnrollments, vec![message]).await.unwrap();
    assert_eq!(before.receive(QueueName::EmailEnrollments, Duration::ZERO).await.unwrap().len(), 1);
    drop(before);
    let after = open(&path).unwrap();
    let delivered = after.receive(QueueName::EmailEnrollments, Duration::ZERO).await.unwrap();
    assert_eq!(delivered[0].look, look);
}

#[test]
fn a_file_in_use_is_not_opened_twice() {
    let (_directory, path) = file();
    let first = open(&path).unwrap();
    assert!(matches!(open(&path), Err(OpenError::InUse)));
    drop(first);
    assert!(open(&path).is_ok());
}

#[test]
fn a_newer_file_is_refused() {
    let (_directory, path) = file();
    drop(open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let by_beside = crate::AdminConnection::open(&path).map(|_| ()).unwrap_err();
    for refused in [open(&path).map(|_| ()).unwrap_err(), by_beside] {
        assert_eq!(
            refused.to_string(),
            "was written by a newer version of quikly-braze; update this program"
        );
    }
}

#[test]
fn something_else_is_not_a_data_file() {
    let (_directory, path) = file();
    fs::write(&path, "these are minutes of a meeting, and rather long ones, too".repeat(20)).unwrap();
    assert!(matches!(open(&path), Err(OpenError::NotADataFile)));
}

#[test]
fn a_directory_that_is_not_there_is_said_to_be_unwritable() {
    let (directory, _) = file();
    assert!(matches!(open(&directory.path().join("no/such/data.sqlite")), Err(OpenError::NotWritable(_))));
}

#[test]
fn only_its_owner_can_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = file();
    let _open = open(&path).unwrap();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn slots_that_a_dead_process_booked_are_free_for_the_next() {
    let (_directory, path) = file();
    let lane = Lane { brand: BrandId::parse("acme").unwrap(), endpoint: Endpoint::ExportIds };
    let allowance = Allowance { requests: 250, period: Duration::from_secs(60), by_contract: false };
    let lane = ContractLane { lane, contract: allowance.into() };
    let now = SystemClock.now();
    let dead = open(&path).unwrap();
    dead.reserve(&lane, 700.into(), now).await.unwrap();
    drop(dead);
    let next = open(&path).unwrap();
    next.take_over_slots().await.unwrap();
    let count = |reservation: Reservation| reservation.booked.iter().map(|booked| booked.count).sum::<u32>();
    assert_eq!(count(next.reserve(&lane, 40.into(), now).await.unwrap()), 1, "one asks for all");
    let resets_at = now.checked_add(Duration::from_secs(30)).ok();
    let said = Observed::Answered { limit: Some(250), remaining: Some(200), resets_at };
    next.observe(&lane, said, now).await.unwrap();
    let reservation = next.reserve(&lane, 200.into(), now).await.unwrap();
    assert_eq!((reservation.booked[0].count, reservation.booked[0].slot.from), (200, now));
}
