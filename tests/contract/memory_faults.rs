use std::sync::Arc;
use std::time::Duration;

use domain::ledger::Standing;
use domain::message::QueueName;
use domain::participation::{Outcome, State};
use memory::{Faults, Memory, TestClock};
use ports::Clock;
use ports::queues::{Outgoing, Queues};
use ports::schedule::Schedule;
use ports::store::{Inserted, Saved, Store};
use testkit::{changed, participation, start};

use crate::queues::look;

const QUEUE: QueueName = QueueName::EmailEnrollments;

fn memory(seed: u64, faults: Faults) -> (Memory, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(start()));
    (Memory::new(seed, faults, clock.clone()), clock)
}

/// The messages that are delivered within ten minutes after twenty were sent, in their order.
async fn delivered(seed: u64, faults: Faults) -> Vec<String> {
    let (memory, clock) = memory(seed, faults);
    for number in 0..20 {
        let message = Outgoing { look: look("acme", number), delay: Duration::ZERO };
        let _failed = memory.send(QUEUE, vec![message]).await;
    }
    let mut delivered = Vec::new();
    for _ in 0..10 {
        for delivery in memory.receive(QUEUE, Duration::ZERO).await.unwrap() {
            delivered.push(delivery.look.ids[0].to_string());
            memory.acknowledge(QUEUE, &[]).await.unwrap();
        }
        clock.advance(Duration::from_secs(1));
    }
    delivered
}

fn in_order() -> Vec<String> {
    (0..20).map(|number| look("acme", number).ids[0].to_string()).collect()
}

#[tokio::test]
async fn without_faults_every_message_is_delivered_once_and_in_order() {
    assert_eq!(delivered(1, Faults::none()).await, in_order());
}

#[tokio::test]
async fn messages_are_lost_repeated_and_mixed() {
    let lost = delivered(1, Faults { message_lost: 0.3, ..Faults::none() }).await;
    assert!(!lost.is_empty() && lost.len() < 20);
    assert!(delivered(1, Faults { message_twice: 0.3, ..Faults::none() }).await.len() > 20);
    let mixed = delivered(1, Faults { message_order: 1.0, ..Faults::none() }).await;
    assert_ne!(mixed, in_order());
    let mut sorted = (mixed, in_order());
    sorted.0.sort();
    sorted.1.sort();
    assert_eq!(sorted.0, sorted.1);
    assert!(delivered(1, Faults { send_fails: 0.3, ..Faults::none() }).await.len() < 20);
}

#[tokio::test]
async fn the_same_seed_makes_the_same_run() {
    assert_eq!(delivered(7, Faults::like_aws()).await, delivered(7, Faults::like_aws()).await);
    assert_ne!(delivered(7, Faults::like_aws()).await, delivered(8, Faults::like_aws()).await);
}

#[tokio::test]
async fn a_write_fails_before_it_was_done_or_after() {
    let ada = participation("acme", "spring", "ada@example.com");
    let (before, _) = memory(1, Faults { write_fails: 1.0, ..Faults::none() });
    assert!(before.insert(&ada, None).await.is_err());
    assert!(before.get(&[ada.id()]).await.unwrap().found.is_empty());
    let (after, _) = memory(1, Faults { write_lost_answer: 1.0, ..Faults::none() });
    assert!(after.insert(&ada, None).await.is_err());
    assert_eq!(after.get(&[ada.id()]).await.unwrap().found.len(), 1);
}

#[tokio::test]
async fn reads_fail_and_saves_conflict() {
    let ada = participation("acme", "spring", "ada@example.com");
    let (reads, _) = memory(1, Faults { read_fails: 1.0, ..Faults::none() });
    assert!(reads.get(&[ada.id()]).await.is_err());
    let (saves, _) = memory(1, Faults { save_conflicts: 1.0, ..Faults::none() });
    assert_eq!(saves.insert(&ada, None).await.unwrap(), Inserted::New(Standing::Unnumbered));
    assert_eq!(saves.save(&[ada]).await.unwrap(), [Saved::Conflict]);
}

#[tokio::test]
async fn an_index_shows_a_participation_up_to_two_seconds_late() {
    let (memory, clock) = memory(1, Faults { index_lags: 1.0, ..Faults::none() });
    let ada = participation("acme", "spring", "ada@example.com");
    let due_at = ada.due_at().unwrap();
    memory.insert(&ada, None).await.unwrap();
    assert_eq!(memory.get(&[ada.id()]).await.unwrap().found.len(), 1, "reads by id are up to date");
    assert!(memory.due(due_at, 10).await.unwrap().is_empty());
    clock.advance(Duration::from_secs(2));
    assert_eq!(memory.due(due_at, 10).await.unwrap().len(), 1);
    memory.set_aside(&[ada.id()], due_at + Duration::from_secs(60), due_at).await.unwrap();
    assert_eq!(memory.due(due_at, 10).await.unwrap().len(), 1, "the entry has not moved yet");
    clock.advance(Duration::from_secs(2));
    assert!(memory.due(due_at, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_participation_that_has_ended_is_shown_as_it_was_read_before_for_two_hours_at_most() {
    let (memory, clock) = memory(1, Faults { glimpse_kept: 1.0, ..Faults::none() });
    let hours = |hours: u64| start() + Duration::from_secs(3_600 * hours);
    let ada =
        changed(&participation("acme", "spring", "ada@example.com"), |kept| kept.due_at = Some(start()));
    memory.insert(&ada, None).await.unwrap();
    let put_off = async |version, until| {
        assert_eq!(memory.due(clock.now(), 10).await.unwrap().len(), 1);
        let next = changed(&ada, |kept| (kept.version, kept.due_at) = (version, Some(until)));
        assert_eq!(memory.put_off(&[next]).await.unwrap(), [Saved::Saved]);
    };
    put_off(0, hours(1)).await;
    let ended = State::Ended(Outcome::Enrolled);
    let ended = changed(&ada, |kept| (kept.version, kept.due_at, kept.state) = (1, None, ended));
    assert_eq!(memory.save(&[ended]).await.unwrap(), [Saved::Saved]);
    for hour in 1..3 {
        clock.advance(Duration::from_secs(3_600));
        put_off(1, hours(hour + 1)).await;
    }
    clock.advance(Duration::from_secs(3_600));
    assert!(memory.due(clock.now(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_saves_that_are_throttled_the_first_ones_take_effect() {
    let (memory, _) = memory(1, Faults { saves_throttled: 1.0, ..Faults::none() });
    let all: Vec<_> =
        (0..10).map(|number| participation("acme", "spring", &format!("c{number}@example.com"))).collect();
    for one in &all {
        memory.insert(one, None).await.unwrap();
    }
    assert!(memory.save(&all).await.is_err());
    let ids: Vec<_> = all.iter().map(|one| one.id()).collect();
    let read = memory.get(&ids).await.unwrap().found;
    let saved: Vec<bool> =
        ids.iter().map(|id| read.iter().any(|one| one.id() == *id && one.version() == 1)).collect();
    let count = saved.iter().filter(|saved| **saved).count();
    assert!(count > 0 && count < 10, "{saved:?}");
    assert!(saved.is_sorted_by(|one, next| one >= next), "{saved:?}");
}

#[tokio::test]
async fn schedules_fire_late_twice_or_never() {
    async fn fired(faults: Faults, after: Duration) -> usize {
        let (memory, clock) = memory(1, faults);
        memory.at(start(), QUEUE, look("acme", 1)).await.unwrap();
        clock.advance(after);
        memory.receive(QUEUE, Duration::ZERO).await.unwrap().len()
    }
    let at_once = Duration::ZERO;
    assert_eq!(fired(Faults::none(), at_once).await, 1);
    assert_eq!(fired(Faults { schedule_lost: 1.0, ..Faults::none() }, at_once).await, 0);
    assert_eq!(fired(Faults { schedule_twice: 1.0, ..Faults::none() }, at_once).await, 2);
    let late = Faults { schedule_late: 1.0, ..Faults::none() };
    assert_eq!(fired(late, at_once).await, 0);
    assert_eq!(fired(late, Duration::from_secs(120)).await, 1);
}
