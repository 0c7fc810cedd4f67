//! How many participations an activation accepts, and how much of a request is stored.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod front;
mod sizes;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use domain::ids::Scope;
use futures::future::join_all;
use http::StatusCode;
use intake::Announcing;
use memory::Faults;
use ports::Store;
use serde_json::json;

use front::{RoomFront, by_email, by_event, by_phone};

const FULL: &str = "urn:quikly-braze:activation-full";

#[tokio::test]
async fn a_full_activation_refuses_new_consumers_in_every_way_and_answers_the_others_as_before() {
    for announcing in [Announcing::Together, Announcing::BeforeTheAnswer] {
        let front =
            RoomFront::open("most_participations = 3", announcing, announcing == Announcing::BeforeTheAnswer);
        let first = [
            front.post(&by_email(1)).await,
            front.post(&by_phone(101)).await,
            front.webhook(&by_event(1)).await,
        ];
        assert!(first.iter().all(|(status, _)| *status == StatusCode::ACCEPTED), "{first:?}");

        for (refused, field) in [
            (front.post(&by_email(2)).await, "scope"),
            (front.post(&by_phone(102)).await, "scope"),
            (front.webhook(&by_event(2)).await, "q_scope"),
        ] {
            let (status, problem) = refused;
            assert_eq!(
                (status, &problem["type"]),
                (StatusCode::UNPROCESSABLE_ENTITY, &json!(FULL)),
                "{problem}"
            );
            assert_eq!(
                problem["errors"],
                json!([{ "field": field, "message": "is full", "code": "activation-full" }])
            );
        }
        let again = [
            front.post(&by_email(1)).await,
            front.post(&by_phone(101)).await,
            front.webhook(&by_event(1)).await,
        ];
        assert_eq!(again, first, "those who take part already");

        let health = front.health().await;
        assert_eq!(health["status"], "ok", "full is as planned: {health}");
        assert_eq!(health["webhooks"], json!({ "accepted": 2, "refused": { "activation-full": 1 } }));
    }
}

#[tokio::test]
async fn without_a_limit_nothing_is_counted() {
    let front = RoomFront::open("", Announcing::Together, false);
    for number in 0..10 {
        assert_eq!(front.takes_part(number).await, StatusCode::ACCEPTED);
    }
    assert_eq!(front.store.asked.load(SeqCst), 0);
}

#[tokio::test]
async fn of_many_at_once_exactly_as_many_are_taken_as_there_is_room_for() {
    let front = RoomFront::with_room_for(100);
    let everybody = (0..300).flat_map(|number| [number, number / 2]);
    let answers = join_all(everybody.map(|number| front.takes_part(number))).await;
    let refused = answers.iter().filter(|status| **status == StatusCode::UNPROCESSABLE_ENTITY).count();
    assert!(answers.iter().all(|status| *status == StatusCode::ACCEPTED || status.as_u16() == 422));
    assert!(refused >= 200, "{refused}");
    let scope = Scope::parse("spring").unwrap();
    assert_eq!(front.store.memory.accepted(&scope, 0).await.unwrap(), 100);
}

/// The store has already counted those whose answers are on their way.
#[tokio::test]
async fn nobody_is_counted_twice() {
    let front = RoomFront::with_room_for(9);
    assert_eq!([front.takes_part(8).await, front.takes_part(9).await], [StatusCode::ACCEPTED; 2]);
    let scope = Scope::parse("spring").unwrap();
    let mut three = Box::pin(join_all((1..=3).map(|number| front.takes_part(number))));
    while front.store.memory.accepted(&scope, 0).await.unwrap() < 5 {
        assert!(futures::poll!(&mut three).is_pending());
    }
    front.clock.advance(Duration::from_secs(1));
    let (three, fourth) = futures::future::join(three, front.takes_part(4)).await;
    assert!(three.into_iter().chain([fourth]).all(|status| status == StatusCode::ACCEPTED));
    for number in 5..=7 {
        assert_eq!(front.takes_part(number).await, StatusCode::ACCEPTED);
    }
    assert_eq!(front.takes_part(10).await, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn many_who_repeat_themselves_take_no_room_from_somebody_new() {
    let front = RoomFront::with_room_for(3);
    assert_eq!([front.takes_part(1).await, front.takes_part(2).await], [StatusCode::ACCEPTED; 2]);
    let repeats = (0..50).map(|number| 1 + number % 2);
    let answers = join_all(repeats.chain([3]).map(|number| front.takes_part(number))).await;
    assert!(answers.iter().all(|status| *status == StatusCode::ACCEPTED), "{answers:?}");
    assert_eq!(front.takes_part(4).await, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_failed_insert_takes_no_room_and_one_whose_answer_was_lost_does() {
    let front = RoomFront::with_room_for(1);
    assert_eq!(front.takes_part(9).await, StatusCode::ACCEPTED);
    let front = RoomFront::with_room_for(2);
    front.store.memory.change_faults(Faults { write_fails: 1.0, ..Faults::none() });
    for number in 0..5 {
        assert_eq!(front.takes_part(number).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    front.store.memory.change_faults(Faults::none());
    assert_eq!(front.takes_part(1).await, StatusCode::ACCEPTED);
    front.store.memory.change_faults(Faults { write_lost_answer: 1.0, ..Faults::none() });
    assert_eq!(front.takes_part(2).await, StatusCode::SERVICE_UNAVAILABLE);
    front.store.memory.change_faults(Faults::none());
    assert_eq!(front.takes_part(3).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(front.takes_part(2).await, StatusCode::ACCEPTED, "it was stored");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_holds_up_nobody_and_is_counted_if_stored() {
    let front = RoomFront::with_room_for(2);
    assert_eq!(front.takes_part(1).await, StatusCode::ACCEPTED);
    for steps in 1..60 {
        let mut leaving = Box::pin(front.takes_part(1));
        for _ in 0..steps {
            if futures::poll!(&mut leaving).is_ready() {
                break;
            }
        }
        drop(leaving);
    }
    let mut leaving = Box::pin(front.takes_part(2));
    while front.store.memory.accepted(&Scope::parse("spring").unwrap(), 0).await.unwrap() < 2 {
        assert!(futures::poll!(&mut leaving).is_pending());
    }
    drop(leaving);
    assert_eq!(front.takes_part(3).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(front.takes_part(2).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_next_process_counts_what_an_earlier_one_stored() {
    let front = RoomFront::with_room_for(2);
    assert_eq!([front.takes_part(1).await, front.takes_part(2).await], [StatusCode::ACCEPTED; 2]);
    let next = front.another();
    assert_eq!(next.takes_part(3).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(next.takes_part(2).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_store_is_asked_once_a_second_however_many_come() {
    let front = RoomFront::with_room_for(10);
    for second in 1..=3 {
        for number in 0..50 {
            front.takes_part(number).await;
        }
        assert_eq!(front.store.asked.load(SeqCst), 1 + second, "once more at the first new one");
        front.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_refuses_nobody_for_good_and_lets_in_those_it_has_room_for() {
    let front = RoomFront::with_room_for(2);
    front.store.memory.change_faults(Faults { read_fails: 1.0, ..Faults::none() });
    assert_eq!(front.takes_part(1).await, StatusCode::SERVICE_UNAVAILABLE);
    front.store.memory.change_faults(Faults::none());
    front.clock.advance(Duration::from_secs(1));
    assert_eq!(front.takes_part(1).await, StatusCode::ACCEPTED);
    front.store.memory.change_faults(Faults { read_fails: 1.0, ..Faults::none() });
    front.clock.advance(Duration::from_secs(1));
    assert_eq!(front.takes_part(2).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn processes_that_report_to_the_store_learn_of_each_other_a_second_later() {
    let one = RoomFront::open("most_participations = 5", Announcing::BeforeTheAnswer, true);
    let other = one.another();
    for number in 0..3 {
        assert_eq!(one.takes_part(number).await, StatusCode::ACCEPTED);
    }
    assert_eq!(other.takes_part(3).await, StatusCode::ACCEPTED);
    one.clock.advance(Duration::from_secs(1));
    assert_eq!(one.takes_part(4).await, StatusCode::ACCEPTED);
    other.clock.advance(Duration::from_secs(1));
    for front in [&one, &other] {
        front.takes_part(0).await;
    }
    one.clock.advance(Duration::from_secs(1));
    for front in [&one, &other] {
        assert_eq!(front.takes_part(7).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(front.takes_part(3).await, StatusCode::ACCEPTED, "it takes part already");
    }
}

/// A function may end after one request.
#[tokio::test]
async fn processes_that_serve_one_request_each_still_count() {
    let front = RoomFront::open("most_participations = 3", Announcing::BeforeTheAnswer, true);
    let mut taken = 0;
    for number in 0..6 {
        taken += u32::from(front.another().takes_part(number).await == StatusCode::ACCEPTED);
        front.clock.advance(Duration::from_secs(1_200));
    }
    assert_eq!(taken, 3);
}
