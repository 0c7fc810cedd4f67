use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::reservation::{Allowance, Contract};

const PERIOD: Duration = Duration::from_secs(60);
const MINUTE: Allowance = Allowance { requests: 1_000, period: PERIOD, by_contract: false };

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millisecond).unwrap()
}

/// What every lane but the one of look-ups has.
fn patient(requests: u32, period: Duration) -> Contract {
    let allowance = Allowance { requests, period, by_contract: false };
    Contract { patience: Some(Duration::from_secs(1)), ..allowance.into() }
}

fn wants(requests: u32, spare: u32) -> WantedSlots {
    WantedSlots { requests, spare }
}

fn spare(windows: &mut Windows, wanted: WantedSlots, now: i64) -> u32 {
    windows.book_with_spare(wanted, at(now)).spare.map_or(0, |spare| spare.count)
}

/// A process that sends requests, as the connector does.
#[derive(Default)]
struct SendingProcess(SpareSlots);

impl SendingProcess {
    /// The slots of the requests, and whether something was booked.
    fn send(&mut self, windows: &mut Windows, requests: u32, now: Timestamp) -> (Vec<Booked>, bool) {
        let taken = self.0.take(requests, PERIOD, now);
        let left = requests - taken.map_or(0, |taken| taken.count);
        if left == 0 {
            return (Vec::from_iter(taken), false);
        }
        let reservation = windows.book_with_spare(self.0.wanted(left, PERIOD, now), now);
        self.0.booked(&reservation, PERIOD, now);
        (taken.into_iter().chain(reservation.booked).collect(), true)
    }

    fn unused(&self, now: Timestamp) -> u32 {
        self.0.kept.filter(|kept| kept.slot.covers(now)).map_or(0, |kept| kept.count)
    }
}

#[test]
fn spare_slots_end_with_their_window() {
    let mut windows = Windows::new(MINUTE, at(0));
    let spare = windows.book_with_spare(wants(10, 50), at(20_000)).spare.unwrap();
    assert_eq!((spare.count, spare.slot), (50, Slot { from: at(20_000), until: at(60_000) }));
    assert_eq!(windows.keep().booked, 60, "they count like those that are needed");
}

#[test]
fn a_booking_has_at_most_a_hundred_spare_slots() {
    assert_eq!(spare(&mut Windows::new(MINUTE, at(0)), wants(1, 400), 0), 100);
}

#[test]
fn the_second_half_of_a_window_is_booked_only_when_it_is_needed() {
    let mut windows = Windows::new(MINUTE, at(0));
    windows.book(450, at(0));
    assert_eq!(spare(&mut windows, wants(10, 100), 1), 40);
    assert_eq!(spare(&mut windows, wants(10, 100), 2), 0);
    assert_eq!(windows.book(490, at(3)).booked[0].count, 490);
}

#[test]
fn while_others_wait_for_the_next_window_nothing_spare_is_booked() {
    let mut windows = Windows::new(patient(100, PERIOD), at(0));
    assert!(!windows.book(150, at(0)).later.is_empty());
    let more = Windows { allowance: MINUTE, ..windows };
    assert_eq!(spare(&mut more.clone(), wants(1, 10), 1), 0, "they have a backlog");
    assert_eq!(spare(&mut Windows { backlog: None, ..more }, wants(1, 10), 1), 10);
}

#[test]
fn nothing_spare_is_booked_while_the_limit_is_being_learned_or_the_key_is_refused() {
    let mut learned = Windows::new(Allowance { by_contract: true, ..MINUTE }, at(0));
    assert_eq!(spare(&mut learned, wants(1, 10), 0), 0);
    let mut refused = Windows::new(MINUTE, at(0));
    refused.correct(Observed::KeyRefused, at(0));
    assert_eq!(spare(&mut refused, wants(1, 10), 61_000), 0);
    let mut taken_over = Windows::new(MINUTE, at(0));
    taken_over.book(10, at(0));
    taken_over.take_over(at(1));
    assert_eq!(spare(&mut taken_over, wants(1, 10), 2), 0);
}

#[test]
fn where_an_hour_is_limited_nothing_spare_is_booked() {
    let track = |per_hour| Contract {
        per_hour: std::num::NonZeroU32::new(per_hour),
        is_upper_bound: true,
        ..patient(1_000, Duration::from_secs(3))
    };
    let answered = Observed::Answered { limit: None, remaining: None, resets_at: None };
    let [mut free, mut limited] = [0, 50_000].map(|per_hour| {
        let mut windows = Windows::new(track(per_hour), at(0));
        windows.correct(answered, at(0));
        windows
    });
    assert_eq!([spare(&mut free, wants(1, 5), 1), spare(&mut limited, wants(1, 5), 1)], [5, 0]);
    assert_eq!(free.hour.unwrap().booked, 1, "no hour is limited, so only what is sent is counted");
}

#[test]
fn work_that_takes_what_others_leave_has_no_spare_slots() {
    let brief = Contract { leftover: true, ..patient(1_000, Duration::from_secs(3)) };
    assert_eq!(spare(&mut Windows::new(brief, at(0)), wants(1, 10), 0), 0);
}

#[test]
fn a_process_books_exactly_at_first_and_then_for_as_many_more_as_it_has_used() {
    let (mut process, mut windows) = (SendingProcess::default(), Windows::new(MINUTE, at(0)));
    let booked: Vec<u32> = (0..8)
        .map(|batch| {
            process.send(&mut windows, 10, at(batch * 1_000));
            windows.keep().booked
        })
        .collect();
    assert_eq!(booked, [10, 30, 30, 70, 70, 70, 70, 150]);
}

#[test]
fn a_steady_process_books_once_for_what_it_used_in_the_window_before() {
    let (mut process, mut windows) = (SendingProcess::default(), Windows::new(MINUTE, at(0)));
    for batch in 0..8 {
        process.send(&mut windows, 10, at(batch * 5_000));
    }
    let bookings = (12..20).filter(|batch| process.send(&mut windows, 10, at(batch * 5_000)).1).count();
    assert_eq!((bookings, process.unused(at(95_000)), windows.keep().booked), (1, 0, 80));
}

#[test]
fn after_a_pause_of_a_window_a_process_books_exactly_again() {
    let (mut process, mut windows) = (SendingProcess::default(), Windows::new(MINUTE, at(0)));
    for batch in 0..4 {
        process.send(&mut windows, 10, at(batch));
    }
    process.send(&mut windows, 10, at(180_000));
    assert_eq!(windows.keep().booked, 10);
}

fn kept(count: u32) -> SpareSlots {
    let slot = Slot { from: at(0), until: at(60_000) };
    SpareSlots { kept: Some(Booked { slot, count }), ..SpareSlots::default() }
}

fn answered(remaining: u32, resets_at: i64) -> Observed {
    Observed::Answered { limit: Some(250), remaining: Some(remaining), resets_at: Some(at(resets_at)) }
}

#[test]
fn after_a_refusal_no_spare_slot_is_used() {
    for said in [Observed::KeyRefused, Observed::Throttled { until: at(5_000) }] {
        let mut slots = kept(20);
        slots.hear(said);
        assert_eq!(slots.take(5, PERIOD, at(10)), None, "{said:?}");
    }
}

#[test]
fn when_braze_has_little_left_spare_slots_are_given_up() {
    let mut slots = kept(20);
    slots.hear(answered(100, 60_000));
    assert_eq!(slots.kept.unwrap().count, 20);
    slots.hear(answered(7, 60_000));
    assert_eq!(slots.take(20, PERIOD, at(10)).unwrap().count, 3);
}

#[test]
fn spare_slots_end_when_the_window_ends_that_braze_names() {
    let mut slots = kept(20);
    slots.hear(answered(100, 30_000));
    assert_eq!(slots.clone().take(5, PERIOD, at(29_999)).unwrap().count, 5);
    assert_eq!(slots.take(5, PERIOD, at(30_000)), None);
}

#[test]
fn spare_slots_of_before_a_clock_was_set_back_are_not_used() {
    assert_eq!(kept(20).take(5, PERIOD, at(-1)), None);
}

proptest! {
    /// Many processes send batches and die. Braze counts in the same windows.
    #[test]
    fn no_window_has_more_requests_than_the_limit_and_half_of_it_is_never_kept_unused(
        limit in 4_u32..400,
        batches in prop::collection::vec((0_usize..12, 1_u32..30, 0_i64..8_000, prop::bool::weighted(0.05)), 1..150),
    ) {
        let mut windows = Windows::new(patient(limit, PERIOD), at(0));
        let mut processes: Vec<SendingProcess> = (0..12).map(|_| SendingProcess::default()).collect();
        let (mut sent, mut lost) = (BTreeMap::<Timestamp, u32>::new(), 0);
        let (mut now, mut window) = (0, 0);
        for (index, requests, pause, dies) in batches {
            now += pause;
            if now / 60_000 != window {
                (window, lost) = (now / 60_000, 0);
            }
            let free = limit - sent.get(&at((window + 1) * 60_000)).copied().unwrap_or(0);
            let slots = processes[index].send(&mut windows, requests, at(now)).0;
            for booked in &slots {
                *sent.entry(booked.slot.until).or_default() += booked.count;
            }
            prop_assert!(sent.values().all(|sent| *sent <= limit), "{sent:?} of {limit}");
            let all = slots.iter().map(|booked| booked.count).sum::<u32>() == requests;
            prop_assert!(all || free <= requests + limit / 2, "{slots:?} of {requests}, with {free} free");
            if dies {
                lost += processes[index].unused(at(now));
                processes[index] = SendingProcess::default();
            }
            let unused: u32 = processes.iter().map(|process| process.unused(at(now))).sum();
            prop_assert!(unused + lost <= limit / 2, "{unused} unused, and {lost} lost, of {limit}");
        }
    }
}
