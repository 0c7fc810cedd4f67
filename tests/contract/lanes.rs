//! Lanes, in which acceptances draw their numbers together while a ledger's counter is throttled.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use domain::ids::ParticipationId;
use domain::incentive::Offer;
use domain::ledger::Standing;
use futures::future::{join, join_all};
use ports::numbering::DrawSettings;
use testkit::emulator::{config, endpoint, prefix};
use testkit::fault_proxy::{FaultPlan, FaultProxy};

use crate::emulator::{on_dynamo_drawing, over_tables};
use crate::game::{Game, first, ledger};
use crate::numbers::{rank, settle};
use crate::{Ports, numbers};

/// Numbers are drawn in so many lanes. Members wait there without a limit.
pub(crate) fn in_lanes(lanes: u64) -> DrawSettings {
    DrawSettings { always_in_lanes: Some(lanes), ..DrawSettings::patient() }
}

/// The same, and members of a lane wait for each other as briefly as in a function.
pub(crate) fn in_hasty_lanes(lanes: u64) -> DrawSettings {
    DrawSettings { most_reads: DrawSettings::default().most_reads, ..in_lanes(lanes) }
}

/// Tables behind a proxy that makes everything go wrong now and then.
async fn on_dynamo_in(settings: DrawSettings) -> Ports {
    let proxy = FaultProxy::with(endpoint().await, 16, FaultPlan::mild());
    on_dynamo_drawing(proxy, &prefix(), settings).await
}

#[tokio::test]
async fn in_lanes_a_consumer_who_is_answered_before_another_asks_stands_ahead() {
    let ports = on_dynamo_in(in_lanes(4)).await;
    numbers::a_consumer_who_is_answered_before_another_asks_stands_ahead(ports).await;
}

#[tokio::test]
async fn what_an_answer_from_a_lane_says_is_what_is_kept() {
    numbers::what_the_answer_says_is_what_is_kept(on_dynamo_in(in_lanes(4)).await).await;
}

#[tokio::test]
async fn in_lanes_numbers_of_requests_that_died_are_reclaimed_and_every_place_is_given_once() {
    let ports = on_dynamo_in(in_hasty_lanes(4)).await;
    numbers::numbers_of_requests_that_died_are_reclaimed_and_every_place_is_given_once(ports).await;
}

/// Works until so many more calls were made, and no further.
async fn stops_after<T>(
    (made, calls): (&impl Fn() -> usize, usize),
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    let last = made() + calls;
    poll_fn(|context| match made() < last {
        true => work.as_mut().poll(context).map(Some),
        false => Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn whoever_joins_a_batch_that_is_being_drawn_stands_behind_whoever_was_answered_before() {
    let (proxy, prefix) = (FaultProxy::before(endpoint().await), prefix());
    let in_a_lane = on_dynamo_drawing(proxy.clone(), &prefix, in_lanes(1)).await;
    let by_counter = over_tables(config().await, &prefix, DrawSettings::patient()).await;
    whoever_joins_while_a_batch_is_drawn_stands_behind([in_a_lane, by_counter], || proxy.calls().len()).await;
}

/// If numbers were drawn before the batch is closed, a member who joins later could get a lower number than one who was answered before.
///
/// The first ports draw in one lane and make the calls that are counted. The other ones draw from the same counter.
pub(crate) async fn whoever_joins_while_a_batch_is_drawn_stands_behind(
    ports: [Ports; 2],
    made: impl Fn() -> usize,
) {
    let [in_a_lane, by_counter] = ports.map(|ports| Game::of(ports, first(1_000)));
    // From here on both know that the ledger is numbered.
    in_a_lane.stands(0, Offer::ByPlace).await;
    by_counter.stands(1, Offer::ByPlace).await;
    for calls in 0..=6 {
        let number = 2 + 3 * calls;
        let mut drawing = pin!(in_a_lane.stands(number, Offer::ByPlace));
        let drawn = stops_after((&made, calls), drawing.as_mut()).await;
        let answered = by_counter.stands(number + 1, Offer::ByPlace).await;
        let mut asking = pin!(in_a_lane.stands(number + 2, Offer::ByPlace));
        // It looks for the participation, and joins the lane.
        let asked = stops_after((&made, 2), asking.as_mut()).await;
        assert!(asked.is_none(), "it has no number yet");
        let drawn = async {
            match drawn {
                Some(drawn) => drawn,
                None => drawing.await,
            }
        };
        let ranks = join(drawn, asking).await;
        let (drawn, answered, asked) = (rank(ranks.0, 1_000), rank(answered, 1_000), rank(ranks.1, 1_000));
        assert!(answered < asked, "{answered} was answered before {asked} asked, after {calls} calls");
        assert!(drawn != answered && drawn != asked, "{drawn} is drawn twice, after {calls} calls");
    }
}

#[tokio::test]
async fn whoever_dies_in_a_lane_holds_up_nobody_and_every_number_is_reclaimed() {
    let proxy = FaultProxy::before(endpoint().await);
    let ports = on_dynamo_drawing(proxy.clone(), &prefix(), in_hasty_lanes(1)).await;
    whoever_dies_holds_up_nobody(ports, || proxy.calls().len()).await;
}

/// Two die in one lane, each after so many calls: before it joined, before it drew, before it published, before it was stored.
pub(crate) async fn whoever_dies_holds_up_nobody(ports: Ports, made: impl Fn() -> usize) {
    const PLACES: u32 = 60;
    let game = Game::of(ports, first(PLACES));
    let mut asked = 0;
    let mut next = || {
        asked += 1;
        asked - 1
    };
    game.stands(next(), Offer::ByPlace).await;
    for calls in (1..=5).flat_map(|one| (1..=5).map(move |other| [one, other])) {
        let dying = calls.map(|calls| (calls, Box::pin(game.stands(next(), Offer::ByPlace))));
        let mut dead = Vec::new();
        for (calls, mut work) in dying {
            stops_after((&made, calls), work.as_mut()).await;
            dead.push(work);
        }
        drop(dead);
        let others = [next(), next()].map(|number| game.stands(number, Offer::ByPlace));
        for standing in join_all(others).await {
            assert!(matches!(standing, Standing::Place(_) | Standing::Waiting(_)), "{standing:?} {calls:?}");
        }
    }
    let ids: Vec<ParticipationId> =
        (0..asked).map(|number| Game::participation(number, false).id()).collect();
    settle(&game, &ids).await;
    places_are_given_and_numbers_used(&game, &ids, PLACES).await;
}

/// Every place is given to one of those who are stored, and every number that was drawn is used or reclaimed.
pub(crate) async fn places_are_given_and_numbers_used(game: &Game, ids: &[ParticipationId], places: u32) {
    let awards = game.awards(ids).await;
    let given: BTreeSet<u32> = awards.iter().filter_map(|award| award.place()).collect();
    let with_places = awards.iter().filter(|award| award.has_place()).count();
    let expected = awards.len().min(places as usize);
    assert_eq!((given.len(), with_places), (expected, expected), "every place is given, and none twice");
    let left = game.ports.ledger.numbers().unwrap().long_drawn(&ledger(), game.now()).await.unwrap();
    assert_eq!(left, None, "every number is used or reclaimed");
}

#[tokio::test]
async fn a_ledger_whose_counter_is_throttled_is_drawn_from_in_lanes_and_another_is_not() {
    let proxy = FaultProxy::before(endpoint().await);
    let game = Game::of(on_dynamo_drawing(proxy.clone(), &prefix(), DrawSettings::patient()).await, first(5));
    let lanes_used = || {
        let written = proxy.take_counts().write_units;
        written.keys().filter(|key| key.ends_with(" lane")).count()
    };
    assert_eq!(game.stands(0, Offer::ByPlace).await, Standing::Place(1));
    assert_eq!(lanes_used(), 0);
    proxy.throttle_updates(1);
    assert_eq!(game.stands(1, Offer::ByPlace).await, Standing::Place(2));
    assert_eq!(lanes_used(), 1);
    assert_eq!(game.stands(2, Offer::ByPlace).await, Standing::Place(3));
    assert_eq!(lanes_used(), 1, "it stays in lanes for a while");
}

#[tokio::test]
async fn whoever_gets_no_number_within_the_patience_is_accepted_without_and_the_worker_draws_it() {
    let proxy = FaultProxy::before(endpoint().await);
    let settings = DrawSettings { always_in_lanes: Some(4), ..DrawSettings::default() };
    let game = Game::of(on_dynamo_drawing(proxy.clone(), &prefix(), settings).await, first(3));
    proxy.hold("UpdateItem", "-ledgers");
    assert_eq!(game.stands(0, Offer::ByPlace).await, Standing::NotKnownYet);
    proxy.let_go();
    let id = Game::participation(0, false).id();
    settle(&game, &[id]).await;
    assert!(game.award(id).await.has_place());
}

#[tokio::test]
async fn behind_the_last_number_a_silent_database_costs_no_more_than_the_patience() {
    let proxy = FaultProxy::before(endpoint().await);
    let patience = Duration::from_secs(2);
    let settings = DrawSettings { patience, fence_fresh_for: Duration::ZERO, ..DrawSettings::default() };
    let game = Game::of(on_dynamo_drawing(proxy.clone(), &prefix(), settings).await, first(2));
    game.ports.ledger.numbers().unwrap().draw(&ledger(), 2_002).await.unwrap();
    // This one is drawn behind the last number that counts, which the store then knows.
    game.stands(0, Offer::ByPlace).await;
    assert_eq!(game.stands(1, Offer::ByPlace).await, Standing::WaitingAtLeast(2_000));
    proxy.hold("GetItem", "-ledgers");
    assert_eq!(game.stands(2, Offer::ByPlace).await, Standing::NotKnownYet);
    proxy.let_go();
    assert_eq!(game.stands(3, Offer::ByPlace).await, Standing::WaitingAtLeast(2_000));
}

#[test]
fn a_function_waits_eighty_milliseconds_for_a_number() {
    assert_eq!(DrawSettings::default().patience, Duration::from_millis(80));
}
