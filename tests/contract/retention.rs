//! Retention on a file. On DynamoDB, items name the time of their deletion.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::call::CallBatch;
use domain::decide::Step;
use domain::id_key::IdKey;
use domain::ids::BrandId;
use domain::participation::{Outcome, Participation, State};
use domain::profile::{Alias, ProfileHint, ProfileRef};
use embedded::{AdminConnection, DataFile, Expired};
use memory::TestClock;
use ports::{CallLog, CallReading, Clock, Store};
use testkit::{changed, participation, start};

fn ended(email: &str) -> Participation {
    changed(&participation("acme", "spring", email), |kept| {
        (kept.state, kept.due_at) = (State::Ended(Outcome::Enrolled), None);
    })
}

#[tokio::test]
async fn ended_participations_are_deleted_at_their_time_and_open_ones_stay() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(start()));
    let file = DataFile::open(&directory.path().join("data.sqlite"), clock.clone()).unwrap();
    let (gone, open) = (ended("ada@example.com"), participation("acme", "spring", "bob@example.com"));
    let kept = changed(&ended("cid@example.com"), |kept| kept.keep_until += Duration::from_secs(1));
    for one in [&gone, &open, &kept] {
        file.insert(one, None).await.unwrap();
    }
    let email = gone.email().unwrap().clone();
    let known = ProfileHint {
        profile: ProfileRef::Alias(Alias::for_email(&email)),
        learned_at: start(),
        created: true,
        by: gone.id(),
    };
    let contact = gone.contact_key(&IdKey::new([9; 32])).unwrap();
    file.remember_profiles(&[(contact, known)]).await.unwrap();
    assert_eq!(file.expire(clock.now()).await.unwrap(), Expired::default());

    clock.advance(Duration::from_secs(90 * 86_400));
    assert_eq!(file.expire(clock.now()).await.unwrap(), Expired { participations: 1, profiles: 1, calls: 0 });
    let left = file.get(&[gone.id(), open.id(), kept.id()]).await.unwrap().found;
    assert_eq!(
        left.iter().map(|one| one.id()).collect::<BTreeSet<_>>(),
        BTreeSet::from([open.id(), kept.id()])
    );
    assert_eq!(
        file.accepted(gone.scope(), 0).await.unwrap(),
        3,
        "a deleted participation still counts as accepted"
    );
}

#[tokio::test]
async fn a_participation_that_ends_late_is_deleted_then() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(start()));
    let file = DataFile::open(&directory.path().join("data.sqlite"), clock.clone()).unwrap();
    let mut late = participation("acme", "spring", "ada@example.com");
    file.insert(&late, None).await.unwrap();
    clock.advance(Duration::from_secs(91 * 86_400));
    assert_eq!(file.expire(clock.now()).await.unwrap(), Expired::default(), "it is in progress");
    late.apply(&Step::Done(Outcome::Enrolled), clock.now());
    file.save(&[late]).await.unwrap();
    assert_eq!(file.expire(clock.now()).await.unwrap().participations, 1);
}

#[tokio::test]
async fn calls_are_deleted_after_seven_days() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(start()));
    let path = directory.path().join("data.sqlite");
    let file = DataFile::open(&path, clock.clone()).unwrap();
    let brand = BrandId::parse("acme").unwrap();
    let batch = |kept_at| CallBatch { brand: brand.clone(), kept_at, calls: Vec::new() };
    let early: Vec<CallBatch> = (0..600).map(|_| batch(clock.now())).collect();
    file.keep_calls(&early).await.unwrap();
    clock.advance(Duration::from_secs(1));
    file.keep_calls(&[batch(clock.now())]).await.unwrap();
    clock.advance(Duration::from_secs(7 * 86_400 - 1));
    assert_eq!(file.expire(clock.now()).await.unwrap(), Expired::default());
    clock.advance(Duration::from_millis(1));
    assert_eq!(file.expire(clock.now()).await.unwrap().calls, 600);
    let kept = AdminConnection::open(&path).unwrap().calls(&brand, start(), None).await.unwrap();
    assert_eq!(kept.batches.len(), 1);
}
