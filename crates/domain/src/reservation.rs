//! Request slots, booked in advance in the windows that Braze counts in.
//!
//! Braze counts requests in fixed windows that reset at a moment it names (`x-ratelimit-reset`). Booking in the same windows uses every
//! slot and overruns none. A rate that is spread evenly (GCRA) fails at one or the other, since its burst and its refill are in the same
//! window of Braze's.

mod backlog;
mod booking;
mod cursor;
mod hour;
mod learn;
mod leftover;
mod limit;
mod spare;
mod upper_bound;

pub use booking::{BacklogEnd, Booked, Reservation, Resuming, Slot, WantedSlots, WindowsRecord};
pub use hour::HourCount;
pub use limit::{Allowance, Contract, Learning, Observed};
pub use spare::SpareSlots;

use cursor::Cursor;
use hour::{HOUR, aligned};

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

/// The clocks of machines that share the counters differ by less than this. Counters from further in the future were written before the
/// clock was set back.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);

/// How long after taking over counters and sending one request the others are asked for again: its answer says how many are left.
const RESUMES: Duration = Duration::from_millis(500);

/// The request counters of one brand and endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    contract: Contract,
    /// What is in effect: the contract's limit, or what Braze's headers say.
    allowance: Allowance,
    /// How many requests a window allows by Braze's headers.
    named: Option<u32>,
    /// The start of the last window with bookings, which may be in the future.
    start: Timestamp,
    booked: u32,
    /// The hour that is counted beside the window.
    hour: Option<HourCount>,
    /// The end of a wait that Braze asked for.
    opens: Option<Timestamp>,
    backlog: Option<BacklogEnd>,
    /// When one request may try the key, while Braze refuses it.
    probe_at: Option<Timestamp>,
    learning: Learning,
    /// When something was last booked.
    touched: Option<Timestamp>,
    /// Set while it is unknown how many booked slots were used, because the process that booked them is gone or the clock was set back.
    resuming: Option<Resuming>,
}

impl Windows {
    /// Makes empty counters. An hourly window starts on the hour, and windows beside an hour at whole multiples of their length. Others
    /// start with the first request, until Braze says otherwise.
    #[must_use]
    pub fn new(contract: impl Into<Contract>, now: Timestamp) -> Self {
        let contract = contract.into();
        let Contract { allowance, is_upper_bound, .. } = contract;
        let is_learned = allowance.by_contract || is_upper_bound;
        let is_aligned = allowance.period == HOUR || is_upper_bound;
        Self {
            contract,
            allowance,
            named: None,
            start: if is_aligned { aligned(now, allowance.period) } else { now },
            booked: 0,
            hour: is_upper_bound.then(|| HourCount::around(now)),
            opens: None,
            backlog: None,
            probe_at: None,
            learning: if is_learned { Learning::Begun } else { Learning::Done },
            touched: Some(now),
            resuming: None,
        }
    }

    /// Restores stored counters. Unless they go by another contract ([`Windows::go_by`]), their limit stays.
    #[must_use]
    pub fn restore(kept: WindowsRecord) -> Self {
        let WindowsRecord { requests, period, by_contract, .. } = kept;
        let allowance = Allowance { requests, period, by_contract };
        Self {
            contract: allowance.into(),
            allowance,
            named: kept.named,
            start: kept.start,
            booked: kept.booked,
            hour: kept.hour,
            opens: kept.opens,
            backlog: kept.backlog,
            probe_at: kept.probe_at,
            learning: kept.learning,
            touched: kept.touched,
            resuming: kept.resuming,
        }
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
            named: self.named,
            hour: self.hour,
            opens: self.opens,
            backlog: self.backlog,
        }
    }

    /// Goes by this contract from now on: the brand file may have changed since the counters were stored.
    pub fn go_by(&mut self, contract: impl Into<Contract>, now: Timestamp) {
        let contract = contract.into();
        let Allowance { period, by_contract, .. } = contract.allowance;
        // The length of a window that is learned is not in the brand file.
        let period = if by_contract { self.allowance.period } else { period };
        self.contract = contract;
        let before = self.allowance;
        self.allowance = Allowance { requests: self.requests_in_effect(), period, by_contract };
        self.backlog = self.backlog.filter(|_| self.allowance == before);
        if contract.is_upper_bound && self.hour.is_none() {
            // Earlier versions counted no hour, and windows from the first request on.
            self.hour = Some(HourCount::around(now));
            self.start = aligned(self.start, period);
        }
    }

    /// How many requests a window allows. Braze's headers count, unless the contract is an upper bound.
    fn requests_in_effect(&self) -> u32 {
        let contract = self.contract.allowance.requests;
        match self.named {
            Some(named) if self.contract.is_upper_bound => named.min(contract),
            Some(named) => named,
            None => contract,
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
            (self.opens, self.backlog) = (None, None);
        }
        if let Some(hour) = &mut self.hour
            && is_ahead(hour.ends, now, HOUR.saturating_add(CLOCKS_DIFFER))
        {
            hour.ends = HourCount::around(now).ends;
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

    /// Books `count` requests, each in the earliest window with room, as far ahead as the contract's patience. While the key is refused,
    /// only one request a minute is booked, to try it. While the limit is being learned, nothing is booked in advance.
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
            None if self.resuming.is_some() && self.may_resume(now) => self.resume(count, now),
            None if self.learning != Learning::Done && self.contract.is_upper_bound => {
                self.try_at_first(count, now)
            }
            None if self.learning != Learning::Done => self.try_out(count, now),
            None if self.contract.leftover => self.fill_leftover(count, now),
            None => self.fill(count, now),
            Some(at) if now < at => Reservation::closed(at, true),
            Some(_) => self.probe(count, now),
        }
    }

    /// Books one request, which tries the key.
    fn probe(&mut self, count: u32, now: Timestamp) -> Reservation {
        let booked = self.fill_near(count.min(1), now);
        let has_room = !booked.is_empty() || count == 0;
        let next = if has_room { later(now, PROBE_INTERVAL) } else { self.next_free(now) };
        self.probe_at = Some(next);
        Reservation { booked, ..Reservation::closed(next, true) }
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
        Reservation { booked: booked.into_iter().collect(), closed_until, ..Reservation::default() }
    }

    fn try_out(&mut self, count: u32, now: Timestamp) -> Reservation {
        if self.start > now {
            return Reservation::closed(later(self.start, GUARD), false);
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
        Reservation { booked: booked.into_iter().collect(), closed_until, ..Reservation::default() }
    }

    /// Books requests. Those for which there is no room join the backlog: they ask again later.
    fn fill(&mut self, count: u32, now: Timestamp) -> Reservation {
        let booked = self.fill_near(count, now);
        let left = count - total(&booked);
        let later = if left > 0 { self.join_backlog(left, now) } else { Vec::new() };
        Reservation { booked, later, ..Reservation::default() }
    }

    /// Books requests window by window, as far ahead as the contract's patience and not beyond the end of the hour.
    fn fill_near(&mut self, count: u32, now: Timestamp) -> Vec<Booked> {
        self.catch_up(now);
        let mut booked = Vec::new();
        let mut left = count;
        while left > 0 {
            let mut cursor = self.cursor();
            let taken = cursor.take(left, now);
            let is_near =
                self.contract.patience.is_none_or(|patience| taken.slot.from <= later(now, patience));
            if !is_near || self.hour.map(|hour| hour.ends) != cursor.hour.map(|hour| hour.ends) {
                break;
            }
            (self.start, self.booked, self.hour) = (cursor.start, cursor.booked, cursor.hour);
            left -= taken.count;
            booked.push(taken);
        }
        booked
    }

    /// When the next request may be sent that is not booked yet.
    fn next_free(&self, now: Timestamp) -> Timestamp {
        self.cursor().take(1, now).slot.from
    }

    fn cursor(&self) -> Cursor {
        let is_tried = self.contract.is_upper_bound && self.learning != Learning::Done;
        Cursor {
            requests: self.allowance.requests.clamp(1, if is_tried { TRIAL } else { u32::MAX }),
            period: self.allowance.period,
            per_hour: self.contract.per_hour,
            start: self.start,
            booked: self.booked,
            hour: self.hour,
            opens: self.opens,
        }
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
        if let Some(hour) = &mut self.hour {
            hour.catch_up(now);
        }
        self.opens = self.opens.filter(|opens| now < *opens);
    }

    /// Corrects the counters by what Braze said. Returns `true` if anything changed that has to be stored.
    pub fn correct(&mut self, observed: Observed, now: Timestamp) -> bool {
        let before = self.clone();
        self.mind_the_clock(now);
        match observed {
            Observed::KeyRefused => self.probe_at = Some(later(now, PROBE_INTERVAL)),
            Observed::Throttled { until } if self.contract.is_upper_bound => self.close_until(until, now),
            Observed::Throttled { until } => self.rest_until(until, now),
            Observed::Answered { limit, remaining, resets_at } => {
                self.probe_at = None;
                if self.contract.is_upper_bound {
                    self.lower(limit, remaining, resets_at, now);
                } else {
                    self.learn(limit, remaining, resets_at, now);
                }
            }
        }
        *self != before
    }
}

fn total(booked: &[Booked]) -> u32 {
    booked.iter().map(|booked| booked.count).sum()
}

/// Whether a moment is ahead of another by more than `by`.
fn is_ahead(moment: Timestamp, of: Timestamp, by: Duration) -> bool {
    between(of, moment) > by
}

#[cfg(test)]
#[path = "reservation_tests.rs"]
mod tests;
