//! Everything that is stored about one participation, as `show` reads it.

use std::time::Duration;

use domain::award::AwardStatus;
use domain::callback::{Callback, CallbackId, CallbackKind, LastAnswer, ReceiverAnswer};
use domain::ids::ParticipationId;
use domain::incentive::Offer;
use domain::participation::{Cause, Code};
use ports::inspection::InspectedCallback;
use ports::ledger::DeliveryOutcome;

use crate::Ports;
use crate::game::{Game, code, first, rewarded};

pub(crate) async fn a_participation_is_shown_with_its_line_and_how_many_wait_ahead(ports: Ports) {
    let game = Game::of(ports, first(1));
    let ids = game.accept_all(3, Offer::ByPlace).await;
    game.credit_all(&ids).await;
    let inspect = async |id| game.ports.inspection.inspect(id).await.unwrap().unwrap();
    let won = inspect(ids[0]).await;
    assert_eq!(won.participation.id(), ids[0]);
    let award = won.award.unwrap();
    assert_eq!((award.status, award.rewarded_at), (rewarded(1, code("SPRING20")), Some(game.now())));
    assert_eq!(won.waiting_ahead, None);
    let waits = inspect(ids[2]).await;
    assert_eq!((waits.award.unwrap().status, waits.waiting_ahead), (AwardStatus::Waiting, Some(1)));
    let counts = waits.counts.unwrap();
    assert_eq!((counts.given, counts.waiting), (1, 2));
}

pub(crate) async fn a_callback_that_is_not_taken_is_shown_with_its_last_answer(ports: Ports) {
    let game = Game::of(ports, first(1));
    let id = game.accept(1).await;
    game.credit(id).await;
    let callback = game.take_callbacks(10).await.callbacks.pop().unwrap().callback;
    let shown = async || game.ports.inspection.inspect(id).await.unwrap().unwrap().callbacks;
    assert_eq!(shown().await[0].last_answer, None, "it was never tried");
    let answer = LastAnswer { kind: ReceiverAnswer::Status(503), at: game.now() };
    let due_at = game.now() + Duration::from_secs(600);
    game.ports.callbacks.delivered(&[(callback.id, DeliveryOutcome::RetryAt(due_at, answer))]).await.unwrap();
    let waits = InspectedCallback {
        callback: callback.clone(),
        attempts: 1,
        due_at: Some(due_at),
        last_answer: Some(answer),
    };
    assert_eq!(shown().await, std::slice::from_ref(&waits));
    let answer = LastAnswer { kind: ReceiverAnswer::NoAnswer, at: due_at };
    game.ports.callbacks.delivered(&[(callback.id, DeliveryOutcome::Parked(answer))]).await.unwrap();
    let parked = InspectedCallback { attempts: 2, due_at: None, last_answer: Some(answer), ..waits };
    assert_eq!(shown().await, [parked]);
    assert_eq!(callback.id.kind, CallbackKind::Credited);
    game.ports.callbacks.delivered(&[(callback.id, DeliveryOutcome::Delivered(game.now()))]).await.unwrap();
    assert_eq!(shown().await, []);
}

pub(crate) async fn the_first_callback_with_a_result_says_when_quikly_was_told(ports: Ports) {
    let game = Game::of(ports, first(1));
    let id = game.accept(1).await;
    game.credit(id).await;
    let credited = game.take_callbacks(10).await.callbacks.pop().unwrap().callback;
    let told_at = async || game.ports.inspection.inspect(id).await.unwrap().unwrap().told_at;
    let deliver = async |kind: CallbackKind| {
        let id = CallbackId { kind, ..credited.id };
        game.ports.callbacks.call_back(&Callback { id, ..credited.clone() }).await.unwrap();
        game.ports.clock.advance(Duration::from_secs(1));
        let outcome = DeliveryOutcome::Delivered(game.now());
        game.ports.callbacks.delivered(&[(id, outcome)]).await.unwrap();
    };
    deliver(CallbackKind::ConsentNotWritten).await;
    assert_eq!(told_at().await, None, "that is no result");
    deliver(CallbackKind::Credited).await;
    let first = game.now();
    assert_eq!(told_at().await, Some(first));
    let mut ada = game.ports.store.get(&[id]).await.unwrap().found.remove(0);
    ada.failed(Cause::Throttled, game.now());
    game.ports.store.save(&[ada]).await.unwrap();
    deliver(CallbackKind::Rewarded).await;
    deliver(CallbackKind::RewardUnplaced).await;
    assert_eq!(told_at().await, Some(first), "later callbacks and saves do not change it");
}

pub(crate) async fn what_happened_and_why_it_waits_is_shown_as_it_was_saved(ports: Ports) {
    let game = Game::of(ports, first(1));
    let id = game.accept(1).await;
    let mut ada = game.ports.store.get(&[id]).await.unwrap().found.remove(0);
    let now = game.now();
    ada.apply(&domain::decide::Step::Ask(domain::decide::Question::FindProfile), now);
    ada.failed(Cause::Throttled, now);
    game.ports.store.save(&[ada.clone()]).await.unwrap();
    let shown = game.ports.inspection.inspect(id).await.unwrap().unwrap().participation;
    assert_eq!((shown.timeline(), shown.waits()), (ada.timeline(), ada.waits()));
    let entry = shown.timeline().entries()[0];
    assert_eq!((entry.code, entry.cause, entry.times), (Code::LookedUp, Some(Cause::Throttled), 1));
}

pub(crate) async fn nobody_is_shown_under_an_unknown_id(ports: Ports) {
    let unknown = ParticipationId::from_bytes([9; 16]);
    assert_eq!(ports.inspection.inspect(unknown).await.unwrap(), None);
}
