//! Batches of participations that are to be read back: each is kept until it is done.

use std::time::Duration;

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use domain::reservation::Slot;
use ports::read_backs::{MOST_BATCHES, ReadBackBatch};
use testkit::start;

use crate::Ports;

fn at(second: u64) -> Timestamp {
    start() + Duration::from_secs(second)
}

fn batch(second: u64, id: u8) -> ReadBackBatch {
    ReadBackBatch {
        brand: BrandId::parse("acme").unwrap(),
        due_at: at(second),
        ids: vec![ParticipationId::from_bytes([id; 16])],
        slot: None,
    }
}

async fn due(ports: &Ports, second: u64) -> Vec<ReadBackBatch> {
    let due = ports.read_backs.due_batches(at(second)).await.unwrap();
    assert!(due.unreadable.is_empty());
    due.batches
}

pub(crate) async fn a_batch_is_due_from_its_time_on_until_it_is_done(ports: Ports) {
    let batches = [batch(20, 1), batch(10, 2), batch(30, 3)];
    ports.read_backs.keep_batches(&batches).await.unwrap();
    assert!(due(&ports, 9).await.is_empty());
    let [second, first, third] = batches;
    assert_eq!(due(&ports, 20).await, [first.clone(), second.clone()], "longest due first");
    for _ in 0..2 {
        ports.read_backs.batches_done(&[first.key(), second.key()]).await.unwrap();
    }
    assert_eq!(due(&ports, 30).await, [third]);
}

pub(crate) async fn a_batch_that_is_kept_twice_is_one_batch(ports: Ports) {
    let slot = Some(Slot { from: at(10), until: at(70) });
    let with_slot = ReadBackBatch { slot, ..batch(10, 1) };
    for one in [batch(10, 1), with_slot.clone()] {
        ports.read_backs.keep_batches(&[one]).await.unwrap();
    }
    assert_eq!(due(&ports, 10).await, [with_slot]);
}

pub(crate) async fn no_more_than_a_hundred_batches_are_returned(ports: Ports) {
    let batches: Vec<ReadBackBatch> = (0..=100).map(|id| batch(10 + u64::from(id), id)).collect();
    ports.read_backs.keep_batches(&batches).await.unwrap();
    assert_eq!(due(&ports, 1_000).await, batches[..MOST_BATCHES]);
}
