//! Requests to `/users/track`: a window of three seconds and an hour, both counted.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Allowance, Contract, GUARD, HourCount, Observed, Slot, TRIAL};
use super::*;

const THREE: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(1);

/// 1,800,000,000 is a whole hour.
fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millisecond).unwrap()
}

fn contract(requests: u32, per_hour: u32) -> Contract {
    let allowance = Allowance { requests, period: THREE, by_contract: false };
    let per_hour = NonZeroU32::new(per_hour);
    Contract { per_hour, is_upper_bound: true, patience: Some(PATIENCE), ..allowance.into() }
}

/// Counters of which an answer without headers has come.
fn windows(requests: u32, per_hour: u32, now: Timestamp) -> Windows {
    let mut windows = Windows::new(contract(requests, per_hour), now);
    windows.correct(Observed::Answered { limit: None, remaining: None, resets_at: None }, now);
    windows
}

fn said(limit: u32, remaining: u32, resets_at: Timestamp) -> Observed {
    Observed::Answered { limit: Some(limit), remaining: Some(remaining), resets_at: Some(resets_at) }
}

/// How many requests are booked, and when the others may ask again.
fn booked(windows: &mut Windows, count: u32, now: Timestamp) -> (u32, Option<Timestamp>) {
    let Reservation { booked, later, closed_until, .. } = windows.book(count, now);
    let again = later.first().map(|free| free.slot.from).or(closed_until);
    (booked.iter().map(|booked| booked.count).sum(), again)
}

#[test]
fn a_request_is_booked_where_the_window_and_the_hour_have_room() {
    let mut windows = windows(10, 25, at(0));
    assert_eq!(booked(&mut windows, 25, at(0)), (10, Some(at(3_000) + GUARD)));
    assert_eq!(booked(&mut windows, 10, at(3_250)), (10, None));
    assert_eq!(booked(&mut windows, 10, at(6_250)), (5, Some(at(3_600_000) + GUARD)));
    assert_eq!(booked(&mut windows, 10, at(3_600_250)), (10, None));
}

#[test]
fn slots_that_are_far_ahead_are_named_window_by_window_and_not_booked() {
    let mut windows = windows(10, 0, at(0));
    let reservation = windows.book(25, at(0));
    let next = Slot { from: at(3_000) + GUARD, until: at(6_000) };
    let counts: Vec<u32> = reservation.later.iter().map(|free| free.count).collect();
    assert_eq!((counts, reservation.later[0].slot), (vec![10, 5], next));
    assert_eq!(windows.book(1, at(1_000)).later[0].slot.from, at(6_000) + GUARD, "behind those who wait");
    assert_eq!(booked(&mut windows, 10, at(3_250)), (10, None));
    assert_eq!(booked(&mut windows, 6, at(6_250)), (6, None));
    assert_eq!(booked(&mut windows, 20, at(60_000)), (10, Some(at(63_000) + GUARD)), "the backlog has gone");
}

#[test]
fn who_comes_late_gets_a_slot_before_the_end_of_a_long_backlog() {
    let mut windows = windows(10, 0, at(0));
    booked(&mut windows, 1_000, at(0));
    assert_eq!(booked(&mut windows, 30, at(60_000)), (10, Some(at(63_000) + GUARD)));
}

#[test]
fn a_window_that_is_about_to_open_is_booked() {
    let mut windows = windows(10, 0, at(0));
    booked(&mut windows, 10, at(0));
    let reservation = windows.book(12, at(2_250));
    assert_eq!((reservation.booked[0].slot.from, reservation.booked[0].count), (at(3_000) + GUARD, 10));
    assert_eq!(reservation.later[0].count, 2);
}

#[test]
fn nothing_is_booked_across_the_end_of_the_hour() {
    let mut windows = windows(10, 10, at(3_599_000));
    booked(&mut windows, 10, at(3_599_000));
    assert_eq!(booked(&mut windows, 1, at(3_599_500)), (0, Some(at(3_600_000) + GUARD)));
}

#[test]
fn windows_are_those_that_begin_at_whole_multiples_of_three_seconds() {
    let mut windows = windows(10, 0, at(2_000));
    let slot = windows.book(1, at(2_000)).booked[0].slot;
    assert_eq!(slot, Slot { from: at(2_000), until: at(3_000) });
}

#[test]
fn until_the_first_answer_forty_requests_a_window_are_tried() {
    let mut windows = Windows::new(contract(3_000, 0), at(0));
    assert_eq!(booked(&mut windows, 100, at(0)), (TRIAL, Some(at(0) + SHORTEST)));
    assert_eq!(booked(&mut windows, 60, at(1_000)), (0, Some(at(2_000))));
    assert_eq!(booked(&mut windows, 60, at(3_000)).0, TRIAL);
    windows.correct(said(3_000, 2_960, at(6_000)), at(3_200));
    assert_eq!(booked(&mut windows, 3_000, at(3_300)).0, 2_960);
}

#[test]
fn a_limit_below_forty_is_not_exceeded_by_the_trial() {
    let mut windows = Windows::new(contract(10, 15), at(0));
    assert_eq!(booked(&mut windows, 50, at(0)).0, 10);
    assert_eq!(booked(&mut windows, 50, at(3_000)), (5, Some(at(3_600_000) + GUARD)));
}

#[test]
fn headers_lower_a_limit_and_raise_it_no_higher_than_the_contract() {
    let mut windows = windows(1_000, 0, at(0));
    windows.correct(said(300, 299, at(3_000)), at(100));
    assert_eq!(booked(&mut windows, 500, at(200)).0, 299);
    windows.correct(said(600, 599, at(6_000)), at(3_100));
    assert_eq!(booked(&mut windows, 1_000, at(3_200)).0, 599);
    windows.correct(said(5_000, 4_999, at(9_000)), at(6_100));
    assert_eq!(booked(&mut windows, 5_000, at(6_200)).0, 1_000);
}

#[test]
fn what_is_left_of_a_window_that_allows_more_than_the_contract_is_left() {
    let mut windows = windows(1_000, 0, at(0));
    windows.correct(said(5_000, 700, at(3_000)), at(100));
    assert_eq!(booked(&mut windows, 1_000, at(200)).0, 700);
}

#[test]
fn an_end_that_is_further_off_than_a_window_is_that_of_the_hour() {
    let mut windows = Windows::new(contract(100, 0), at(0));
    booked(&mut windows, 1, at(0));
    windows.correct(said(50_000, 50, at(1_800_000)), at(100));
    assert_eq!(booked(&mut windows, 60, at(200)), (50, Some(at(1_800_000) + GUARD)));
    assert_eq!(booked(&mut windows, 200, at(1_800_250)).0, 100, "its window has the limit of before");
    assert_eq!(windows.keep().hour.map(|hour| hour.ends), Some(at(3_600_000)), "then it is the clock hour");
}

#[test]
fn the_hours_limit_is_the_smaller_of_the_contracts_and_the_named_one() {
    for (per_hour, named, room) in [(100, 60, 59), (50, 60, 50), (0, 60, 59)] {
        let mut windows = windows(1_000, per_hour, at(0));
        windows.correct(said(named, named - 1, at(3_600_000)), at(100));
        assert_eq!(booked(&mut windows, 500, at(200)).0, room, "{per_hour}");
    }
}

#[test]
fn the_last_seconds_of_an_hour_that_was_named_are_the_hours() {
    let mut windows = windows(100, 0, at(0));
    windows.correct(said(50_000, 49_999, at(3_600_000)), at(100));
    windows.correct(said(50_000, 3, at(3_600_000)), at(3_598_000));
    assert_eq!(booked(&mut windows, 60, at(3_598_100)), (3, Some(at(3_600_000) + GUARD)));
    assert_eq!(windows.keep().named, None);
}

#[test]
fn an_end_on_the_hour_that_may_be_a_windows_closes_only_what_is_used_up() {
    let mut windows = windows(100, 0, at(3_598_000));
    windows.correct(said(70, 69, at(3_600_000)), at(3_598_100));
    assert_eq!(booked(&mut windows, 60, at(3_598_200)).0, 60);
    windows.correct(said(70, 0, at(3_600_000)), at(3_598_300));
    assert_eq!(booked(&mut windows, 1, at(3_598_400)), (0, Some(at(3_600_000) + GUARD)));
}

#[test]
fn windows_that_last_longer_than_an_hour_close_once_they_are_used_up() {
    let mut windows = windows(100, 0, at(0));
    windows.correct(said(70, 1, at(5_000_000)), at(100));
    assert_eq!(booked(&mut windows, 60, at(200)).0, 60);
    windows.correct(said(70, 0, at(5_000_000)), at(300));
    assert_eq!(booked(&mut windows, 1, at(400)), (0, Some(at(5_000_000) + GUARD)));
}

#[test]
fn a_429_closes_the_windows_and_does_not_move_them() {
    let mut windows = windows(10, 0, at(0));
    booked(&mut windows, 4, at(0));
    windows.correct(Observed::Throttled { until: at(4_000) }, at(1_000));
    assert_eq!(booked(&mut windows, 10, at(1_100)), (0, Some(at(4_000) + GUARD)));
    assert_eq!(booked(&mut windows, 20, at(4_250)), (10, Some(at(6_000) + GUARD)));
}

#[test]
fn a_429_that_has_ended_or_asks_for_days_holds_up_nothing() {
    let mut windows = windows(10, 0, at(0));
    windows.correct(Observed::Throttled { until: at(-1_000) }, at(1_000));
    assert_eq!(booked(&mut windows, 4, at(1_100)).0, 4);
    windows.correct(Observed::Throttled { until: at(86_400_000) }, at(1_200));
    assert_eq!(booked(&mut windows, 1, at(1_300)), (0, Some(at(7_201_200) + GUARD)));
}

#[test]
fn braze_names_the_end_of_its_windows_and_rounding_does_not_move_them() {
    let mut windows = windows(10, 0, at(0));
    windows.correct(said(10, 9, at(4_000)), at(1_200));
    booked(&mut windows, 9, at(1_300));
    assert_eq!(booked(&mut windows, 1, at(1_400)), (0, Some(at(4_000) + GUARD)));
    // The seconds left are rounded up.
    windows.correct(said(10, 0, at(4_900)), at(1_900));
    assert_eq!(booked(&mut windows, 1, at(2_000)), (0, Some(at(4_000) + GUARD)));
    windows.correct(said(10, 0, at(3_500)), at(2_500));
    assert_eq!(windows.keep().start, at(500), "an earlier end counts");
}

#[test]
fn requests_that_braze_has_not_counted_yet_stay_booked() {
    let mut windows = windows(10, 100, at(0));
    booked(&mut windows, 8, at(0));
    windows.correct(said(10, 9, at(3_000)), at(100));
    assert_eq!(booked(&mut windows, 5, at(200)).0, 2);
    windows.correct(said(100, 99, at(3_600_000)), at(300));
    assert_eq!(windows.keep().hour.map(|hour| hour.booked), Some(10));
}

#[test]
fn of_an_hour_that_ends_at_another_time_than_ours_only_the_last_windows_requests_may_be_uncounted() {
    let mut windows = windows(10, 0, at(0));
    for window in 0..5 {
        booked(&mut windows, 10, at(window * 3_000));
    }
    windows.correct(said(100, 98, at(1_200_000)), at(12_500));
    assert_eq!(windows.keep().hour.map(|hour| hour.booked), Some(12));
}

#[test]
fn a_changed_contract_counts_at_once_and_so_does_what_was_sent_before_it() {
    let mut windows = windows(100, 0, at(0));
    booked(&mut windows, 40, at(0));
    windows.go_by(contract(100, 50), at(100));
    assert_eq!(booked(&mut windows, 60, at(200)).0, 10);
    windows.go_by(contract(60, 500), at(300));
    assert_eq!(booked(&mut windows, 60, at(400)).0, 10);
    windows.go_by(contract(200, 0), at(500));
    assert_eq!(booked(&mut windows, 500, at(600)).0, 140);
}

#[test]
fn counters_from_before_hours_were_counted_count_them_from_now_on() {
    let earlier = Windows::new(contract(100, 0).allowance, at(2_000));
    let mut windows = Windows::restore(earlier.keep());
    windows.go_by(contract(100, 70), at(2_100));
    assert_eq!(windows.keep().start, at(0));
    assert_eq!(booked(&mut windows, 100, at(2_200)), (70, Some(at(3_600_000) + GUARD)));
}

#[test]
fn counters_of_an_hour_are_restored() {
    let mut windows = windows(10, 100, at(0));
    booked(&mut windows, 8, at(0));
    windows.correct(said(90, 80, at(3_600_000)), at(100));
    windows.correct(Observed::Throttled { until: at(2_000) }, at(200));
    let mut restored = Windows::restore(windows.keep());
    restored.go_by(contract(10, 100), at(200));
    assert_eq!(restored, windows);
}

#[test]
fn a_process_that_takes_over_asks_nothing_while_the_hour_is_used_up_or_braze_wants_to_wait() {
    let mut windows = windows(10, 5, at(0));
    booked(&mut windows, 5, at(0));
    windows.take_over(at(1_000));
    assert_eq!(booked(&mut windows, 5, at(1_100)), (0, Some(at(3_600_000) + GUARD)));
    let mut windows = self::windows(10, 0, at(0));
    booked(&mut windows, 5, at(0));
    windows.correct(Observed::Throttled { until: at(2_000) }, at(500));
    windows.take_over(at(1_000));
    assert_eq!(booked(&mut windows, 1, at(1_100)), (0, Some(at(2_000) + GUARD)));
}

#[test]
fn unused_slots_of_a_dead_process_are_free_after_one_answer() {
    let mut windows = windows(10, 100, at(0));
    booked(&mut windows, 10, at(0));
    windows.take_over(at(1_000));
    assert_eq!(booked(&mut windows, 5, at(1_100)).0, 1);
    windows.correct(said(10, 6, at(3_000)), at(1_200));
    assert_eq!(booked(&mut windows, 9, at(1_300)).0, 6);
}

#[test]
fn a_clock_that_is_set_back_leaves_no_hour_and_no_wait_in_the_future() {
    let mut windows = windows(10, 10, at(86_400_000));
    booked(&mut windows, 10, at(86_400_000));
    windows.correct(Observed::Throttled { until: at(86_500_000) }, at(86_400_100));
    let hour = |windows: &Windows| windows.keep().hour.map(|hour: HourCount| hour.ends);
    booked(&mut windows, 1, at(0));
    assert_eq!((hour(&windows), windows.keep().opens), (Some(at(3_600_000)), None));
    assert_eq!(booked(&mut windows, 1, at(3_600_000)).0, 1);
}

#[test]
fn a_probe_of_a_refused_key_waits_for_a_slot() {
    let mut windows = windows(10, 10, at(0));
    booked(&mut windows, 10, at(0));
    windows.correct(Observed::KeyRefused, at(100));
    assert_eq!(booked(&mut windows, 5, at(60_100)), (0, Some(at(3_600_000) + GUARD)));
    assert_eq!(booked(&mut windows, 5, at(3_600_250)).0, 1);
}

/// The number of the window of this many seconds that a moment is in, and its end.
fn window(of: Timestamp, seconds: i64) -> i64 {
    of.as_second().div_euclid(seconds)
}

proptest! {
    /// However requests come, no window of three seconds and no hour has more than it allows.
    #[test]
    fn neither_a_window_nor_an_hour_is_overbooked(
        per_window in 1_u32..60, per_hour in 1_u32..400,
        bookings in proptest::collection::vec((0_u32..120, 0_u64..90_000), 1..120),
    ) {
        let mut windows = Windows::new(contract(per_window, per_hour), at(3_500_000));
        let (mut seconds, mut hours) = (BTreeMap::new(), BTreeMap::new());
        let mut now = at(3_500_000);
        for (number, (count, pause)) in bookings.into_iter().enumerate() {
            now += Duration::from_millis(pause);
            if number == 3 {
                windows.correct(Observed::Answered { limit: None, remaining: None, resets_at: None }, now);
            }
            let reservation = windows.book(count, now);
            let asked = reservation.booked.iter().chain(&reservation.later).map(|booked| booked.count).sum::<u32>();
            prop_assert!(asked == count || reservation.closed_until.is_some());
            for booked in reservation.booked {
                prop_assert!(booked.slot.from >= now && booked.slot.from <= now + PATIENCE);
                prop_assert!(booked.slot.from < booked.slot.until);
                let last = booked.slot.until - Duration::from_millis(1);
                prop_assert_eq!(window(booked.slot.from, 3), window(last, 3));
                *seconds.entry(window(last, 3)).or_insert(0) += booked.count;
                *hours.entry(window(last, 3_600)).or_insert(0) += booked.count;
            }
        }
        prop_assert!(seconds.values().all(|count| *count <= per_window), "{seconds:?}");
        prop_assert!(hours.values().all(|count| *count <= per_hour), "{hours:?}");
    }

    /// Several askers who come again when they are told are done as early as the limits allow.
    #[test]
    fn while_there_is_demand_every_slot_is_used(
        per_window in 1_u32..20, per_hour in 1_u32..200,
        askers in proptest::collection::vec(1_u32..80, 1..8),
    ) {
        let mut windows = windows(per_window, per_hour, at(0));
        let demand: u32 = askers.iter().sum();
        let an_hour = per_hour.min(per_window * 1_200);
        let (hours, rest) = ((demand - 1) / an_hour, (demand - 1) % an_hour);
        let least = at(i64::from(hours) * 3_600_000 + i64::from(rest / per_window) * 3_000) + GUARD;
        let mut waiting: BTreeSet<(Timestamp, usize, u32)> = (0..).zip(askers).map(|(who, count)| (at(0), who, count)).collect();
        let mut number = waiting.len();
        let mut asked = 0;
        while let Some((now, _, count)) = waiting.pop_first() {
            prop_assert!(now <= least, "{now} is later than {least}");
            for free in windows.book(count, now).later {
                number += 1;
                waiting.insert((free.slot.from, number, free.count));
            }
            asked += 1;
        }
        // A waiting request asks about once a minute, and at the beginning of each hour.
        let most = demand * (3 + demand / (20 * per_window)) * (hours + 1);
        prop_assert!(asked <= most, "{asked} times for {demand} requests");
    }
}
