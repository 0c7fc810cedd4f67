//! What answers have said of a lane, and what follows for the next request.

use std::time::Duration;

use domain::Timestamp;
use domain::reservation::{Observed, PROBE_INTERVAL, Slot};
use domain::time::{between, later};

use crate::clock_watch::is_of_the_future;

/// So many are sent before the first answer of all has said how many are left.
pub(super) const BLIND: u32 = 16;

/// For so long after an answer the booked slots are believed: a window's requests are sent without waiting for its first answer.
const BELIEVED: Duration = Duration::from_secs(600);

/// Ends of a window that are told in seconds left differ by less.
const SAME_WINDOW: Duration = Duration::from_secs(1);

/// After others were met in the workspace, a window's first request goes alone, for so long.
const WARY: Duration = Duration::from_secs(600);

/// Windows that are shorter cannot be left to a first request for long. So many in a row have to be used up before their time until we
/// believe that somebody else is in the workspace: a request that was late for one window is missing in the next.
const SHORT: Duration = Duration::from_secs(5);
const SHORT_USED_UP: u32 = 3;

/// After so many requests in a row that were not answered the others are not sent after them, for so long: each would be waited for.
pub(super) const MOST_UNANSWERED: u32 = 8;
const DOWN: Duration = Duration::from_secs(5);

/// Requests under way, and what the answers said.
#[derive(Default)]
pub(super) struct BreakerState {
    /// When it was asked last: earlier than that, the clock has been set back.
    seen: Option<Timestamp>,
    under_way: u32,
    /// Braze asked to be left alone, until then. What other answers say of their window does not shorten it.
    rests_until: Option<Timestamp>,
    /// Requests left, as Braze said last, in the window that ends then.
    left: Option<(u32, Timestamp)>,
    /// The key is refused: nothing before then, and after that one request at a time until one is answered.
    refused_until: Option<Timestamp>,
    wary_until: Option<Timestamp>,
    /// When the last answer named the requests left.
    told_at: Option<Timestamp>,
    /// Windows in a row that were used up before their time, and the end of the last.
    used_up: Option<(u32, Timestamp)>,
    /// Requests in a row that were not answered at all.
    unanswered: u32,
    down_until: Option<Timestamp>,
}

/// Nothing more is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// The key is refused: every other request would only draw the same answer.
    Refused,
    /// Nothing is left of this window.
    UsedUp {
        /// When the next one begins.
        until: Timestamp,
    },
    /// The slot's own window has gone by.
    Missed,
    /// Braze answers nobody.
    Down,
}

/// Whether a request may be sent.
pub(super) enum Admit {
    Now,
    OnceAnswered,
    Never(Rejection),
}

impl BreakerState {
    /// Until when Braze asked to be left alone, where it did.
    pub(super) fn rests_until(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.mind_the_clock(now);
        self.rests_until.filter(|until| now < *until)
    }

    /// A request was answered, and the answer says this of the limit.
    pub(super) fn answered(&mut self, said: Option<Observed>, now: Timestamp) {
        self.unanswered = 0;
        self.hear(said, now);
    }

    /// A request was not answered.
    pub(super) fn unanswered(&mut self, now: Timestamp) {
        self.unanswered += 1;
        if self.unanswered >= MOST_UNANSWERED {
            self.down_until = Some(later(now, DOWN));
        }
    }

    /// A request is not under way any more.
    pub(super) fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Whatever held requests up after failures is over.
    pub(super) fn open(&mut self, now: Timestamp) {
        self.down_until = None;
        self.unanswered = 0;
        self.refused_until = self.refused_until.map(|until| until.min(now));
    }

    /// Until when something is shut says nothing once the clock has been set back.
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

    /// A window of this length is used up although slots of it are left.
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

    /// Answers overtake each other: within a window, less is later.
    fn least(&self, left: u32, resets_at: Timestamp) -> u32 {
        let same_window = |of: Timestamp| of.duration_since(resets_at).unsigned_abs() < SAME_WINDOW;
        self.left.filter(|(_, of)| same_window(*of)).map_or(left, |(known, _)| known.min(left))
    }
}
