//! The hour that is counted beside a short window.

use std::num::NonZeroU32;
use std::time::Duration;

use super::SKEW;
use crate::Timestamp;
use crate::time::{between, earlier, later};

/// The length of Braze's longest window.
pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// The requests of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCount {
    /// How many requests an hour allows by Braze's headers.
    pub named: Option<u32>,
    /// When the hour ends.
    pub ends: Timestamp,
    /// How many requests are booked in it.
    pub booked: u32,
}

impl HourCount {
    /// The hour that contains this moment: it ends on the clock hour, until Braze says otherwise.
    pub(super) fn around(now: Timestamp) -> Self {
        Self { named: None, ends: later(aligned(now, HOUR), HOUR), booked: 0 }
    }

    /// How many requests it allows. The contract's number is an upper bound.
    pub(super) fn limit(&self, per_hour: Option<NonZeroU32>) -> Option<u32> {
        [self.named, per_hour.map(NonZeroU32::get)].into_iter().flatten().min()
    }

    /// How many more requests fit.
    pub(super) fn room(&self, per_hour: Option<NonZeroU32>) -> u32 {
        self.limit(per_hour).map_or(u32::MAX, |limit| limit.saturating_sub(self.booked))
    }

    /// The hour after this one. An end that was named a moment too early does not make the next hour a short one.
    pub(super) fn next(&self) -> Self {
        Self { ends: later(aligned(later(self.ends, SKEW), HOUR), HOUR), booked: 0, ..*self }
    }

    /// Moves to the hour that contains `now`.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        if now >= self.ends {
            *self = Self { named: self.named, ..Self::around(now) };
        }
    }

    /// Whether a named end is the end of this hour.
    pub(super) fn ends_at(&self, end: Timestamp) -> bool {
        between(self.ends, end) < SKEW && between(end, self.ends) < SKEW
    }
}

/// The beginning of the window of this length that contains a moment, if windows begin at whole multiples of their length.
pub(super) fn aligned(moment: Timestamp, period: Duration) -> Timestamp {
    let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
    earlier(moment, Duration::from_millis(moment.as_millisecond().rem_euclid(period).unsigned_abs()))
}
