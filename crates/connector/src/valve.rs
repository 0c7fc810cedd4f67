//! Lets a lane's requests through as long as Braze says that some are left. Slots say how many may be sent if nobody else is in the
//! workspace; where somebody is, the answers tell, and the rest waits for the next window instead of drawing 429s. What has a slot
//! already is held up here, too, once a key is refused.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use domain::reservation::{Observed, PROBE_INTERVAL, Slot};
use domain::time::{between, later};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::clock_watch::is_of_the_future;

/// Requests of a lane under way at once, whatever they are part of: enough to fill 40 a second, or 2,500 a minute, with answers that take
/// a second.
const AT_ONCE: usize = 64;

/// So many are sent before the first answer of all has said how many are left.
const BLIND: u32 = 16;

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
const MOST_UNANSWERED: u32 = 8;
const DOWN: Duration = Duration::from_secs(5);

/// Requests of one lane under way, and what the answers said.
pub(crate) struct Valve {
    /// First come, first served.
    room: Semaphore,
    state: Mutex<State>,
    answered: Notify,
}

impl Default for Valve {
    fn default() -> Self {
        Self { room: Semaphore::new(AT_ONCE), state: Mutex::default(), answered: Notify::new() }
    }
}

#[derive(Default)]
struct State {
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
pub(crate) enum Shut {
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

enum Entry {
    Now,
    OnceAnswered,
    Never(Shut),
}

/// A request under way.
pub(crate) struct Passage<'a> {
    valve: &'a Valve,
    /// Its part of the room.
    _room: Option<SemaphorePermit<'a>>,
}

impl Valve {
    /// Returns once a request may be sent.
    ///
    /// # Errors
    /// [`Shut`] when it may not.
    pub(crate) async fn enter(&self, slot: Slot, now: impl Fn() -> Timestamp) -> Result<Passage<'_>, Shut> {
        // The room is never closed.
        let mut room = self.room.acquire().await.ok();
        loop {
            let answered = self.answered.notified();
            let entry = self.lock().enter(slot, now());
            match entry {
                Entry::Now => return Ok(Passage { valve: self, _room: room.take() }),
                Entry::Never(shut) => return Err(shut),
                Entry::OnceAnswered => answered.await,
            }
        }
    }

    /// Until when Braze asked to be left alone, where it did.
    pub(crate) fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        let mut state = self.lock();
        state.mind_the_clock(now);
        state.rests_until.filter(|until| now < *until)
    }

    /// Takes note of what an answer says of the limit.
    pub(crate) fn hear(&self, said: Option<Observed>, now: Timestamp) {
        self.lock().hear(said, now);
    }

    /// Whatever held requests up after failures is over: somebody says so. A key that was refused is still tried by one request first.
    pub(crate) fn open(&self, now: Timestamp) {
        let mut state = self.lock();
        state.down_until = None;
        state.unanswered = 0;
        state.refused_until = state.refused_until.map(|until| until.min(now));
        drop(state);
        self.answered.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage<'_> {
    /// Takes note of what the answer says of the limit.
    pub(crate) fn answered(self, said: Option<Observed>, now: Timestamp) {
        let mut state = self.valve.lock();
        state.unanswered = 0;
        state.hear(said, now);
    }

    /// Takes note that there is none.
    pub(crate) fn unanswered(self, now: Timestamp) {
        let mut state = self.valve.lock();
        state.unanswered += 1;
        if state.unanswered >= MOST_UNANSWERED {
            state.down_until = Some(later(now, DOWN));
        }
    }
}

/// However the request ended, it is not under way any more.
impl Drop for Passage<'_> {
    fn drop(&mut self) {
        let mut state = self.valve.lock();
        state.under_way = state.under_way.saturating_sub(1);
        drop(state);
        self.valve.answered.notify_waiters();
    }
}

impl State {
    /// Until when something is shut says nothing once the clock has been set back.
    fn mind_the_clock(&mut self, now: Timestamp) {
        if self.seen.is_some_and(|seen| is_of_the_future(seen, now)) {
            *self = Self { under_way: self.under_way, unanswered: self.unanswered, ..Self::default() };
        }
        self.seen = Some(now);
    }

    fn enter(&mut self, slot: Slot, now: Timestamp) -> Entry {
        self.mind_the_clock(now);
        if self.refused_until.is_some_and(|until| now < until) {
            return Entry::Never(Shut::Refused);
        }
        if self.down_until.is_some_and(|until| now < until) {
            return Entry::Never(Shut::Down);
        }
        if let Some(until) = self.rests_until.filter(|until| now < *until) {
            return Entry::Never(Shut::UsedUp { until });
        }
        let most = match self.left {
            Some((left, resets_at)) if now < resets_at => {
                if left == 0 && self.under_way == 0 {
                    self.meet_others(between(slot.from, slot.until), resets_at);
                    return Entry::Never(Shut::UsedUp { until: resets_at });
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
            Entry::Now
        } else {
            Entry::OnceAnswered
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

    fn hear(&mut self, said: Option<Observed>, now: Timestamp) {
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

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn left(remaining: u32) -> Option<Observed> {
        Some(Observed::Answered { limit: Some(250), remaining: Some(remaining), resets_at: Some(at(60)) })
    }

    /// A slot of the minute's window.
    fn slot() -> Slot {
        Slot { from: at(0), until: at(60) }
    }

    fn enter(valve: &Valve, second: i64) -> Option<Result<Passage<'_>, Shut>> {
        valve.enter(slot(), || at(second)).now_or_never()
    }

    /// The request that may be sent now.
    fn enters(valve: &Valve, second: i64) -> Passage<'_> {
        enter(valve, second).expect("it need not wait").expect("nor is it held up")
    }

    fn shut(valve: &Valve, second: i64) -> Option<Shut> {
        enter(valve, second).and_then(Result::err)
    }

    #[test]
    fn as_many_are_under_way_as_are_left() {
        let valve = Valve::default();
        enters(&valve, 0).answered(left(2), at(0));
        let (first, _second) = (enters(&valve, 1), enters(&valve, 1));
        assert!(enter(&valve, 1).is_none(), "the third waits for an answer");
        first.answered(left(1), at(1));
        assert!(enter(&valve, 1).is_none(), "the one that is left may be the one under way");
    }

    #[test]
    fn few_are_sent_before_the_first_answer() {
        let valve = Valve::default();
        let mut under_way: Vec<Passage<'_>> = (0..BLIND).map(|_| enters(&valve, 0)).collect();
        assert!(enter(&valve, 0).is_none());
        under_way.pop().unwrap().answered(left(100), at(0));
        assert!(enter(&valve, 0).is_some(), "a hundred are left");
    }

    #[test]
    fn once_an_answer_has_shown_what_is_left_the_next_window_is_used_at_once() {
        let valve = Valve::default();
        enters(&valve, 0).answered(left(100), at(0));
        let under_way: Vec<Passage<'_>> = (0..AT_ONCE).map(|_| enters(&valve, 61)).collect();
        assert!(enter(&valve, 61).is_none(), "{} are under way", under_way.len());
    }

    #[test]
    fn only_so_many_are_under_way_and_first_come_is_first_served() {
        let valve = Valve::default();
        enters(&valve, 0).answered(left(1_000), at(0));
        let mut under_way: Vec<Passage<'_>> = (0..AT_ONCE).map(|_| enters(&valve, 1)).collect();
        let (mut first, mut second) =
            (Box::pin(valve.enter(slot(), || at(1))), Box::pin(valve.enter(slot(), || at(1))));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        under_way.pop();
        assert!((&mut second).now_or_never().is_none() && (&mut first).now_or_never().is_some());
    }

    #[test]
    fn one_short_window_that_is_used_up_early_is_no_stranger_and_three_in_a_row_are() {
        let valve = Valve::default();
        let nothing_left =
            |end| Some(Observed::Answered { limit: Some(40), remaining: Some(0), resets_at: Some(at(end)) });
        for (window, alone) in [(0, false), (5, false), (6, false), (7, true)] {
            let short = Slot { from: at(window), until: at(window + 1) };
            let enter = |second| valve.enter(short, move || at(second)).now_or_never();
            enter(window).unwrap().unwrap().answered(nothing_left(window + 1), at(window));
            assert!(matches!(enter(window), Some(Err(Shut::UsedUp { .. }))));
            let first = enter(window + 1);
            assert_eq!(enter(window + 1).is_none(), alone, "after window {window}");
            drop(first);
        }
    }

    #[test]
    fn when_nothing_is_left_the_rest_waits_for_the_next_window_and_begins_it_with_one() {
        let valve = Valve::default();
        enters(&valve, 0).answered(left(0), at(0));
        assert_eq!(shut(&valve, 1), Some(Shut::UsedUp { until: at(60) }));
        let first = enters(&valve, 60);
        assert!(enter(&valve, 60).is_none(), "somebody else is in the workspace");
        drop(first);
        assert!(enter(&valve, 60).is_some());
    }

    #[test]
    fn a_clock_that_is_set_back_opens_what_was_shut() {
        for said in [left(0), Some(Observed::KeyRefused), Some(Observed::Throttled { until: at(3_000) })] {
            let valve = Valve::default();
            enters(&valve, 0).answered(said, at(0));
            assert!(shut(&valve, 1).is_some() && shut(&valve, -2).is_some());
            assert_eq!(shut(&valve, -60), None, "{said:?}");
        }
    }

    #[test]
    fn an_answer_that_comes_late_does_not_shorten_the_wait_that_braze_asked_for() {
        let valve = Valve::default();
        let late = enters(&valve, 0);
        enters(&valve, 0).answered(Some(Observed::Throttled { until: at(90) }), at(0));
        late.answered(left(100), at(1));
        assert_eq!(shut(&valve, 70), Some(Shut::UsedUp { until: at(90) }));
        assert_eq!(shut(&valve, 90), None);
    }

    #[test]
    fn a_refused_key_is_tried_again_by_one_request_a_minute_later() {
        let valve = Valve::default();
        enters(&valve, 0).answered(Some(Observed::KeyRefused), at(0));
        assert_eq!(shut(&valve, 59), Some(Shut::Refused));
        let probe = enters(&valve, 60);
        assert!(enter(&valve, 60).is_none(), "it goes alone");
        probe.answered(left(249), at(60));
        assert!(enter(&valve, 60).is_some());
    }

    #[test]
    fn where_nobody_is_answered_the_others_are_not_sent_for_a_moment() {
        let valve = Valve::default();
        for _ in 0..MOST_UNANSWERED - 1 {
            enters(&valve, 0).unanswered(at(8));
        }
        enters(&valve, 0).answered(None, at(8));
        for _ in 0..MOST_UNANSWERED {
            assert_eq!(shut(&valve, 8), None, "somebody was answered in between");
            enters(&valve, 8).unanswered(at(16));
        }
        assert_eq!(shut(&valve, 16), Some(Shut::Down));
        assert_eq!(shut(&valve, 21), None);
    }

    #[test]
    fn a_valve_that_is_opened_lets_a_request_through_at_once() {
        let valve = Valve::default();
        for _ in 0..MOST_UNANSWERED {
            enters(&valve, 0).unanswered(at(0));
        }
        assert_eq!(shut(&valve, 1), Some(Shut::Down));
        valve.open(at(1));
        enters(&valve, 1).answered(Some(Observed::KeyRefused), at(1));
        assert_eq!(shut(&valve, 2), Some(Shut::Refused));
        valve.open(at(2));
        let _probe = enters(&valve, 2);
        assert!(enter(&valve, 2).is_none(), "a refused key is tried by one request");
    }

    #[test]
    fn a_request_that_is_never_answered_is_not_under_way_for_ever() {
        let valve = Valve::default();
        enters(&valve, 0).answered(left(1), at(0));
        drop(enters(&valve, 1));
        assert!(enter(&valve, 1).is_some());
    }
}
