use std::sync::Arc;
use std::time::Duration;

use domain::contact::Email;
use domain::ids::Scope;
use domain::participation::{Participation, Snapshot, Way};
use ports::clock::SystemClock;
use ports::queues::{Delivery, Outgoing, Queues};
use ports::{Clock, Store};

use super::*;
use crate::data_file::DataFile;

const QUEUE: QueueName = QueueName::EmailEnrollments;

fn accepted(number: u8, imported: bool) -> Participation {
    let way = Way::Email { email: Email::parse("ada@example.com").unwrap(), consent: None };
    let owner = (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap());
    let now = SystemClock.now();
    let id = ParticipationId::from_bytes([number; 16]);
    let kept = Snapshot::accepted(id, owner, way, (now, later(now, Duration::from_secs(86_400))), false);
    Participation::restore(Snapshot { imported, ..kept }).unwrap()
}

fn look(ids: &[&Participation]) -> WorkMessage {
    WorkMessage {
        brand: BrandId::parse("acme").unwrap(),
        ids: ids.iter().map(|participation| participation.id()).collect(),
    }
}

struct Restarted {
    directory: tempfile::TempDir,
}

impl Restarted {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> DataFile {
        DataFile::open(&self.directory.path().join("data.sqlite"), Arc::new(SystemClock)).unwrap()
    }
}

async fn receive(file: &DataFile) -> Vec<Delivery> {
    file.receive(QUEUE, Duration::ZERO).await.unwrap()
}

async fn looks(file: &DataFile) -> Vec<WorkMessage> {
    receive(file).await.into_iter().map(|delivery| delivery.look).collect()
}

#[tokio::test]
async fn what_was_accepted_just_before_the_end_of_the_process_is_announced_at_the_next_start() {
    let (files, [one, other]) = (Restarted::new(), [1, 2].map(|number| accepted(number, false)));
    let before = files.open();
    for accepted in [&one, &other] {
        before.insert(accepted, None).await.unwrap();
        before.announce(QUEUE, vec![look(&[accepted])]).await.unwrap();
    }
    drop(before);
    assert_eq!(looks(&files.open()).await, [look(&[&one, &other])]);
}

#[tokio::test]
async fn what_was_looked_at_is_not_announced_again() {
    let (files, one) = (Restarted::new(), accepted(1, false));
    let before = files.open();
    before.insert(&one, None).await.unwrap();
    before.save(&[one]).await.unwrap();
    drop(before);
    assert_eq!(looks(&files.open()).await, []);
}

#[tokio::test]
async fn a_participation_whose_message_is_in_the_file_is_not_announced_besides() {
    let (files, one) = (Restarted::new(), accepted(1, false));
    let before = files.open();
    before.insert(&one, None).await.unwrap();
    let message = Outgoing { look: look(&[&one]), delay: Duration::ZERO };
    before.send(QUEUE, vec![message]).await.unwrap();
    drop(before);
    assert_eq!(looks(&files.open()).await, [look(&[&one])]);
}

#[tokio::test]
async fn imported_rows_wait_for_the_tick() {
    let (files, imported) = (Restarted::new(), accepted(1, true));
    let before = files.open();
    before.insert(&imported, None).await.unwrap();
    drop(before);
    assert_eq!(looks(&files.open()).await, []);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_no_other_from_being_announced() {
    let files = Restarted::new();
    let before = files.open();
    for number in 1..4 {
        before.insert(&accepted(number, false), None).await.unwrap();
    }
    let path = before.path().to_owned();
    drop(before);
    let spoiled = Connection::open(path).unwrap();
    for (record, number) in [("'{'", 1_u8), ("x'FF'", 2)] {
        let sql = format!("UPDATE participations SET record = {record} WHERE id = ?");
        spoiled.execute(&sql, params![[number; 16]]).unwrap();
    }
    drop(spoiled);
    assert_eq!(looks(&files.open()).await, [look(&[&accepted(3, false)])]);
}

#[tokio::test]
async fn an_announcement_costs_no_commit() {
    let (files, one) = (Restarted::new(), accepted(1, false));
    let file = files.open();
    file.insert(&one, None).await.unwrap();
    let commits = file.writer.commits();
    file.announce(QUEUE, vec![look(&[&one])]).await.unwrap();
    let receipts: Vec<_> = receive(&file).await.into_iter().map(|delivery| delivery.receipt).collect();
    file.acknowledge(QUEUE, &receipts).await.unwrap();
    assert_eq!((receipts.len(), file.writer.commits()), (1, commits));
}
