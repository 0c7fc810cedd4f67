//! An incentive gives out exactly the smaller of its quantity and the number of eligible participations, in the order of acceptance. This
//! holds in every order of arrivals, credits and releases, and when anything is done twice.

use std::collections::{BTreeMap, BTreeSet};

use domain::award::Resolution;
use domain::ids::ParticipationId;
use domain::incentive::Reward;
use proptest::prelude::*;

use crate::emulator::on_dynamo;
use crate::game::{Game, acme, ledger, of_codes, pool};
use crate::{Ports, in_memory, on_a_file};

/// The events, which may occur in any order.
#[derive(Debug, Clone)]
enum Happens {
    Accept,
    /// The resolution of an accepted participation, chosen by its share of those accepted so far.
    Resolve(f64, Resolution),
    /// Everything that was resolved so far is resolved again, by another worker.
    Repeat,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => Just(Happens::Accept),
        3 => (0.0..1.0).prop_map(|which| Happens::Resolve(which, Resolution::Credit)),
        2 => (0.0..1.0).prop_map(|which| Happens::Resolve(which, Resolution::Release)),
        1 => Just(Happens::Repeat),
    ]
}

fn happenings() -> impl Strategy<Value = Vec<Happens>> {
    proptest::collection::vec(happens(), 1..80)
}

/// Plays the events, lets every participation end, and checks which were rewarded.
async fn gives_out_exactly(ports: Ports, quantity: u32, happenings: Vec<Happens>, last: bool) {
    let game = Game::of(ports, of_codes(quantity));
    let codes: Vec<String> = (0..quantity).map(|number| format!("CODE-{number}")).collect();
    game.ports.ledger.import_codes(&acme(), &pool(), &codes).await.unwrap();
    let mut accepted: Vec<ParticipationId> = Vec::new();
    let mut resolutions: BTreeMap<usize, Resolution> = BTreeMap::new();
    for happens in happenings {
        match happens {
            Happens::Accept => accepted.push(game.accept(accepted.len()).await),
            Happens::Resolve(_, _) if accepted.is_empty() => {}
            Happens::Resolve(share, resolution) => {
                let index = ((accepted.len() as f64) * share) as usize;
                let resolution = *resolutions.entry(index).or_insert(resolution);
                game.resolve(&[(accepted[index], resolution)]).await;
            }
            Happens::Repeat => {
                let all: Vec<_> =
                    resolutions.iter().map(|(index, resolution)| (accepted[*index], *resolution)).collect();
                game.resolve(&all).await;
            }
        }
    }
    game.everyone_who_waits_knows_how_many_wait_ahead(&accepted).await;
    let last = if last { Resolution::Credit } else { Resolution::Release };
    for (index, id) in accepted.iter().enumerate() {
        let resolution = *resolutions.entry(index).or_insert(last);
        game.resolve(&[(*id, resolution)]).await;
    }
    game.everyone_who_waits_knows_how_many_wait_ahead(&accepted).await;
    let credited: Vec<ParticipationId> = accepted
        .iter()
        .enumerate()
        .filter(|(index, _)| resolutions[index] == Resolution::Credit)
        .map(|(_, id)| *id)
        .collect();
    let mut given = BTreeSet::new();
    for (index, id) in credited.iter().enumerate() {
        let award = game.award(*id).await;
        let wins = index < quantity as usize;
        assert_eq!(award.reward().is_some(), wins, "the {index}th of the credited, by acceptance");
        if let Some((Reward::Code(code), _)) = award.reward() {
            assert!(given.insert(code.clone()));
        }
    }
    let counts = game.ports.ledger.counts(&ledger()).await.unwrap();
    assert_eq!((counts.given as usize, counts.held), (credited.len().min(quantity as usize), 0));
    assert_eq!(counts.waiting as usize, credited.len().saturating_sub(quantity as usize));
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

/// Tests the property on some ports, with a number of cases.
macro_rules! gives_out_in_order {
    (#[test] fn $name:ident, $cases:literal, $ports:expr, $quantity:expr, $happenings:expr) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases($cases))]

            #[test]
            fn $name(quantity in $quantity, happenings in $happenings, last: bool) {
                run(async { gives_out_exactly($ports.await, quantity, happenings, last).await });
            }
        }
    };
}

// This holds in every order of arrivals, credits and releases, and when anything is done twice.
gives_out_in_order! {
    #[test]
    fn memory_gives_out_the_smaller_of_quantity_and_eligible_in_the_order_of_acceptance,
    400, in_memory(), 1_u32..12, happenings()
}
gives_out_in_order! {
    #[test]
    fn embedded_gives_out_the_smaller_of_quantity_and_eligible_in_the_order_of_acceptance,
    60, on_a_file(), 1_u32..12, happenings()
}
gives_out_in_order! {
    #[test]
    fn aws_gives_out_the_smaller_of_quantity_and_eligible_in_the_order_of_acceptance,
    6, on_dynamo(), 1_u32..6, proptest::collection::vec(happens(), 1..30)
}
