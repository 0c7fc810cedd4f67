//! Lanes in memory, whose calls take time and fail as those of functions do. Time is virtual, so many runs are played.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::award::{Award, SiblingLines};
use domain::incentive::Offer;
use domain::ledger::{Entry, Standing};
use futures::future::join_all;
use memory::{Faults, Memory, SeededChance, TestClock};
use ports::clock::SystemClock;
use ports::numbering::DrawSettings;
use ports::store::Inserted;
use ports::{Chance, Clock};
use testkit::answers::AnswerLog;
use testkit::start;

use crate::game::{Game, first};
use crate::lanes::{
    in_hasty_lanes, in_lanes, places_are_given_and_numbers_used, whoever_dies_holds_up_nobody,
    whoever_joins_while_a_batch_is_drawn_stands_behind,
};
use crate::numbers::{are_in_order, settle};
use crate::spoiler::Spoiler;
use crate::{Ports, numbers};

/// The runs of this many seeds are played.
const SEEDS: u64 = 200;

/// A store whose acceptances make their calls one by one and draw numbers by these settings.
fn memory(seed: u64, faults: Faults, settings: DrawSettings) -> (Arc<Memory>, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(start()));
    let memory = Arc::new(Memory::new(seed, faults, clock.clone()));
    memory.accept_call_by_call(settings);
    (memory, clock)
}

fn ports_over((memory, clock): (Arc<Memory>, Arc<TestClock>)) -> Ports {
    Ports::over(&memory, &memory, clock, Spoiler::Memory(memory.clone()))
}

/// Calls to counters and lanes are throttled.
fn busy() -> Faults {
    Faults { draw_throttled: 0.1, ..Faults::none() }
}

/// Calls to counters and lanes lose their answers, too.
fn unreliable() -> Faults {
    Faults { draw_lost_answer: 0.05, ..busy() }
}

#[tokio::test(start_paused = true)]
async fn in_lanes_a_consumer_who_is_answered_before_another_asks_stands_ahead() {
    let ports = ports_over(memory(1, busy(), in_lanes(4)));
    numbers::a_consumer_who_is_answered_before_another_asks_stands_ahead(ports).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_from_a_lane_says_is_what_is_kept() {
    numbers::what_the_answer_says_is_what_is_kept(ports_over(memory(1, busy(), in_lanes(4)))).await;
}

#[tokio::test(start_paused = true)]
async fn in_lanes_numbers_of_requests_that_died_are_reclaimed_and_every_place_is_given_once() {
    let ports = ports_over(memory(1, unreliable(), in_hasty_lanes(4)));
    numbers::numbers_of_requests_that_died_are_reclaimed_and_every_place_is_given_once(ports).await;
}

#[tokio::test(start_paused = true)]
async fn a_number_from_a_lane_whose_participation_comes_too_late_has_no_second_owner() {
    let ports = ports_over(memory(1, unreliable(), in_lanes(4)));
    numbers::a_number_whose_participation_comes_too_late_has_no_second_owner(ports).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_a_batch_that_is_being_drawn_stands_behind_whoever_was_answered_before() {
    let (one, clock) = memory(1, Faults::none(), in_lanes(1));
    // The calls of the other process are not counted, because the first one stops meanwhile.
    let other = Arc::new(one.another_process(DrawSettings::patient()));
    let ports = [ports_over((one.clone(), clock.clone())), ports_over((other, clock))];
    whoever_joins_while_a_batch_is_drawn_stands_behind(ports, || one.calls_made()).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_dies_in_a_lane_holds_up_nobody_and_every_number_is_reclaimed() {
    let (memory, clock) = memory(1, Faults::none(), in_hasty_lanes(1));
    whoever_dies_holds_up_nobody(ports_over((memory.clone(), clock)), || memory.calls_made()).await;
}

#[tokio::test(start_paused = true)]
async fn behind_everybody_with_a_number_no_number_is_drawn_in_a_lane() {
    let game = Game::of(ports_over(memory(1, Faults::none(), in_lanes(2))), first(2));
    let numbers = game.ports.ledger.numbers().unwrap();
    numbers.draw(&crate::game::ledger(), 2_001).await.unwrap();
    assert_eq!(game.stands(0, Offer::ByPlace).await, Standing::Waiting(2_000));
    // This one is drawn behind the last number that counts, which the store then knows.
    assert_eq!(game.stands(1, Offer::ByPlace).await, Standing::Waiting(2_001));
    assert_eq!(game.stands(2, Offer::ByPlace).await, Standing::WaitingAtLeast(2_000));
    assert_eq!(*numbers.draw(&crate::game::ledger(), 1).await.unwrap().start(), 2_004);
}

/// One consumer, who asks until there is an answer.
async fn asks(game: &Game, number: usize, log: &AnswerLog) {
    let participation = Game::participation(number, false);
    let award = Award { others: SiblingLines::None, ..Game::line(&participation, Offer::ByPlace) };
    let entry = Entry { award, rules: game.rules.clone() };
    loop {
        let asked = log.asks();
        match game.ports.store.insert(&participation, Some(&entry)).await {
            Ok(Inserted::New(standing)) => return log.answers(asked, standing),
            Ok(Inserted::Existing(_)) => return,
            Err(_) => {}
        }
    }
}

/// Consumers of one run ask within a tenth of a second: in up to three lanes, or by the counter until it is throttled.
async fn rush(seed: u64) -> (usize, BTreeSet<&'static str>) {
    const CONSUMERS: usize = 40;
    let faults = Faults { acceptance_dies: 0.01, ..unreliable() };
    let settings = DrawSettings {
        always_in_lanes: (seed % 4).checked_sub(1).map(|lanes| lanes + 1),
        ..DrawSettings::default()
    };
    let (memory, clock) = memory(seed, faults, settings);
    let game = Game::of(ports_over((memory.clone(), clock)), first(25));
    let (log, chance) = (AnswerLog::default(), SeededChance::new(seed));
    let begins: Vec<u64> = (0..CONSUMERS).map(|_| chance.bits() % 100).collect();
    let consumer = async |number: usize| {
        SystemClock.sleep(Duration::from_millis(begins[number])).await;
        asks(&game, number, &log).await;
    };
    join_all((0..CONSUMERS).map(consumer)).await;
    are_in_order(&log, 25);
    memory.change_faults(Faults::none());
    let ids: Vec<_> = (0..CONSUMERS).map(|number| Game::participation(number, false).id()).collect();
    settle(&game, &ids).await;
    places_are_given_and_numbers_used(&game, &ids, 25).await;
    (log.places(25).len(), memory.struck().into_keys().collect())
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_to_calls_numbers_keep_the_order_and_every_place_is_given_once() {
    let (mut numbered, mut struck) = (0, BTreeSet::new());
    for seed in 0..SEEDS {
        let (more, faults) = rush(seed).await;
        numbered += more;
        struck.extend(faults);
    }
    let expected = ["acceptances that died", "draws that were throttled", "draws whose answer was lost"];
    assert_eq!(struck, expected.into());
    assert!(numbered as u64 > SEEDS * 20, "{numbered} were answered with a place in line");
}
