//! The figures for reports.

use domain::Timestamp;
use domain::decide::Step;
use domain::ids::{Channel, Scope};
use domain::participation::{Outcome, Participation};
use domain::rollup::{Rollup, RollupKey};
use ports::store::Saved;
use testkit::{participation, start};

use crate::Ports;

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

/// A participation that has ended, and is not stored yet.
fn enrolled(scope: &str, number: usize) -> Participation {
    participation("acme", scope, &format!("c{number}@example.com"))
}

/// Ends a participation and saves it with its figures.
async fn end(ports: &Ports, mut participation: Participation, now: Timestamp) -> Saved {
    participation.apply(&Step::Done(Outcome::Enrolled), now);
    let rollup = participation.rollup(None, now);
    ports.store.save_counted(&[participation], &[rollup]).await.unwrap()[0]
}

/// A total of an activation, over all ways.
async fn total(ports: &Ports, scope: &Scope, name: &str) -> u64 {
    let rollup = ports.rollups.rollup(scope).await.unwrap();
    let of_name = rollup.iter().filter(|(key, _)| key.minute.is_none() && key.name == name);
    of_name.map(|(_, count)| count).sum()
}

pub(crate) async fn the_figures_of_saved_participations_are_in_the_roll_up_of_their_activation(ports: Ports) {
    let mut expected = Rollup::default();
    for number in 0..3 {
        let mut one = enrolled("spring", number);
        ports.store.insert(&one, None).await.unwrap();
        one.apply(&Step::Done(Outcome::Enrolled), start());
        let rollup = one.rollup(None, start());
        expected.merge(&rollup);
        assert_eq!(ports.store.save_counted(&[one], &[rollup]).await.unwrap(), [Saved::Saved]);
    }
    let elsewhere = enrolled("summer", 0);
    ports.store.insert(&elsewhere, None).await.unwrap();
    end(&ports, elsewhere, start()).await;
    assert_eq!(ports.rollups.rollup(&scope("spring")).await.unwrap(), expected);
    assert_eq!(total(&ports, &scope("summer"), "credited").await, 1);
}

pub(crate) async fn the_figures_of_a_save_that_lost_a_conflict_are_not_counted(ports: Ports) {
    let one = enrolled("spring", 0);
    ports.store.insert(&one, None).await.unwrap();
    assert_eq!(end(&ports, one.clone(), start()).await, Saved::Saved);
    assert_eq!(end(&ports, one, start()).await, Saved::Conflict);
    assert_eq!(total(&ports, &scope("spring"), "accepted").await, 1);
}

pub(crate) async fn figures_that_no_save_carries_are_added(ports: Ports) {
    let key = RollupKey {
        scope: scope("spring"),
        minute: Some(7),
        channel: Channel::Sms,
        incentive: None,
        name: "looked up".to_owned(),
    };
    let mut rollup = Rollup::default();
    rollup.add(key.clone(), 3);
    ports.rollups.add_rollup(&rollup, start()).await.unwrap();
    ports.rollups.add_rollup(&rollup, start()).await.unwrap();
    let stored = ports.rollups.rollup(&scope("spring")).await.unwrap();
    assert_eq!(stored.iter().collect::<Vec<_>>(), [(&key, 6)]);
}

pub(crate) async fn more_figures_than_fit_one_expression_of_dynamodb_are_all_added(ports: Ports) {
    let mut rollup = Rollup::default();
    for minute in 0..450 {
        let name = "accepted".to_owned();
        let key = RollupKey {
            scope: scope("spring"),
            minute: Some(minute),
            channel: Channel::Email,
            incentive: None,
            name,
        };
        rollup.add(key, 1);
    }
    ports.rollups.add_rollup(&rollup, start()).await.unwrap();
    assert_eq!(ports.rollups.rollup(&scope("spring")).await.unwrap(), rollup);
}
