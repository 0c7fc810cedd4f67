//! Request slots, booked in advance in the windows that Braze counts in.
//!
//! Braze counts requests in fixed windows that reset at a moment it names (`x-ratelimit-reset`). Booking in the same windows uses every
//! slot and overruns none. A rate that is spread evenly (GCRA) fails at one or the other, since its burst and its refill are in the same
//! window of Braze's.

mod booking;
mod limit;

pub use booking::{Booked, Reservation, Resuming, Slot, WindowsRecord};
pub use limit::{Allowance, Learning, Observed};

use std::time::Duration;

use crate::Timestamp;
use crate::time::{between, earlier, later};

/// For us a window opens this much later than Braze says, so that small differences of clocks and networks draw no 429.
const GUARD: Duration = Duration::from_millis(250);

/// How long no request is sent after a key was refused, until one request tries it again.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(60);

/// How many requests are tried while the limit is not known: the smallest limit that Braze documents, 40 requests a second.
const TRIAL: u32 = 40;

/// The shortest and the longest window of a limit that has to be learned. Braze documents none between them.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Braze reports the end of a window in whole seconds, by a clock that may be a second off ours. So a window of one second may appear to
/// last up to this long.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(3);

/// How long after its end a window may still be the one that Braze means.
const SKEW: Duration = Duration::from_secs(2);

/// After this time, answers to tried requests no longer come.
const ANSWERED: Duration = Duration::from_secs(5);

/// Braze's hourly windows end on the clock hour.
const HOUR: Duration = Duration::from_secs(3_600);

/// The clocks of machines that share the counters differ by less than this. Counters from further in the future were written before the
/// clock was set back.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);

/// How long after taking over counters and sending one request the others are asked for again: its answer says how many are left.
const RESUMES: Duration = Duration::from_millis(500);

/// The request counters of one brand and endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    allowance: Allowance,
    /// The start of the last window with bookings, which may be in the future.
    start: Timestamp,
    booked: u32,
    /// When one request may try the key, while Braze refuses it.
    probe_at: Option<Timestamp>,
    learning: Learning,
    /// When something was last booked.
    touched: Option<Timestamp>,
    /// Set while it is unknown how many booked slots were used, because the process that booked them is gone or the clock was set back.
    resuming: Option<Resuming>,
}

impl Windows {
    /// Makes empty counters. An hourly window starts on the hour, others start with the first request, until Braze says otherwise.
    #[must_use]
    pub fn new(allowance: Allowance, now: Timestamp) -> Self {
        let learning = if allowance.by_contract { Learning::Begun } else { Learning::Done };
        let into_the_hour = now.as_millisecond().rem_euclid(HOUR.as_millis() as i64);
        let start = match allowance.period {
            HOUR => earlier(now, Duration::from_millis(into_the_hour.unsigned_abs())),
            _ => now,
        };
        Self { allowance, start, booked: 0, probe_at: None, learning, touched: Some(now), resuming: None }
    }

    /// Restores stored counters.
    #[must_use]
    pub fn restore(kept: WindowsRecord) -> Self {
        let WindowsRecord {
            requests,
            period,
            start,
            booked,
            probe_at,
            learning,
            by_contract,
            touched,
            resuming,
        } = kept;
        let allowance = Allowance { requests, period, by_contract };
        Self { allowance, start, booked, probe_at, learning, touched, resuming }
    }

    /// The counters in their stored form.
    #[must_use]
    pub fn keep(&self) -> WindowsRecord {
        WindowsRecord {
            requests: self.allowance.requests,
            period: self.allowance.period,
            start: self.start,
            booked: self.booked,
            probe_at: self.probe_at,
            learning: self.learning,
            by_contract: self.allowance.by_contract,
            touched: self.touched,
            resuming: self.resuming,
        }
    }

    /// Takes over the counters of a process that is gone. Slots that it booked and did not use are free again: future bookings are
    /// dropped, and Braze's next answer says how much of this window is left.
    pub fn take_over(&mut self, now: Timestamp) {
        self.forget_what_lies_ahead(now);
        self.catch_up(now);
        self.resuming = (self.booked > 0).then_some(Resuming::NotAsked);
        self.touched = Some(now);
    }

    /// Goes back to the window that contains `now`. It is not known how much of it was used.
    fn forget_what_lies_ahead(&mut self, now: Timestamp) {
        let ahead = between(now, self.start);
        if ahead.is_zero() {
            return;
        }
        let period = self.allowance.period;
        let whole = ahead.as_nanos().div_ceil(period.as_nanos().max(1));
        let whole = u32::try_from(whole).unwrap_or(u32::MAX);
        self.start = earlier(self.start, period.saturating_mul(whole)).min(now);
        self.booked = self.allowance.requests;
    }

    /// Drops what was booked under a clock that ran ahead, since those moments mean nothing now.
    fn mind_the_clock(&mut self, now: Timestamp) {
        if self.touched.is_some_and(|touched| is_ahead(touched, now, CLOCKS_DIFFER)) {
            self.take_over(now);
        }
        if self.probe_at.is_some_and(|at| is_ahead(at, now, PROBE_INTERVAL)) {
            self.probe_at = Some(now);
        }
        if let Learning::Seen(reset) = self.learning
            && is_ahead(reset, now, LONGEST.saturating_add(CLOCK_TOLERANCE))
        {
            self.learning = Learning::Begun;
        }
    }

    /// Books `count` requests, each in the earliest window with room. While the key is refused, only one request a minute is booked, to
    /// try it. While the limit is being learned, nothing is booked in advance.
    pub fn book(&mut self, count: u32, now: Timestamp) -> Reservation {
        self.mind_the_clock(now);
        if count > 0 {
            self.touched = self.touched.max(Some(now));
        }
        if self.resuming.is_some() {
            // The next window is not used yet.
            self.catch_up(now);
            self.resuming = self.resuming.filter(|_| self.booked > 0);
        }
        match self.probe_at {
            None if self.resuming.is_some() => self.resume(count, now),
            None if self.learning != Learning::Done => self.try_out(count, now),
            None => Reservation { booked: self.fill(count, now), closed_until: None, key_refused: false },
            Some(at) if now < at => {
                Reservation { booked: Vec::new(), closed_until: Some(at), key_refused: true }
            }
            Some(_) => {
                let next = later(now, PROBE_INTERVAL);
                self.probe_at = Some(next);
                Reservation {
                    booked: self.fill(count.min(1), now),
                    closed_until: Some(next),
                    key_refused: true,
                }
            }
        }
    }

    /// Books one request. The others follow when its answer has said what is left.
    fn resume(&mut self, count: u32, now: Timestamp) -> Reservation {
        let waits = match self.resuming {
            Some(Resuming::Asked(at)) => at <= now && !is_ahead(now, at, ANSWERED),
            Some(Resuming::NotAsked) | None => false,
        };
        let taken = if waits { 0 } else { count.min(1) };
        if taken > 0 {
            self.resuming = Some(Resuming::Asked(now));
        }
        let slot = Slot { from: now, until: later(now, ANSWERED) };
        let booked = (taken > 0).then_some(Booked { slot, count: taken });
        let closed_until = (taken < count).then_some(later(now, RESUMES));
        Reservation { booked: booked.into_iter().collect(), closed_until, key_refused: false }
    }

    fn try_out(&mut self, count: u32, now: Timestamp) -> Reservation {
        if self.start > now {
            let closed_until = Some(later(self.start, GUARD));
            return Reservation { booked: Vec::new(), closed_until, key_refused: false };
        }
        self.catch_up(now);
        let mut again = if now < later(self.start, ANSWERED) {
            later(now, SHORTEST)
        } else {
            later(self.start, self.allowance.period)
        };
        if let Learning::Seen(reset) = self.learning {
            if now < reset {
                again = later(reset, GUARD);
            } else if self.start < reset {
                (self.start, self.booked) = (now, 0);
            }
        }
        let room = TRIAL.min(self.allowance.requests).saturating_sub(self.booked);
        let taken = count.min(room);
        self.booked += taken;
        let slot = Slot { from: now, until: later(now, SHORTEST) };
        let booked = (taken > 0).then_some(Booked { slot, count: taken });
        let closed_until = (taken < count).then_some(again);
        Reservation { booked: booked.into_iter().collect(), closed_until, key_refused: false }
    }

    fn fill(&mut self, count: u32, now: Timestamp) -> Vec<Booked> {
        self.catch_up(now);
        let mut booked = Vec::new();
        let mut left = count;
        while left > 0 {
            if self.booked >= self.allowance.requests {
                self.start = later(self.start, self.allowance.period);
                self.booked = 0;
            }
            let taken = left.min(self.allowance.requests - self.booked);
            self.booked += taken;
            left -= taken;
            booked.push(Booked { slot: self.slot(now), count: taken });
        }
        booked
    }

    /// Moves to the window that contains `now`, unless there are bookings in the future already.
    fn catch_up(&mut self, now: Timestamp) {
        let period = self.allowance.period;
        let elapsed = between(self.start, now);
        if elapsed >= period {
            let whole = elapsed.as_nanos() / period.as_nanos();
            let whole = u32::try_from(whole).unwrap_or(u32::MAX);
            self.start = later(self.start, period.saturating_mul(whole));
            self.booked = 0;
        }
    }

    fn slot(&self, now: Timestamp) -> Slot {
        let opens = if self.start > now { later(self.start, GUARD) } else { now };
        Slot { from: opens, until: later(self.start, self.allowance.period) }
    }

    /// Corrects the counters by what Braze said. Returns `true` if anything changed that has to be stored.
    pub fn correct(&mut self, observed: Observed, now: Timestamp) -> bool {
        let before = self.clone();
        self.mind_the_clock(now);
        match observed {
            Observed::KeyRefused => self.probe_at = Some(later(now, PROBE_INTERVAL)),
            Observed::Throttled { until } => self.rest_until(until, now),
            Observed::Answered { limit, remaining, resets_at } => {
                self.probe_at = None;
                self.learn(limit, remaining, resets_at, now);
            }
        }
        *self != before
    }

    /// Adopts Braze's own window. Its limit and count are believed only if its window is as long as ours, or may be: some contracts
    /// report an hourly one.
    fn learn(
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
            self.allowance.requests = limit;
        }
        if resets_at <= now {
            // The window has ended, so its usage no longer matters.
            return;
        }
        self.catch_up(now);
        self.allowance.requests = limit;
        if self.start <= now {
            self.start = earlier(resets_at, self.allowance.period);
            let used = limit.saturating_sub(remaining);
            self.booked = if resumed { used } else { self.booked.max(used) };
        }
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
    fn rest_until(&mut self, until: Timestamp, now: Timestamp) {
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

/// Whether a moment is ahead of another by more than `by`.
fn is_ahead(moment: Timestamp, of: Timestamp, by: Duration) -> bool {
    between(of, moment) > by
}

#[cfg(test)]
#[path = "reservation_tests.rs"]
mod tests;
