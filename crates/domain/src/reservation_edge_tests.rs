//! The edges between the rules of the request windows.

use super::*;

/// Windows with a limit that Braze has named: 250 a minute, from second 0 on.
fn known() -> Windows {
    let mut windows = Windows::new(UNKNOWN, at(0));
    windows.correct(said(250, 249, at(60_000)), at(100));
    windows
}

#[test]
fn booking_nothing_changes_nothing() {
    let mut windows = Windows::new(MINUTE, at(0));
    let before = windows.keep();
    assert_eq!(counts(&windows.book(0, at(5_000))), [0_u32; 0]);
    assert_eq!(windows.keep(), before);
}

#[test]
fn windows_without_bookings_are_taken_over_without_waiting_for_an_answer() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.take_over(at(10));
    assert_eq!(windows.keep().resuming, None);
    assert_eq!(counts(&windows.book(250, at(20))), [250]);
}

#[test]
fn a_booking_that_is_met_in_full_need_not_be_repeated() {
    let mut windows = Windows::new(UNKNOWN, at(0));
    assert_eq!(windows.book(TRIAL, at(0)).closed_until, None);
    let mut windows = left_behind(100, at(2_000));
    windows.take_over(at(3_000));
    assert_eq!(windows.book(1, at(3_000)).closed_until, None);
}

#[test]
fn five_seconds_after_a_trial_without_an_answer_the_next_window_is_waited_for() {
    for (asked_at, again_at) in [(4_999, 5_999), (5_000, 60_000)] {
        let mut windows = Windows::new(UNKNOWN, at(0));
        windows.book(TRIAL, at(0));
        assert_eq!(windows.book(1, at(asked_at)).closed_until, Some(at(again_at)));
    }
}

#[test]
fn a_window_is_over_at_the_end_that_was_named() {
    let mut windows = Windows::new(UNKNOWN, at(100));
    windows.book(TRIAL, at(100));
    windows.correct(said(40, 0, at(1_000)), at(200));
    assert_eq!(windows.book(1, at(999)).closed_until, Some(at(1_000) + GUARD));
    assert_eq!(counts(&windows.book(60, at(1_000))), [40]);
}

#[test]
fn after_an_end_that_was_named_too_late_there_is_one_more_trial() {
    let mut windows = Windows::new(UNKNOWN, at(100));
    windows.book(TRIAL, at(100));
    windows.correct(said(40, 0, at(1_000)), at(1_000));
    assert_eq!(counts(&windows.book(60, at(1_000))), [40]);
    assert_eq!(counts(&windows.book(60, at(1_000))), [0_u32; 0], "one, and no more");
}

#[test]
fn a_window_may_appear_to_last_a_second_longer_than_it_does() {
    for (resets_at, is_believed) in [(61_000, true), (61_001, false)] {
        let mut windows = Windows::new(MINUTE, at(0));
        windows.correct(said(2_500, 2_400, at(resets_at)), at(0));
        assert_eq!(windows.keep().requests == 2_500, is_believed, "{resets_at}");
    }
}

#[test]
fn an_hours_window_that_ends_on_the_hour_is_the_one_that_is_counted_in() {
    let hour = Allowance { requests: 100, period: HOUR, by_contract: false };
    let mut windows = Windows::new(hour, at(0));
    windows.correct(said(200, 150, at(3_600_000)), at(1_000));
    assert_eq!(counts(&windows.book(151, at(2_000))), [150, 1]);
}

#[test]
fn bookings_after_the_end_of_a_429_stay() {
    for until in [45_000, 120_000] {
        let mut windows = Windows::new(MINUTE, at(0));
        windows.book(600, at(0));
        windows.correct(Observed::Throttled { until: at(until) }, at(1_000));
        assert_eq!(counts(&windows.book(200, at(2_000))), [150, 50], "{until}");
    }
}

#[test]
fn bookings_before_the_end_of_a_429_are_made_again() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.book(300, at(0));
    windows.correct(Observed::Throttled { until: at(90_000) }, at(1_000));
    let reservation = windows.book(250, at(2_000));
    assert_eq!(counts(&reservation), [250]);
    assert_eq!(reservation.booked[0].slot.from, at(90_000) + GUARD);
}

#[test]
fn a_429_that_has_already_ended_begins_a_window_now() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.book(250, at(0));
    windows.correct(Observed::Throttled { until: at(-1_000) }, at(1_000));
    let reservation = windows.book(250, at(1_000));
    assert_eq!(
        reservation.booked,
        [Booked { slot: Slot { from: at(1_000), until: at(61_000) }, count: 250 }]
    );
}

#[test]
fn a_limit_that_changes_is_learned_again() {
    let mut windows = Windows::new(UNKNOWN, at(0));
    windows.correct(said(40, 39, at(1_000)), at(500));
    windows.correct(said(40, 39, at(2_000)), at(1_500));
    assert_eq!((windows.keep().period, windows.keep().learning), (SHORTEST, Learning::Done));
    windows.correct(said(2_500, 2_499, at(60_000)), at(59_000));
    assert_eq!(windows.keep().learning, Learning::Seen(at(60_000)), "it may be the end of a minute");
}

#[test]
fn a_window_that_lasts_for_three_more_seconds_may_be_one_of_a_second() {
    for (resets_at, learning) in [(3_100, Learning::Seen(at(3_100))), (3_101, Learning::Done)] {
        let mut windows = Windows::new(UNKNOWN, at(0));
        windows.correct(said(40, 39, at(resets_at)), at(100));
        assert_eq!(windows.keep().learning, learning);
    }
}

#[test]
fn ends_that_are_almost_a_minute_apart_may_be_those_of_minutes() {
    for (second_end, period) in [(58_999, SHORTEST), (59_000, LONGEST)] {
        let mut windows = Windows::new(UNKNOWN, at(0));
        windows.correct(said(250, 249, at(2_000)), at(500));
        windows.correct(said(250, 249, at(second_end)), at(57_500));
        assert_eq!(windows.keep().period, period, "{second_end}");
    }
}

#[test]
fn a_minutes_window_that_ends_somewhat_earlier_than_ours_is_still_a_minutes() {
    let mut windows = known();
    windows.book(200, at(200));
    windows.correct(said(250, 249, at(40_000)), at(300));
    assert_eq!(counts(&windows.book(50, at(400))), [49, 1], "what was booked is booked");
}

#[test]
fn a_minutes_window_that_is_over_long_before_its_time_is_doubted() {
    let mut windows = known();
    windows.correct(said(250, 249, at(3_300)), at(300));
    assert_eq!(windows.keep().learning, Learning::Seen(at(3_300)));
}

#[test]
fn a_minutes_window_that_is_over_three_seconds_before_its_time_is_believed() {
    for (resets_at, learning) in [(57_000, Learning::Done), (56_999, Learning::Seen(at(56_999)))] {
        let mut windows = known();
        windows.correct(said(250, 249, at(resets_at)), at(56_000));
        assert_eq!(windows.keep().learning, learning, "{resets_at}");
    }
}

#[test]
fn clocks_that_differ_by_up_to_five_seconds_share_the_windows() {
    let mut windows = left_behind(700, at(5_000));
    assert_eq!(counts(&windows.book(250, at(0))), [49, 201]);
    let mut windows = left_behind(700, at(5_001));
    assert_eq!(counts(&windows.book(250, at(0))), [1], "a clock was set back: one answer is waited for");
}

#[test]
fn a_changed_contract_counts_from_the_next_booking_on() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.book(250, at(0));
    windows.go_by(Allowance { requests: 400, ..MINUTE }, at(1));
    assert_eq!(counts(&windows.book(160, at(1))), [150, 10]);
    windows.go_by(Allowance { requests: 100, ..MINUTE }, at(2));
    assert_eq!(counts(&windows.book(200, at(2))), [90, 100, 10]);
}

#[test]
fn what_headers_say_outlasts_a_changed_contract() {
    let mut windows = Windows::new(UNKNOWN, at(0));
    windows.correct(said(40, 39, at(1_000)), at(500));
    windows.correct(said(40, 39, at(2_000)), at(1_500));
    windows.go_by(Allowance { requests: 2_500, ..UNKNOWN }, at(1_500));
    assert_eq!(counts(&windows.book(50, at(1_600))), [39, 11]);
}

#[test]
fn a_contract_that_changes_where_braze_sends_no_headers_counts_too() {
    let without = Observed::Answered { limit: None, remaining: None, resets_at: None };
    let mut windows = Windows::new(UNKNOWN, at(0));
    windows.correct(without, at(100));
    let mut windows = Windows::restore(windows.keep());
    windows.go_by(Allowance { requests: 300, ..UNKNOWN }, at(200));
    assert_eq!(counts(&windows.book(310, at(200))), [300, 10]);
}
