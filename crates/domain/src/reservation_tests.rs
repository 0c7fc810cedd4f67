use proptest::prelude::*;

use super::*;

#[path = "reservation_edge_tests.rs"]
mod edges;

const MINUTE: Allowance = Allowance { requests: 250, period: Duration::from_secs(60), by_contract: false };
const UNKNOWN: Allowance = Allowance { by_contract: true, ..MINUTE };

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millisecond).unwrap()
}

fn counts(reservation: &Reservation) -> Vec<u32> {
    reservation.booked.iter().map(|booked| booked.count).collect()
}

#[test]
fn a_window_is_used_at_once_and_to_the_full() {
    let mut windows = Windows::new(MINUTE, at(0));
    let reservation = windows.book(250, at(0));
    assert_eq!(counts(&reservation), [250]);
    assert_eq!(reservation.booked[0].slot.from, at(0));
}

#[test]
fn requests_that_do_not_fit_are_booked_ahead_window_by_window() {
    let mut windows = Windows::new(MINUTE, at(0));
    let reservation = windows.book(600, at(0));
    assert_eq!(counts(&reservation), [250, 250, 100]);
    assert_eq!(reservation.booked[1].slot, Slot { from: at(60_000) + GUARD, until: at(120_000) });
    assert_eq!(counts(&windows.book(200, at(1_000))), [150, 50]);
}

#[test]
fn a_window_that_went_by_unused_is_not_made_up_for() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.book(10, at(0));
    let reservation = windows.book(300, at(600_000));
    assert_eq!(counts(&reservation), [250, 50]);
}

#[test]
fn braze_names_its_limit_its_count_and_its_window() {
    let mut windows = Windows::new(MINUTE, at(30_000));
    windows.book(1, at(30_000));
    let answer =
        Observed::Answered { limit: Some(2_500), remaining: Some(2_000), resets_at: Some(at(60_000)) };
    assert!(windows.correct(answer, at(31_000)));
    let reservation = windows.book(2_001, at(32_000));
    assert_eq!(counts(&reservation), [2_000, 1], "five hundred were used by someone else");
    assert_eq!(reservation.booked[1].slot.from, at(60_000) + GUARD);
}

#[test]
fn absurd_windows_are_not_believed() {
    for (limit, resets_at) in [(0, at(60_000)), (250_000, at(3_000_000)), (10, at(-1))] {
        let mut windows = Windows::new(MINUTE, at(0));
        let answer =
            Observed::Answered { limit: Some(limit), remaining: Some(5), resets_at: Some(resets_at) };
        assert!(!windows.correct(answer, at(0)), "{limit}");
        assert_eq!(counts(&windows.book(250, at(0))), [250]);
    }
}

#[test]
fn after_a_429_nothing_is_booked_before_braze_said() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.book(100, at(0));
    assert!(windows.correct(Observed::Throttled { until: at(45_000) }, at(1_000)));
    assert_eq!(windows.book(1, at(2_000)).booked[0].slot.from, at(45_000) + GUARD);
}

#[test]
fn a_refused_key_is_probed_by_one_request_a_minute() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.correct(Observed::KeyRefused, at(0));
    let closed = windows.book(50, at(1_000));
    assert_eq!((counts(&closed), closed.closed_until), (Vec::new(), Some(at(60_000))));
    assert_eq!(counts(&windows.book(50, at(60_000))), [1]);
    assert_eq!(counts(&windows.book(50, at(61_000))), [0_u32; 0]);
}

#[test]
fn an_accepted_probe_opens_the_endpoint_again() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.correct(Observed::KeyRefused, at(0));
    windows.book(1, at(60_000));
    let answered = Observed::Answered { limit: None, remaining: None, resets_at: None };
    assert!(windows.correct(answered, at(60_100)));
    assert_eq!(counts(&windows.book(200, at(60_200))), [200]);
}

#[test]
fn restored_counters_are_the_same() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.book(300, at(5));
    windows.correct(Observed::KeyRefused, at(6));
    assert_eq!(Windows::restore(windows.keep()), windows);
    let mut learning = Windows::new(UNKNOWN, at(0));
    assert_eq!(Windows::restore(learning.keep()), learning);
    learning.correct(said(40, 39, at(1_000)), at(300));
    let mut restored = Windows::restore(learning.keep());
    restored.go_by(UNKNOWN, at(300));
    assert_eq!(restored, learning);
}

fn said(limit: u32, remaining: u32, resets_at: Timestamp) -> Observed {
    Observed::Answered { limit: Some(limit), remaining: Some(remaining), resets_at: Some(resets_at) }
}

#[test]
fn until_braze_has_said_how_it_counts_few_requests_are_sent_and_none_booked_ahead() {
    let mut windows = Windows::new(UNKNOWN, at(0));
    let reservation = windows.book(150, at(0));
    assert_eq!((counts(&reservation), reservation.closed_until), (vec![40], Some(at(1_000))));
    assert_eq!(counts(&windows.book(10, at(100))), [0_u32; 0]);
}

#[test]
fn a_limit_a_minute_is_recognised_with_the_first_answer() {
    for (limit, next) in [(250, 210), (2_500, 2_460)] {
        let mut windows = Windows::new(UNKNOWN, at(0));
        windows.book(40, at(0));
        windows.correct(said(limit, limit - 40, at(45_000)), at(100));
        let reservation = windows.book(limit, at(200));
        assert_eq!(counts(&reservation), [next, 40]);
        assert_eq!(reservation.booked[1].slot.from, at(45_000) + GUARD);
    }
}

#[test]
fn a_limit_a_second_is_recognised_with_the_second_window() {
    let mut windows = Windows::new(UNKNOWN, at(100));
    windows.book(100, at(100));
    windows.correct(said(40, 0, at(1_000)), at(200));
    let closed = windows.book(60, at(300));
    assert_eq!((counts(&closed), closed.closed_until), (Vec::new(), Some(at(1_000) + GUARD)));
    assert_eq!(counts(&windows.book(1, at(1_250))), [1]);
    windows.correct(said(40, 39, at(2_000)), at(1_300));
    let reservation = windows.book(100, at(1_400));
    assert_eq!(counts(&reservation), [39, 40, 21]);
    assert_eq!(reservation.booked[1].slot, Slot { from: at(2_000) + GUARD, until: at(3_000) });
}

#[test]
fn the_last_second_of_a_minute_is_not_taken_for_a_window_of_a_second() {
    let mut windows = Windows::new(UNKNOWN, at(59_300));
    windows.book(1, at(59_300));
    windows.correct(said(250, 249, at(60_000)), at(59_400));
    windows.book(1, at(60_300));
    windows.correct(said(250, 249, at(120_000)), at(60_400));
    assert_eq!(counts(&windows.book(250, at(60_500))), [249, 1]);
    // This also holds if it is seen again a minute later, at its very end.
    let mut windows = Windows::new(UNKNOWN, at(59_300));
    windows.correct(said(250, 249, at(60_000)), at(59_400));
    windows.correct(said(250, 249, at(120_000)), at(119_400));
    assert_eq!(windows.keep().learning, Learning::Seen(at(120_000)));
}

#[test]
fn windows_of_a_second_are_recognised_although_clocks_differ() {
    for (behind, until_the_end) in [("ours is behind", 2_500), ("ours is ahead", -800)] {
        let mut windows = Windows::new(UNKNOWN, at(0));
        windows.book(1, at(0));
        windows.correct(said(40, 39, at(until_the_end)), at(100));
        windows.correct(said(40, 39, at(until_the_end + 1_000)), at(1_100));
        assert_eq!((windows.keep().requests, windows.keep().period), (40, SHORTEST), "{behind}");
    }
}

#[test]
fn windows_of_a_second_taken_for_a_minute_are_recognised_by_their_ends() {
    let minute = WindowsRecord { requests: 40, period: LONGEST, ..Windows::new(MINUTE, at(0)).keep() };
    let mut windows = Windows::restore(WindowsRecord { by_contract: true, ..minute });
    windows.book(2_000, at(0));
    for second in [1, 2] {
        windows.correct(said(40, 39, at(second * 1_000)), at(second * 1_000 - 500));
    }
    assert_eq!(windows.keep().period, Duration::from_secs(1));
    assert_eq!(counts(&windows.book(80, at(1_600))), [39, 40, 1]);
}

#[test]
fn after_tries_without_an_answer_new_ones_are_not_sent_every_second() {
    let mut windows = Windows::new(UNKNOWN, at(0));
    windows.book(40, at(0));
    assert_eq!(windows.book(1, at(1_000)).closed_until, Some(at(2_000)));
    assert_eq!(windows.book(1, at(6_000)).closed_until, Some(at(60_000)));
    assert_eq!(counts(&windows.book(1, at(60_000))), [1]);
}

#[test]
fn a_window_of_an_hour_ends_on_the_hour() {
    let hour = Allowance { requests: 100, period: HOUR, by_contract: false };
    // 1,800,000,000 is a whole hour.
    let mut windows = Windows::new(hour, at(3_599_000));
    let reservation = windows.book(150, at(3_599_000));
    assert_eq!(counts(&reservation), [100, 50]);
    assert_eq!(reservation.booked[1].slot.from, at(3_600_000) + GUARD);
    windows.correct(said(100, 0, at(7_200_000)), at(3_700_000));
    assert_eq!(windows.book(1, at(3_800_000)).booked[0].slot.from, at(7_200_000) + GUARD);
}

#[test]
fn an_hourly_limit_next_to_one_of_seconds_is_kept_once_it_is_used_up() {
    let seconds = Allowance { requests: 3_000, period: Duration::from_secs(3), by_contract: false };
    let mut windows = Windows::new(seconds, at(0));
    windows.correct(said(50_000, 10, at(3_600_000)), at(100));
    assert_eq!(windows.book(1, at(200)).booked[0].slot.from, at(200), "there is something left");
    windows.correct(said(50_000, 0, at(3_600_000)), at(300));
    assert_eq!(windows.book(1, at(400)).booked[0].slot.from, at(3_600_000) + GUARD);
    let mut windows = Windows::new(seconds, at(3_598_000));
    windows.correct(said(50_000, 49_000, at(3_600_000)), at(3_598_100));
    assert_eq!(windows.keep().requests, 3_000, "nor is it taken for theirs when the hour is nearly over");
}

#[test]
fn a_contract_that_changes_is_learnt_anew() {
    let mut windows = Windows::new(UNKNOWN, at(0));
    windows.correct(said(250, 249, at(60_000)), at(100));
    windows.correct(said(40, 39, at(61_000)), at(60_300));
    assert_ne!(windows.keep().learning, Learning::Done);
    windows.correct(said(40, 39, at(62_000)), at(61_300));
    assert_eq!(windows.keep().period, Duration::from_secs(1));
    windows.correct(said(2_500, 2_499, at(120_000)), at(70_000));
    assert_eq!((windows.keep().period, windows.keep().requests), (Duration::from_secs(60), 2_500));
}

#[test]
fn without_headers_the_limit_in_the_contract_counts() {
    let mut windows = Windows::new(UNKNOWN, at(0));
    windows.correct(Observed::Answered { limit: None, remaining: None, resets_at: None }, at(100));
    assert_eq!(counts(&windows.book(300, at(200))), [250, 50]);
}

/// The counters of a process that was killed after it had booked this many requests.
fn left_behind(count: u32, killed_at: Timestamp) -> Windows {
    let mut windows = Windows::new(UNKNOWN, at(0));
    windows.book(1, at(0));
    windows.correct(said(250, 249, at(60_000)), at(100));
    windows.book(count, killed_at);
    Windows::restore(windows.keep())
}

#[test]
fn unused_slots_of_a_dead_process_are_free_after_one_answer_has_counted_them() {
    for count in [100, 249, 700] {
        let mut windows = left_behind(count, at(2_000));
        windows.take_over(at(3_000));
        let first = windows.book(90, at(3_000));
        assert_eq!((counts(&first), first.closed_until), (vec![1], Some(at(3_000) + RESUMES)));
        assert_eq!(counts(&windows.book(90, at(3_200))), [0_u32; 0], "one answer is waited for");
        assert!(windows.correct(said(250, 209, at(60_000)), at(3_300)), "41 were used");
        assert_eq!(counts(&windows.book(300, at(3_400))), [209, 91], "{count}");
    }
}

#[test]
fn used_slots_are_not_given_back() {
    let mut windows = left_behind(249, at(2_000));
    windows.take_over(at(3_000));
    windows.book(1, at(3_000));
    windows.correct(said(250, 0, at(60_000)), at(3_100));
    assert_eq!(windows.book(1, at(3_200)).booked[0].slot.from, at(60_000) + GUARD);
    // Without headers it is not known what was used, so everything that was booked counts as used.
    let mut windows = left_behind(200, at(2_000));
    windows.take_over(at(3_000));
    windows.correct(Observed::Answered { limit: None, remaining: None, resets_at: None }, at(3_100));
    assert_eq!(counts(&windows.book(100, at(3_200))), [49, 51]);
}

#[test]
fn a_process_that_takes_over_in_the_next_window_has_all_of_it() {
    let mut windows = left_behind(700, at(2_000));
    windows.take_over(at(3_000));
    assert_eq!(counts(&windows.book(300, at(61_000))), [250, 50]);
}

#[test]
fn an_answer_that_never_comes_is_not_waited_for_for_ever() {
    let mut windows = left_behind(249, at(2_000));
    windows.take_over(at(3_000));
    assert_eq!(counts(&windows.book(9, at(3_000))), [1]);
    assert_eq!(counts(&windows.book(9, at(7_900))), [0_u32; 0]);
    assert_eq!(counts(&windows.book(9, at(8_100))), [1]);
}

#[test]
fn counters_that_are_taken_over_while_the_limit_is_being_learned_are_used_at_once() {
    let mut windows = Windows::new(UNKNOWN, at(0));
    windows.book(40, at(0));
    windows.take_over(at(20_000));
    assert_eq!(counts(&windows.book(9, at(20_000))), [1]);
    windows.correct(said(250, 210, at(60_000)), at(20_100));
    assert_eq!(counts(&windows.book(250, at(20_600))), [210, 40]);
}

#[test]
fn a_clock_that_is_set_back_holds_up_nothing() {
    for back in [6_000, 60_000, 3_600_000, 86_400_000] {
        let mut windows = left_behind(700, at(2_000));
        let now = at(2_000 - back);
        assert_eq!(counts(&windows.book(9, now)), [1], "{back}");
        windows.correct(said(250, 100, now + Duration::from_secs(20)), now + Duration::from_millis(100));
        let reservation = windows.book(150, now + Duration::from_millis(700));
        assert_eq!(counts(&reservation), [100, 50]);
        assert_eq!(reservation.booked[1].slot.from, now + Duration::from_secs(20) + GUARD);
    }
}

#[test]
fn machines_whose_clocks_differ_a_little_share_the_counters() {
    let mut windows = left_behind(700, at(2_000));
    assert_eq!(counts(&windows.book(250, at(0))), [49, 201], "behind what is booked already");
}

#[test]
fn a_key_that_was_refused_under_a_clock_that_ran_ahead_is_tried_now() {
    let mut windows = left_behind(9, at(2_000));
    windows.correct(Observed::KeyRefused, at(3_600_000));
    assert_eq!(counts(&windows.book(9, at(3_000))), [1]);
}

proptest! {
    /// However the clock is set, a process that keeps asking may send something within a minute, and no window is ever booked beyond its
    /// limit.
    #[test]
    fn no_step_of_the_clock_holds_up_work(
        steps in proptest::collection::vec((-4_000_000_i64..4_000_000, 1_u32..400), 1..30),
    ) {
        let mut windows = Windows::new(MINUTE, at(0));
        let mut now = at(0);
        for (step, count) in steps {
            now = Timestamp::from_millisecond(now.as_millisecond() + step).unwrap();
            windows.book(count, now);
            // A process from before the step may have booked in advance, so a later one is told when to come.
            let before = now;
            let mut ready = false;
            for _ in 0..70 {
                let reservation = windows.book(1, now);
                ready |= reservation.booked.iter().any(|booked| booked.slot.from <= before + Duration::from_secs(600));
                prop_assert!(windows.keep().booked <= 250);
                now += Duration::from_secs(1);
            }
            prop_assert!(ready, "nothing within ten minutes");
        }
    }
}

proptest! {
    /// However the requests come, no window of Braze's length has more than it allows, and each request gets its slot.
    #[test]
    fn no_window_is_overbooked(
        limit in 1_u32..300, bookings in proptest::collection::vec((0_u32..400, 0_i64..30_000), 1..60),
    ) {
        let mut windows = Windows::new(Allowance { requests: limit, ..MINUTE }, at(0));
        let mut now = at(0);
        let mut used = std::collections::BTreeMap::new();
        for (count, pause) in bookings {
            now += Duration::from_millis(pause.unsigned_abs());
            let reservation = windows.book(count, now);
            prop_assert_eq!(counts(&reservation).iter().sum::<u32>(), count);
            for booked in reservation.booked {
                prop_assert!(booked.slot.from >= now && booked.slot.from < booked.slot.until);
                *used.entry(booked.slot.until).or_insert(0) += booked.count;
            }
        }
        prop_assert!(used.values().all(|&count| count <= limit));
    }
}
