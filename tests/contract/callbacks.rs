//! Callbacks: each is repeated until it is delivered.

use std::time::Duration;

use domain::award::Resolution;
use domain::callback::{Callback, CallbackId, CallbackKind, LastAnswer, ReceiverAnswer};
use domain::incentive::{NoPrize, Offer};
use ports::ledger::{CALLBACK_LEASE, CallbackDelivery, DeliveryOutcome};
use ports::store::Inserted;

use crate::Ports;
use crate::game::{Game, code, first, rewarded};

pub(crate) async fn every_callback_is_delivered_once(ports: Ports) {
    let game = Game::of(ports, first(1));
    let ids = [game.accept(1).await, game.accept(2).await, game.accept(3).await];
    for _ in 0..2 {
        game.resolve(&[
            (ids[1], Resolution::Credit),
            (ids[2], Resolution::Release),
            (ids[0], Resolution::Release),
        ])
        .await;
    }
    let mut due = game.due_callbacks().await;
    due.sort_by_key(|(id, kind)| (ids.iter().position(|known| known == id), *kind));
    let expected = [
        (ids[0], CallbackKind::Ended),
        (ids[1], CallbackKind::Credited),
        (ids[1], CallbackKind::Rewarded),
        (ids[2], CallbackKind::Ended),
    ];
    assert_eq!(due, expected);
}

/// A callback that is due.
async fn taken(game: &Game) -> CallbackDelivery {
    game.take_callbacks(10).await.callbacks.pop().unwrap()
}

/// A game with one credit whose callback has been taken.
async fn with_a_callback_taken(ports: Ports) -> (Game, Callback) {
    let game = Game::of(ports, first(1));
    let id = game.accept(1).await;
    game.credit(id).await;
    let callback = taken(&game).await.callback;
    (game, callback)
}

pub(crate) async fn a_callback_is_repeated_until_it_is_delivered(ports: Ports) {
    let (game, callback) = with_a_callback_taken(ports).await;
    assert_eq!(callback.status, rewarded(1, code("SPRING20")));
    assert!(game.due_callbacks().await.is_empty(), "its lease has not ended");
    game.ports.clock.advance(CALLBACK_LEASE);
    let outbound = taken(&game).await;
    assert_eq!((outbound.attempts, &outbound.callback), (0, &callback), "the lease has ended");
    let later = game.now() + Duration::from_secs(600);
    game.ports
        .callbacks
        .delivered(&[(
            callback.id,
            DeliveryOutcome::RetryAt(later, LastAnswer { kind: ReceiverAnswer::NoAnswer, at: game.now() }),
        )])
        .await
        .unwrap();
    game.ports.clock.advance(Duration::from_secs(599));
    assert!(game.due_callbacks().await.is_empty());
    game.ports.clock.advance(Duration::from_secs(1));
    let outbound = taken(&game).await;
    assert_eq!(outbound.attempts, 1);
    game.ports.callbacks.delivered(&[(callback.id, DeliveryOutcome::Delivered(game.now()))]).await.unwrap();
    game.ports.clock.advance(Duration::from_secs(90_000));
    assert!(game.due_callbacks().await.is_empty());
}

pub(crate) async fn a_callback_beside_the_ledgers_is_sent_once(ports: Ports) {
    let (game, credited) = with_a_callback_taken(ports).await;
    let id = CallbackId { kind: CallbackKind::RewardUnplaced, ..credited.id };
    let unplaced = Callback { id, at: game.now(), ..credited };
    for _ in 0..2 {
        game.ports.callbacks.call_back(&unplaced).await.unwrap();
    }
    assert_eq!(taken(&game).await.callback, unplaced);
    for _ in 0..2 {
        game.ports.callbacks.call_back(&unplaced).await.unwrap();
        assert!(game.due_callbacks().await.is_empty(), "it is being delivered");
    }
}

pub(crate) async fn a_parked_callback_is_not_repeated(ports: Ports) {
    let (game, callback) = with_a_callback_taken(ports).await;
    game.ports
        .callbacks
        .delivered(&[(
            callback.id,
            DeliveryOutcome::Parked(LastAnswer { kind: ReceiverAnswer::NoAnswer, at: game.now() }),
        )])
        .await
        .unwrap();
    game.ports.clock.advance(Duration::from_secs(90_000));
    assert!(game.due_callbacks().await.is_empty());
}

pub(crate) async fn an_award_without_incentive_is_a_credit_with_a_callback(ports: Ports) {
    let mut game = Game::of(ports, first(1));
    game.rules.incentive = None;
    let offer = Offer::Nothing(NoPrize::NoIncentive);
    let id = game.accept_with(Game::participation(1, false), offer).await;
    let award = game.credit(id).await;
    assert_eq!((award.credited_at, award.reward()), (Some(game.now()), None));
    assert_eq!(game.due_callbacks().await, [(id, CallbackKind::Credited)]);
    let entered = Game::participation(1, false);
    assert!(matches!(game.ports.store.insert(&entered, None).await.unwrap(), Inserted::Existing(_)));
}
