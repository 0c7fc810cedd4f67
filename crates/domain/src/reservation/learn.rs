//! What answers say about a limit that headers replace.

use std::time::Duration;

use super::hour::HOUR;
use super::{CLOCK_TOLERANCE, LONGEST, Learning, SHORTEST, SKEW, Windows};
use crate::Timestamp;
use crate::time::{between, earlier, later};

impl Windows {
    /// Adopts Braze's own window. Its limit and count are believed only if its window is as long as ours, or may be: some contracts
    /// report an hourly one.
    pub(super) fn learn(
        &mut self,
        limit: Option<u32>,
        remaining: Option<u32>,
        resets_at: Option<Timestamp>,
        now: Timestamp,
    ) {
        let resumed = self.resuming.take().is_some();
        let (Some(limit), Some(remaining), Some(resets_at)) = (limit, remaining, resets_at) else {
            // Without headers, the limit in the contract counts.
            self.learning = Learning::Done;
            if (limit, remaining, resets_at) == (None, None, None) {
                self.name(None);
            }
            return;
        };
        if limit == 0 || later(resets_at, SKEW) <= now {
            return;
        }
        if resets_at > later(now, self.longest().saturating_add(SHORTEST)) || self.may_be_an_hours(resets_at)
        {
            if remaining == 0 {
                self.rest_until(resets_at, now);
            }
            return;
        }
        if self.allowance.by_contract {
            self.learn_period(limit, resets_at, now);
            self.name(Some(limit));
        }
        if resets_at <= now {
            // The window has ended, so its usage no longer matters.
            return;
        }
        self.catch_up(now);
        self.name(Some(limit));
        if self.start <= now {
            self.start = earlier(resets_at, self.allowance.period);
            let used = limit.saturating_sub(remaining);
            self.booked = if resumed { used } else { self.booked.max(used) };
        }
    }

    /// Adopts the limit that headers name.
    pub(super) fn name(&mut self, limit: Option<u32>) {
        self.named = limit;
        self.allowance.requests = self.requests_in_effect();
    }

    /// The longest possible length of the window.
    fn longest(&self) -> Duration {
        if self.allowance.by_contract { LONGEST } else { self.allowance.period }
    }

    /// Whether a window that ends at this moment may be an hourly one.
    fn may_be_an_hours(&self, resets_at: Timestamp) -> bool {
        let on_the_hour = resets_at.as_second().rem_euclid(HOUR.as_secs() as i64) == 0;
        !self.allowance.by_contract && self.allowance.period < HOUR && on_the_hour
    }

    /// Books nothing before `until`, unless there are later bookings already.
    pub(super) fn rest_until(&mut self, until: Timestamp, now: Timestamp) {
        self.catch_up(now);
        self.resuming = None;
        if self.start <= now || self.start < until {
            self.start = until.max(now);
            self.booked = 0;
        }
    }

    /// Tells windows of a second from those of a minute, by how long one still lasts or by the end of the next one.
    fn learn_period(&mut self, limit: u32, resets_at: Timestamp, now: Timestamp) {
        if self.learning == Learning::Done && limit != self.allowance.requests {
            self.learning = Learning::Begun;
        }
        if self.contradicts(resets_at, now) {
            (self.learning, self.start, self.booked) = (Learning::Begun, now, 0);
        }
        if resets_at > later(now, CLOCK_TOLERANCE) {
            (self.allowance.period, self.learning) = (LONGEST, Learning::Done);
        } else if self.learning != Learning::Done {
            let distance = match self.learning {
                Learning::Seen(before) => between(before, resets_at),
                Learning::Begun | Learning::Done => Duration::ZERO,
            };
            // A window of a minute that is nearly over looks like one of a second; the next one shows which it is.
            if distance >= SHORTEST && distance.saturating_add(CLOCK_TOLERANCE) < LONGEST {
                (self.allowance.period, self.learning) = (SHORTEST, Learning::Done);
            } else if distance.is_zero() || distance >= SHORTEST {
                self.learning = Learning::Seen(resets_at);
            }
        }
    }

    /// Whether the assumed window of a minute ends long before its time.
    fn contradicts(&self, resets_at: Timestamp, now: Timestamp) -> bool {
        if self.learning != Learning::Done
            || self.allowance.period != LONGEST
            || resets_at > later(now, CLOCK_TOLERANCE)
        {
            return false;
        }
        let minute = LONGEST.as_millis() as i64;
        let until_ours_ends = (self.start.as_millisecond() - now.as_millisecond()).rem_euclid(minute);
        later(now, Duration::from_millis(until_ours_ends.unsigned_abs())) > later(resets_at, CLOCK_TOLERANCE)
    }
}
