//! Limits that Braze's headers only lower: the one of `/users/track`, which counts an hour beside a window of seconds.

use std::time::Duration;

use super::hour::HOUR;
use super::{CLOCK_TOLERANCE, Learning, Reservation, SHORTEST, SKEW, Windows, total};
use crate::Timestamp;
use crate::time::{between, earlier, later};

#[cfg(test)]
#[path = "upper_bound_tests.rs"]
mod tests;

/// Braze reports the end of a window in whole seconds, and answers take a while. So an end may be named this much too late.
const ROUNDED: Duration = Duration::from_millis(1_500);

/// A longer wait than this is not believed. Braze's longest window is an hour.
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 3_600);

/// The window that an answer's headers are about.
enum Meant {
    Window,
    Hour,
    /// The end is that of an hour and of a window, so it does not show which is meant.
    Either,
    /// A longer window than any that is counted.
    Longer,
}

impl Windows {
    /// Books few requests, until the first answer has come.
    pub(super) fn try_at_first(&mut self, count: u32, now: Timestamp) -> Reservation {
        let booked = self.fill_near(count, now);
        let free = self.next_free(now);
        let is_far = free > later(now, self.allowance.period.saturating_add(SHORTEST));
        let again = if is_far { free } else { later(now, SHORTEST) };
        let closed_until = (total(&booked) < count).then_some(again);
        Reservation { booked, closed_until, ..Reservation::default() }
    }

    /// Whether a request may be sent now that finds out how many slots are left.
    pub(super) fn may_resume(&self, now: Timestamp) -> bool {
        let hour_has_room = self.hour.is_none_or(|hour| hour.room(self.contract.per_hour) > 0);
        hour_has_room && self.opens.is_none_or(|opens| opens <= now)
    }

    /// Books nothing before `until`. The windows stay where they are.
    pub(super) fn close_until(&mut self, until: Timestamp, now: Timestamp) {
        self.resuming = None;
        self.catch_up(now);
        let until = until.min(later(now, LONGEST_WAIT));
        if until > now {
            self.opens = self.opens.max(Some(until));
        }
    }

    /// Lowers the limits to what an answer says.
    pub(super) fn lower(
        &mut self,
        limit: Option<u32>,
        remaining: Option<u32>,
        resets_at: Option<Timestamp>,
        now: Timestamp,
    ) {
        let resumed = self.resuming.take().is_some();
        self.learning = Learning::Done;
        self.catch_up(now);
        let (Some(limit), Some(remaining), Some(resets_at)) = (limit, remaining, resets_at) else { return };
        if limit == 0 || later(resets_at, SKEW) <= now {
            return;
        }
        match self.about(limit, resets_at, now) {
            Meant::Window => self.lower_window(limit, remaining, resets_at, resumed, now),
            Meant::Hour => self.lower_hour(limit, remaining, resets_at, resumed),
            Meant::Either | Meant::Longer if remaining == 0 => self.close_until(resets_at, now),
            Meant::Either | Meant::Longer => {}
        }
    }

    fn about(&self, limit: u32, resets_at: Timestamp, now: Timestamp) -> Meant {
        let longest = |period: Duration| later(now, period.saturating_add(CLOCK_TOLERANCE));
        let is_long = resets_at > later(now, self.allowance.period.saturating_add(SHORTEST));
        let is_the_hours = self.hour.is_some_and(|hour| hour.named == Some(limit) && hour.ends_at(resets_at));
        let on_the_hour = resets_at.as_second().rem_euclid(HOUR.as_secs() as i64) == 0;
        if resets_at > longest(HOUR) {
            Meant::Longer
        } else if is_long || is_the_hours {
            Meant::Hour
        } else if on_the_hour && self.named != Some(limit) {
            Meant::Either
        } else {
            Meant::Window
        }
    }

    fn lower_window(
        &mut self,
        limit: u32,
        remaining: u32,
        resets_at: Timestamp,
        resumed: bool,
        now: Timestamp,
    ) {
        let is_first = self.named.is_none();
        self.name(Some(limit));
        if resets_at <= now || self.start > now {
            return;
        }
        let ours = later(self.start, self.allowance.period);
        // Of several ends that are named for one window, the earliest is the least rounded.
        let is_rounded = resets_at >= ours && between(ours, resets_at) < ROUNDED;
        if is_first || !is_rounded {
            self.start = earlier(resets_at, self.allowance.period).min(now);
        }
        let used = self.allowance.requests.saturating_sub(remaining);
        self.booked = if resumed { used } else { self.booked.max(used) };
    }

    fn lower_hour(&mut self, limit: u32, remaining: u32, resets_at: Timestamp, resumed: bool) {
        let Some(hour) = &mut self.hour else { return };
        hour.named = Some(limit);
        let used = hour.limit(self.contract.per_hour).map_or(0, |limit| limit.saturating_sub(remaining));
        // What was booked a moment ago may not be counted by Braze yet.
        let most = used.saturating_add(self.booked);
        let same_hour = hour.ends_at(resets_at);
        hour.booked = match (resumed, same_hour) {
            (true, _) => used,
            (false, true) => hour.booked.max(used),
            (false, false) => hour.booked.min(most).max(used),
        };
        hour.ends = if same_hour { hour.ends.min(resets_at) } else { resets_at };
    }
}
