//! Bookings that take only what others leave.

use std::time::Duration;

use super::booking::{Booked, Reservation, Slot};
use super::hour::HOUR;
use super::{Allowance, Windows, is_ahead};
use crate::Timestamp;
use crate::time::{between, later};

/// In a window shorter than this, half of the slots count as left from the beginning: nobody waits for long for the next window, and
/// nothing is processed punctually enough to hit a part of it.
const BRIEF: Duration = Duration::from_secs(10);

/// In a window up to this long, slots are left if they are still free in its last quarter: others who come after that wait for a
/// quarter of a window at most. In a longer one, slots are left as far as the even use of half of the window has not reached them.
const SHORT: Duration = Duration::from_secs(60);

/// One slot in this many is kept for others to the end.
const KEPT: u32 = 10;

/// How slots of a window become left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeftoverRule {
    Half,
    LastQuarter,
    EvenHalf,
}

impl Windows {
    /// Books what is left of the current window. Requests for which nothing is left ask again when the next window has something left.
    pub(super) fn fill_leftover(&mut self, count: u32, now: Timestamp) -> Reservation {
        self.catch_up(now);
        if let Some(opens) = self.opens.filter(|opens| *opens > now) {
            return Reservation::closed(opens, false);
        }
        let begins = self.leftover_begins();
        let is_waited_for = self.backlog.is_some_and(|end| is_ahead(end.start, self.start, Duration::ZERO));
        if self.start > now || is_waited_for || now < begins {
            let ahead = self.backlog.map_or(self.start, |end| end.start.max(self.start));
            return Reservation::closed(begins.max(later(ahead, between(self.start, begins))), false);
        }
        let taken = count.min(self.left(now));
        self.booked = self.booked.saturating_add(taken);
        if let Some(hour) = &mut self.hour {
            hour.booked = hour.booked.saturating_add(taken);
        }
        let until = later(self.start, self.allowance.period);
        let until = self.hour.map_or(until, |hour| until.min(hour.ends));
        let booked = (taken > 0).then_some(Booked { slot: Slot { from: now, until }, count: taken });
        let closed_until = (taken < count).then_some(self.next_leftover(now));
        Reservation { booked: booked.into_iter().collect(), closed_until, ..Reservation::default() }
    }

    fn rule(&self) -> LeftoverRule {
        match self.allowance.period {
            period if period < BRIEF => LeftoverRule::Half,
            period if period <= SHORT => LeftoverRule::LastQuarter,
            _ => LeftoverRule::EvenHalf,
        }
    }

    /// From when on the current window's free slots count as left.
    fn leftover_begins(&self) -> Timestamp {
        match self.rule() {
            LeftoverRule::LastQuarter => later(self.start, self.allowance.period.mul_f64(0.75)),
            LeftoverRule::Half | LeftoverRule::EvenHalf => self.start,
        }
    }

    fn next_leftover(&self, now: Timestamp) -> Timestamp {
        match self.rule() {
            LeftoverRule::LastQuarter | LeftoverRule::Half => {
                later(self.leftover_begins(), self.allowance.period)
            }
            LeftoverRule::EvenHalf => later(now, SHORT),
        }
    }

    /// How many slots are left.
    fn left(&self, now: Timestamp) -> u32 {
        let Allowance { requests, period, .. } = self.allowance;
        let kept = (requests / KEPT).max(u32::from(requests > 1));
        let usable = match self.rule() {
            LeftoverRule::Half => requests.div_ceil(2),
            LeftoverRule::LastQuarter => requests.saturating_sub(kept),
            LeftoverRule::EvenHalf => share(requests, between(self.start, now), period) / 2,
        };
        let of_window = usable.saturating_sub(self.booked);
        let of_hour = self.hour.map_or(u32::MAX, |hour| {
            let Some(limit) = hour.limit(self.contract.per_hour) else { return u32::MAX };
            let elapsed = HOUR.saturating_sub(between(now, hour.ends));
            (share(limit, elapsed, HOUR) / 2).saturating_sub(hour.booked)
        });
        of_window.min(of_hour)
    }
}

/// What an even use of a period has reached after a time.
fn share(of: u32, elapsed: Duration, period: Duration) -> u32 {
    let reached = u128::from(of).saturating_mul(elapsed.as_millis()) / period.as_millis().max(1);
    u32::try_from(reached).unwrap_or(u32::MAX).min(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reservation::Contract;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn contract(requests: u32, seconds: u64, leftover: bool) -> Contract {
        let allowance = Allowance { requests, period: Duration::from_secs(seconds), by_contract: false };
        Contract { leftover, ..allowance.into() }
    }

    /// Counters of a window that starts at 0.
    fn windows(requests: u32, seconds: u64) -> Windows {
        Windows::new(contract(requests, seconds, false), at(0))
    }

    fn count(reservation: &Reservation) -> u32 {
        reservation.booked.iter().map(|booked| booked.count).sum()
    }

    fn left_over(
        windows: &mut Windows,
        requests: u32,
        seconds: u64,
        (wanted, now): (u32, i64),
    ) -> Reservation {
        windows.go_by(contract(requests, seconds, true), at(now));
        windows.book(wanted, at(now))
    }

    #[test]
    fn nothing_counts_as_left_before_the_last_quarter_of_a_window() {
        let mut windows = windows(100, 60);
        for now in [0, 30, 44] {
            let booked = left_over(&mut windows, 100, 60, (10, now));
            assert_eq!((count(&booked), booked.closed_until), (0, Some(at(45))), "{now}");
        }
        assert_eq!(count(&left_over(&mut windows, 100, 60, (10, 45))), 10);
    }

    #[test]
    fn a_tenth_of_a_window_is_kept_for_others_and_the_rest_asks_again_in_the_next_window() {
        let mut windows = windows(100, 60);
        assert_eq!(count(&windows.book(30, at(1))), 30);
        let booked = left_over(&mut windows, 100, 60, (100, 50));
        assert_eq!((count(&booked), booked.closed_until), (60, Some(at(105))));
        windows.go_by(contract(100, 60, false), at(51));
        let others = windows.book(10, at(51));
        assert!(others.booked[0].slot.covers(at(51)) && count(&others) == 10, "{others:?}");
    }

    #[test]
    fn nothing_is_left_while_others_hold_or_wait_for_later_slots() {
        let mut held = windows(100, 60);
        held.book(150, at(1));
        let booked = left_over(&mut held, 100, 60, (10, 50));
        assert_eq!((count(&booked), booked.closed_until), (0, Some(at(105))));
        let mut waited_for = windows(100, 60);
        let patient = Contract { patience: Some(Duration::from_secs(1)), ..contract(100, 60, false) };
        waited_for.go_by(patient, at(1));
        waited_for.book(150, at(1));
        assert_eq!(count(&left_over(&mut waited_for, 100, 60, (10, 50))), 0);
    }

    #[test]
    fn of_a_long_window_half_of_its_even_use_is_left() {
        let mut windows = windows(2_000, 3_600);
        assert_eq!(count(&left_over(&mut windows, 2_000, 3_600, (2_000, 0))), 0);
        assert_eq!(count(&left_over(&mut windows, 2_000, 3_600, (2_000, 1_800))), 500);
        let again = left_over(&mut windows, 2_000, 3_600, (10, 1_800));
        assert_eq!((count(&again), again.closed_until), (0, Some(at(1_860))));
    }

    #[test]
    fn of_a_brief_window_half_is_left_from_its_beginning() {
        let mut windows = windows(100, 3);
        let booked = left_over(&mut windows, 100, 3, (80, 0));
        assert_eq!((count(&booked), booked.closed_until), (50, Some(at(3))));
        windows.go_by(contract(100, 3, false), at(1));
        assert!(windows.book(50, at(1)).booked[0].slot.covers(at(1)));
    }

    #[test]
    fn after_a_429_nothing_is_left_before_braze_said() {
        let mut windows = windows(100, 60);
        windows.correct(crate::reservation::Observed::Throttled { until: at(58) }, at(46));
        assert_eq!(count(&left_over(&mut windows, 100, 60, (10, 47))), 0);
    }
}
