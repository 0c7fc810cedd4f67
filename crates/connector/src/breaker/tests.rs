//! Which requests are admitted, and which are held back.

use futures::FutureExt;

use domain::Timestamp;
use domain::reservation::{Observed, Slot};

use super::state::{BLIND, MOST_UNANSWERED};
use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn left(remaining: u32) -> Option<Observed> {
    Some(Observed::Answered { limit: Some(250), remaining: Some(remaining), resets_at: Some(at(60)) })
}

/// A slot in the first minute.
fn slot() -> Slot {
    Slot { from: at(0), until: at(60) }
}

fn enter(breaker: &Breaker, second: i64) -> Option<Result<Permit<'_>, Rejection>> {
    breaker.enter(slot(), || at(second)).now_or_never()
}

/// The permit of a request that may be sent now.
fn enters(breaker: &Breaker, second: i64) -> Permit<'_> {
    enter(breaker, second).expect("it need not wait").expect("nor is it held up")
}

fn shut(breaker: &Breaker, second: i64) -> Option<Rejection> {
    enter(breaker, second).and_then(Result::err)
}

#[test]
fn as_many_requests_are_in_flight_as_are_left() {
    let breaker = Breaker::default();
    enters(&breaker, 0).answered(left(2), at(0));
    let (first, _second) = (enters(&breaker, 1), enters(&breaker, 1));
    assert!(enter(&breaker, 1).is_none(), "the third waits for an answer");
    first.answered(left(1), at(1));
    assert!(enter(&breaker, 1).is_none(), "the one that is left may be the one under way");
}

#[test]
fn few_requests_are_sent_before_the_first_answer() {
    let breaker = Breaker::default();
    let mut under_way: Vec<Permit<'_>> = (0..BLIND).map(|_| enters(&breaker, 0)).collect();
    assert!(enter(&breaker, 0).is_none());
    under_way.pop().unwrap().answered(left(100), at(0));
    assert!(enter(&breaker, 0).is_some(), "a hundred are left");
}

#[test]
fn once_an_answer_has_named_what_is_left_the_next_window_is_used_at_once() {
    let breaker = Breaker::default();
    enters(&breaker, 0).answered(left(100), at(0));
    let under_way: Vec<Permit<'_>> = (0..AT_ONCE).map(|_| enters(&breaker, 61)).collect();
    assert!(enter(&breaker, 61).is_none(), "{} are under way", under_way.len());
}

#[test]
fn requests_in_flight_are_limited_and_served_in_order() {
    let breaker = Breaker::default();
    enters(&breaker, 0).answered(left(1_000), at(0));
    let mut under_way: Vec<Permit<'_>> = (0..AT_ONCE).map(|_| enters(&breaker, 1)).collect();
    let (mut first, mut second) =
        (Box::pin(breaker.enter(slot(), || at(1))), Box::pin(breaker.enter(slot(), || at(1))));
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    under_way.pop();
    assert!((&mut second).now_or_never().is_none() && (&mut first).now_or_never().is_some());
}

#[test]
fn three_short_windows_in_a_row_that_are_used_up_early_reveal_others_and_one_does_not() {
    let breaker = Breaker::default();
    let nothing_left =
        |end| Some(Observed::Answered { limit: Some(40), remaining: Some(0), resets_at: Some(at(end)) });
    for (window, alone) in [(0, false), (5, false), (6, false), (7, true)] {
        let short = Slot { from: at(window), until: at(window + 1) };
        let enter = |second| breaker.enter(short, move || at(second)).now_or_never();
        enter(window).unwrap().unwrap().answered(nothing_left(window + 1), at(window));
        assert!(matches!(enter(window), Some(Err(Rejection::UsedUp { .. }))));
        let first = enter(window + 1);
        assert_eq!(enter(window + 1).is_none(), alone, "after window {window}");
        drop(first);
    }
}

#[test]
fn when_nothing_is_left_requests_wait_and_the_next_window_begins_with_one() {
    let breaker = Breaker::default();
    enters(&breaker, 0).answered(left(0), at(0));
    assert_eq!(shut(&breaker, 1), Some(Rejection::UsedUp { until: at(60) }));
    let first = enters(&breaker, 60);
    assert!(enter(&breaker, 60).is_none(), "others use the workspace");
    drop(first);
    assert!(enter(&breaker, 60).is_some());
}

#[test]
fn a_clock_that_is_set_back_opens_the_breaker() {
    for said in [left(0), Some(Observed::KeyRefused), Some(Observed::Throttled { until: at(3_000) })] {
        let breaker = Breaker::default();
        enters(&breaker, 0).answered(said, at(0));
        assert!(shut(&breaker, 1).is_some() && shut(&breaker, -2).is_some());
        assert_eq!(shut(&breaker, -60), None, "{said:?}");
    }
}

#[test]
fn an_answer_that_comes_late_does_not_shorten_the_wait_that_braze_asked_for() {
    let breaker = Breaker::default();
    let late = enters(&breaker, 0);
    enters(&breaker, 0).answered(Some(Observed::Throttled { until: at(90) }), at(0));
    late.answered(left(100), at(1));
    assert_eq!(shut(&breaker, 70), Some(Rejection::UsedUp { until: at(90) }));
    assert_eq!(shut(&breaker, 90), None);
}

#[test]
fn a_refused_key_is_tried_again_by_one_request_a_minute_later() {
    let breaker = Breaker::default();
    enters(&breaker, 0).answered(Some(Observed::KeyRefused), at(0));
    assert_eq!(shut(&breaker, 59), Some(Rejection::Refused));
    let probe = enters(&breaker, 60);
    assert!(enter(&breaker, 60).is_none(), "it goes alone");
    probe.answered(left(249), at(60));
    assert!(enter(&breaker, 60).is_some());
}

#[test]
fn while_no_request_is_answered_others_are_not_sent() {
    let breaker = Breaker::default();
    for _ in 0..MOST_UNANSWERED - 1 {
        enters(&breaker, 0).unanswered(at(8));
    }
    enters(&breaker, 0).answered(None, at(8));
    for _ in 0..MOST_UNANSWERED {
        assert_eq!(shut(&breaker, 8), None, "another request was answered in between");
        enters(&breaker, 8).unanswered(at(16));
    }
    assert_eq!(shut(&breaker, 16), Some(Rejection::Down));
    assert_eq!(shut(&breaker, 21), None);
}

#[test]
fn a_breaker_that_is_opened_admits_a_request_at_once() {
    let breaker = Breaker::default();
    for _ in 0..MOST_UNANSWERED {
        enters(&breaker, 0).unanswered(at(0));
    }
    assert_eq!(shut(&breaker, 1), Some(Rejection::Down));
    breaker.open(at(1));
    enters(&breaker, 1).answered(Some(Observed::KeyRefused), at(1));
    assert_eq!(shut(&breaker, 2), Some(Rejection::Refused));
    breaker.open(at(2));
    let _probe = enters(&breaker, 2);
    assert!(enter(&breaker, 2).is_none(), "a refused key is tried by one request");
}

#[test]
fn a_request_that_is_never_answered_is_not_in_flight_for_ever() {
    let breaker = Breaker::default();
    enters(&breaker, 0).answered(left(1), at(0));
    drop(enters(&breaker, 1));
    assert!(enter(&breaker, 1).is_some());
}
