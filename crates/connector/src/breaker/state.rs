//! What answers have said about a brand and endpoint, and what follows for the next request.

use std::time::Duration;

use domain::Timestamp;
use domain::participation::Cause;
use domain::reservation::{Observed, PROBE_INTERVAL, Slot};
use domain::time::{between, later};

use crate::clock_watch::is_of_the_future;

/// The most requests in flight before the first answer has said how many are left.
pub(super) const BLIND: u32 = 16;

/// How long after an answer the booked slots are trusted, so that a window's requests are sent without
/// waiting for its first answer.
const BELIEVED: Duration = Duration::from_secs(600);

/// Ends of one window that are given in whole seconds differ by less than this.
const SAME_WINDOW: Duration = Duration::from_secs(1);

/// How long a window's first request is sent alone after the answers showed that others use the workspace.
const WARY: Duration = Duration::from_secs(600);

/// A window shorter than this is too short to wait for its first request. This many such windows in a row
/// must be used up early until we believe that somebody else uses the workspace, since a request that came
/// late for one window is missing in the next.
const SHORT: Duration = Duration::from_secs(5);
const SHORT_USED_UP: u32 = 3;

/// After this many requests in a row without an answer, no others are sent for this long, since each would be
/// waited for.
pub(super) const MOST_UNANSWERED: u32 = 8;
const DOWN: Duration = Duration::from_secs(5);

/// The requests in flight, and what the answers said.
#[derive(Default)]
pub(super) struct BreakerState {
    /// The last time seen. A time before it means that the clock was set back.
    seen: Option<Timestamp>,
    under_way: u32,
    /// The end of the wait that Braze asked for. Other answers about the window do not shorten it.
    rests_until: Option<Timestamp>,
    /// How many requests are left in a window, as Braze last said, and when that window ends.
    left: Option<(u32, Timestamp)>,
    /// While the key is refused: no request is sent before this moment, and then one at a time until one is
    /// answered.
    refused_until: Option<Timestamp>,
    wary_until: Option<Timestamp>,
    /// When an answer last said how many requests are left.
    told_at: Option<Timestamp>,
    /// How many windows in a row were used up early, and the end of the last one.
    used_up: Option<(u32, Timestamp)>,
    /// How many requests in a row got no answer at all.
    unanswered: u32,
    down_until: Option<Timestamp>,
}

/// Why no request is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// The key is refused: every other request would draw the same answer.
    Refused,
    /// No requests are left in this window.
    UsedUp {
        /// When the next window begins.
        until: Timestamp,
    },
    /// The window of the slot has ended.
    Missed,
    /// Braze does not answer.
    Down,
}

impl Rejection {
    /// Why a participation waits whose request is not admitted.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Refused => Cause::KeyRefused,
            Self::UsedUp { .. } | Self::Missed => Cause::NoSlot,
            Self::Down => Cause::Unreachable,
        }
    }
}

/// Whether a request may be sent.
pub(super) enum Admit {
    Now,
    OnceAnswered,
    Never(Rejection),
}

impl BreakerState {
    /// The end of the wait that Braze asked for, if it did.
    pub(super) fn rests_until(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.mind_the_clock(now);
        self.rests_until.filter(|until| now < *until)
    }

    /// Records that a request was answered, and what the answer says about the limit.
    pub(super) fn answered(&mut self, said: Option<Observed>, now: Timestamp) {
        self.unanswered = 0;
        self.hear(said, now);
    }

    /// Records that a request was not answered.
    pub(super) fn unanswered(&mut self, now: Timestamp) {
        self.unanswered += 1;
        if self.unanswered >= MOST_UNANSWERED {
            self.down_until = Some(later(now, DOWN));
        }
    }

    /// Records that a request is no longer in flight.
    pub(super) fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Ends what holds requests back after failures.
    pub(super) fn open(&mut self, now: Timestamp) {
        self.down_until = None;
        self.unanswered = 0;
        self.refused_until = self.refused_until.map(|until| until.min(now));
    }

    /// Forgets all moments if the clock was set back, since they no longer mean anything.
    fn mind_the_clock(&mut self, now: Timestamp) {
        if self.seen.is_some_and(|seen| is_of_the_future(seen, now)) {
            *self = Self { under_way: self.under_way, unanswered: self.unanswered, ..Self::default() };
        }
        self.seen = Some(now);
    }

    pub(super) fn enter(&mut self, slot: Slot, now: Timestamp) -> Admit {
        self.mind_the_clock(now);
        if self.refused_until.is_some_and(|until| now < until) {
            return Admit::Never(Rejection::Refused);
        }
        if self.down_until.is_some_and(|until| now < until) {
            return Admit::Never(Rejection::Down);
        }
        if let Some(until) = self.rests_until.filter(|until| now < *until) {
            return Admit::Never(Rejection::UsedUp { until });
        }
        let most = match self.left {
            Some((left, resets_at)) if now < resets_at => {
                if left == 0 && self.under_way == 0 {
                    self.meet_others(between(slot.from, slot.until), resets_at);
                    return Admit::Never(Rejection::UsedUp { until: resets_at });
                }
                left
            }
            _ if self.wary_until.is_some_and(|until| now < until) => 1,
            _ if self.told_at.is_some_and(|at| now < later(at, BELIEVED)) => u32::MAX,
            Some(_) | None => BLIND,
        };
        let most = if self.refused_until.is_some() { most.min(1) } else { most };
        if self.under_way < most {
            self.under_way += 1;
            Admit::Now
        } else {
            Admit::OnceAnswered
        }
    }

    /// Records that a window of this length is used up although slots of it are left.
    fn meet_others(&mut self, length: Duration, resets_at: Timestamp) {
        let in_a_row = match self.used_up {
            Some((count, end)) if between(end, resets_at) < SAME_WINDOW => count,
            Some((count, end)) if between(end, resets_at) < SAME_WINDOW.saturating_mul(2) => count + 1,
            Some(_) | None => 1,
        };
        self.used_up = Some((in_a_row, resets_at));
        if length >= SHORT || in_a_row >= SHORT_USED_UP {
            self.wary_until = Some(later(resets_at, WARY));
        }
    }

    pub(super) fn hear(&mut self, said: Option<Observed>, now: Timestamp) {
        self.mind_the_clock(now);
        match said {
            Some(Observed::KeyRefused) => self.refused_until = Some(later(now, PROBE_INTERVAL)),
            Some(Observed::Throttled { until }) => {
                self.rests_until = self.rests_until.max(Some(until));
                self.left = Some((0, until));
                self.meet_others(between(now, until), until);
            }
            Some(Observed::Answered { remaining, resets_at, .. }) => {
                self.refused_until = None;
                if let (Some(left), Some(resets_at)) = (remaining, resets_at) {
                    self.told_at = Some(now);
                    self.left = Some((self.least(left, resets_at), resets_at));
                }
            }
            None => {}
        }
    }

    /// Answers can overtake each other; within a window, the smaller number is the later one.
    fn least(&self, left: u32, resets_at: Timestamp) -> u32 {
        let same_window = |of: Timestamp| of.duration_since(resets_at).unsigned_abs() < SAME_WINDOW;
        self.left.filter(|(_, of)| same_window(*of)).map_or(left, |(known, _)| known.min(left))
    }
}
