//! Numbers that are drawn while participations are accepted: a consumer who is answered before another one asks stands ahead.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use domain::award::{AwardStatus, SiblingLines};
use domain::ids::ParticipationId;
use domain::incentive::Offer;
use domain::ledger::Standing;
use domain::ledger::numbers::standing_of;
use futures::future::join_all;
use ports::ledger::UNUSED_FOR;
use ports::numbering::DrawSettings;
use ports::store::MOST_ITEMS;
use serde_json::json;
use testkit::answers::{AnswerLog, has_one_twice, out_of_order, rank_of};
use testkit::emulator::{config, prefix};
use testkit::fault_proxy::FaultProxy;

use crate::Ports;
use crate::dynamo_api::call;
use crate::emulator::{on_dynamo, on_dynamo_at, on_dynamo_behind, on_dynamo_drawing};
use crate::game::{Game, first, ledger};

/// How far back somebody stands.
pub(crate) fn rank(standing: Standing, quantity: u32) -> u64 {
    rank_of(standing, quantity).unwrap_or(u64::MAX)
}

/// Nobody who was answered before somebody else asked stands behind them, and no two stand in one place.
pub(crate) fn are_in_order(log: &AnswerLog, quantity: u32) {
    let answers = log.places(quantity);
    assert!(!has_one_twice(&answers), "a number is drawn twice");
    assert_eq!(out_of_order(&answers), [], "stand ahead of one who was answered before");
}

/// This many tasks accept participations with these numbers, one after another.
async fn accept_at_once(game: &Game, tasks: usize, numbers: std::ops::Range<usize>) -> AnswerLog {
    let (log, next) = (AnswerLog::default(), AtomicUsize::new(numbers.start));
    let task = async || {
        loop {
            let number = next.fetch_add(1, SeqCst);
            if number >= numbers.end {
                return;
            }
            let asked = log.asks();
            log.answers(asked, game.stands(number, Offer::ByPlace).await);
        }
    };
    join_all((0..tasks).map(|_| task())).await;
    log
}

pub(crate) async fn a_consumer_who_is_answered_before_another_asks_stands_ahead(ports: Ports) {
    let game = Game::of(ports, first(1_500));
    let answers = accept_at_once(&game, 64, 0..2_000).await;
    assert_eq!(answers.places(1_500).len(), 2_000, "everybody knows the place");
    are_in_order(&answers, 1_500);
}

pub(crate) async fn what_the_answer_says_is_what_is_kept(ports: Ports) {
    let game = Game::of(ports, first(30));
    let answers = accept_at_once(&game, 16, 0..40).await;
    let ids: Vec<ParticipationId> = (0..40).map(|number| Game::participation(number, false).id()).collect();
    // Lines are entered in any order, and here against the order of acceptance.
    let mut reversed = ids.clone();
    reversed.reverse();
    for some in reversed.chunks(7) {
        game.ports.ledger.enter(&game.rules, some, game.now()).await.unwrap();
    }
    let mut kept: Vec<u64> = Vec::new();
    for award in game.awards(&ids).await {
        kept.push(match award.status {
            AwardStatus::Reserved { place } => place.into(),
            AwardStatus::Waiting => award.arrival_number(),
            status => panic!("{status:?}"),
        });
    }
    kept.sort_unstable();
    let mut told: Vec<u64> = answers.places(30).iter().map(|one| one.rank).collect();
    told.sort_unstable();
    assert_eq!((&kept, told.len()), (&told, 40));
    game.everyone_who_waits_knows_how_many_wait_ahead(&ids).await;
}

/// Enters everything, and reclaims what nobody uses, as workers and ticks do.
pub(crate) async fn settle(game: &Game, ids: &[ParticipationId]) {
    for some in ids.chunks(MOST_ITEMS) {
        game.ports.ledger.enter(&game.rules, some, game.now()).await.unwrap();
    }
    let Some(numbers) = game.ports.ledger.numbers() else { return };
    for _ in 0..3 {
        if let Some(drawn) = numbers.long_drawn(&ledger(), game.now()).await.unwrap() {
            numbers.reclaim(&game.rules, drawn, game.now()).await.unwrap();
        }
        game.ports.clock.advance(UNUSED_FOR);
    }
    // A later tick finds those who wait although the index lagged.
    game.refill().await;
}

/// Polls a future this many times, and then drops it, as a function that is stopped.
async fn stopped_after<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut left) = (pin!(work), polls);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

pub(crate) async fn numbers_of_requests_that_died_are_reclaimed_and_every_place_is_given_once(ports: Ports) {
    let game = Game::of(ports, first(20));
    for number in 0..60 {
        // The function is stopped between two of its calls, or in the middle of one.
        let done = stopped_after(number * 7 % 16, game.stands(number, Offer::ByPlace)).await;
        // Most of those who got no answer ask again.
        if done.is_none() && number % 3 > 0 {
            game.store(Game::participation(number, false), Offer::ByPlace, SiblingLines::None).await;
        }
    }
    let stored: Vec<ParticipationId> =
        (0..60).map(|number| Game::participation(number, false).id()).collect();
    settle(&game, &stored).await;
    let awards = game.awards(&stored).await;
    let places: BTreeSet<u32> = awards.iter().filter_map(|award| award.place()).collect();
    assert_eq!(places, (1..=20).collect(), "every place is given");
    assert_eq!(awards.iter().filter(|award| award.has_place()).count(), 20, "and none twice");
    let waiting = awards.iter().filter(|award| award.status == AwardStatus::Waiting).count();
    assert_eq!(waiting, awards.len() - 20);
}

pub(crate) async fn a_number_whose_participation_comes_too_late_has_no_second_owner(ports: Ports) {
    let game = Game::of(ports, first(2));
    let numbers = game.ports.ledger.numbers().unwrap();
    let late = Game::participation(0, false);
    assert_eq!(game.stands(0, Offer::ByPlace).await, Standing::Place(1));
    let (second, third) = (game.accept(1).await, game.accept(2).await);
    for _ in 0..2 {
        if let Some(drawn) = numbers.long_drawn(&ledger(), game.now()).await.unwrap() {
            numbers.reclaim(&game.rules, drawn, game.now()).await.unwrap();
        }
        game.ports.clock.advance(UNUSED_FOR);
    }
    let reclaim = async || {
        let drawn = numbers.long_drawn(&ledger(), game.now()).await.unwrap();
        numbers.reclaim(&game.rules, drawn.unwrap_or(1..=1), game.now()).await.unwrap();
    };
    // Two ticks and the worker do their part at the same time.
    let enter = async { game.ports.ledger.enter(&game.rules, &[late.id()], game.now()).await.unwrap() };
    futures::join!(reclaim(), enter, reclaim());
    // A later tick finds those who wait although the index lagged.
    game.refill().await;
    let awards = game.awards(&[late.id(), second, third]).await;
    let places: BTreeSet<u32> = awards.iter().filter_map(|award| award.place()).collect();
    assert_eq!(places, BTreeSet::from([1, 2]), "each place has an owner");
    assert_eq!(awards.iter().filter(|award| award.has_place()).count(), 2, "and only one");
}

/// Behind those who are numbered there is nobody who could still win, so nothing is drawn for them.
#[tokio::test]
async fn behind_everybody_with_a_number_no_number_is_drawn() {
    let game = Game::of(on_dynamo().await, first(2));
    let numbers = game.ports.ledger.numbers().unwrap();
    numbers.draw(&ledger(), 2_001).await.unwrap();
    let stands = game.stands(0, Offer::ByPlace).await;
    assert_eq!(stands, standing_of(2_002, game.rules.incentive.as_ref().unwrap().quantity));
    // This one is drawn behind the last number that counts, which the store then knows.
    game.stands(1, Offer::ByPlace).await;
    let before = numbers.draw(&ledger(), 1).await.unwrap();
    let behind = game.stands(2, Offer::ByPlace).await;
    assert_eq!(behind, Standing::WaitingAtLeast(2_000));
    assert_eq!(
        *numbers.draw(&ledger(), 1).await.unwrap().start(),
        before.end() + 1,
        "nothing was drawn for it"
    );
}

#[tokio::test]
async fn what_is_throttled_costs_the_place_in_the_answer_and_nothing_else() {
    let proxy = FaultProxy::before(testkit::emulator::endpoint().await);
    let settings = DrawSettings { patience: Duration::from_secs(2), ..DrawSettings::default() };
    let game = Game::of(on_dynamo_drawing(proxy.clone(), &prefix(), settings).await, first(3));
    assert_eq!(game.stands(0, Offer::ByPlace).await, Standing::Place(1));
    proxy.throttle_updates(usize::MAX);
    assert_eq!(game.stands(1, Offer::ByPlace).await, Standing::NotKnownYet);
    proxy.throttle_updates(0);
    settle(&game, &[Game::participation(0, false).id(), Game::participation(1, false).id()]).await;
    let awards = game.awards(&[Game::participation(1, false).id()]).await;
    assert_eq!(awards.first().unwrap().place(), Some(2), "the worker draws the number");
}

/// A request that comes twice at once: the second one finds the first one's participation only when it stores its own.
#[tokio::test]
async fn a_number_that_was_drawn_in_vain_is_given_back_at_once() {
    let proxy = FaultProxy::before(testkit::emulator::endpoint().await);
    let game = Game::of(on_dynamo_behind(proxy.clone()).await, first(3));
    let twice = || game.store(Game::participation(0, false), Offer::ByPlace, SiblingLines::None);
    let (one, _) = futures::join!(twice(), twice());
    let next = game.stands(1, Offer::ByPlace).await;
    let ids = [one, Game::participation(1, false).id()];
    game.ports.ledger.enter(&game.rules, &ids, game.now()).await.unwrap();
    let numbers = game.ports.ledger.counts(&ledger()).await.unwrap().numbers.unwrap();
    assert_eq!(numbers.used_to, numbers.last, "no number is left over");
    assert!(matches!(next, Standing::Place(2 | 3)));
}

/// Shows a line on the index of lists, or hides it, as an index does that lags behind the table.
async fn show_on_list(prefix: &str, id: ParticipationId, shown: bool) {
    let expression = if shown { "SET listed = :list" } else { "REMOVE listed" };
    let mut update = json!({
        "TableName": format!("{prefix}-participations"),
        "Key": { "id": { "S": id.to_string() } },
        "UpdateExpression": expression,
    });
    if shown {
        update["ExpressionAttributeValues"] = json!({ ":list": { "S": "waiting spring early-bird" } });
    }
    call("UpdateItem", &update).await;
}

#[tokio::test]
async fn a_place_is_kept_for_the_first_who_waits_until_the_index_shows_them() {
    let prefix = prefix();
    let game = Game::of(on_dynamo_at(config().await, &prefix).await, first(1));
    let ids = [game.accept(1).await, game.accept(2).await, game.accept(3).await];
    for hidden in [&ids[1..2], &ids[1..]] {
        for id in hidden {
            show_on_list(&prefix, *id, false).await;
        }
        game.release(ids[0]).await;
        let newcomer = game.accept(4).await;
        for waiting in [ids[1], ids[2], newcomer] {
            assert_eq!(game.status(waiting).await, AwardStatus::Waiting);
        }
    }
    for id in &ids[1..] {
        show_on_list(&prefix, *id, true).await;
    }
    game.ports.ledger.refill(&game.rules, game.now()).await.unwrap();
    assert_eq!(game.status(ids[1]).await, AwardStatus::Reserved { place: 1 });
    assert_eq!(game.status(ids[2]).await, AwardStatus::Waiting);
}
