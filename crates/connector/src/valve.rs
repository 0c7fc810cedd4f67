//! Lets requests of one group through as long as Braze says that some are left. Slots say how many may be sent if nobody else is in the
//! workspace; where somebody is, the answers tell, and the rest waits for the next window instead of drawing 429s.

use std::sync::{Mutex, PoisonError};

use domain::Timestamp;
use domain::reservation::Observed;
use tokio::sync::Notify;

/// Requests under way, and what the answers said.
#[derive(Default)]
pub(crate) struct Valve {
    state: Mutex<State>,
    answered: Notify,
}

#[derive(Default)]
struct State {
    under_way: u32,
    /// Requests left, as Braze said last, in the window that ends then.
    left: Option<(u32, Timestamp)>,
    shut: Option<Shut>,
}

/// Nothing more is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shut {
    /// Every other request would only draw the same answer.
    Refused,
    /// Nothing is left of this window.
    UsedUp {
        /// When the next one begins.
        until: Timestamp,
    },
}

enum Entry {
    Now,
    OnceAnswered,
    Never(Shut),
}

impl Valve {
    /// Returns once a request may be sent.
    ///
    /// # Errors
    /// [`Shut`] when it may not.
    pub(crate) async fn enter(&self, now: impl Fn() -> Timestamp) -> Result<(), Shut> {
        loop {
            let answered = self.answered.notified();
            let entry = self.lock().enter(now());
            match entry {
                Entry::Now => return Ok(()),
                Entry::Never(shut) => return Err(shut),
                Entry::OnceAnswered => answered.await,
            }
        }
    }

    /// Takes note of an answer; `said` is what it tells of the limit, `refused` whether the others would fare no better.
    pub(crate) fn leave(&self, said: Option<Observed>, refused: bool) {
        let mut state = self.lock();
        state.under_way = state.under_way.saturating_sub(1);
        if refused {
            state.shut = Some(Shut::Refused);
        }
        if let Some(Observed::Answered { remaining: Some(left), resets_at: Some(resets_at), .. }) = said {
            // Answers overtake each other: within a window, less is later.
            let known =
                state.left.filter(|(_, of)| *of == resets_at).map_or(left, |(known, _)| known.min(left));
            state.left = Some((known, resets_at));
        }
        drop(state);
        self.answered.notify_waiters();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, now: Timestamp) -> Entry {
        if let Some(shut) = self.shut {
            return Entry::Never(shut);
        }
        match self.left {
            Some((left, resets_at)) if now < resets_at && left <= self.under_way => {
                if self.under_way > 0 {
                    return Entry::OnceAnswered;
                }
                Entry::Never(Shut::UsedUp { until: resets_at })
            }
            Some(_) | None => {
                self.under_way += 1;
                Entry::Now
            }
        }
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

    fn enter(valve: &Valve, second: i64) -> Option<Result<(), Shut>> {
        valve.enter(|| at(second)).now_or_never()
    }

    #[test]
    fn as_many_are_under_way_as_are_left() {
        let valve = Valve::default();
        assert_eq!(enter(&valve, 0), Some(Ok(())));
        valve.leave(left(2), false);
        assert_eq!(
            [enter(&valve, 1), enter(&valve, 1), enter(&valve, 1)],
            [Some(Ok(())), Some(Ok(())), None]
        );
        valve.leave(left(2), false);
        assert_eq!(enter(&valve, 1), Some(Ok(())), "somebody else's window is larger than we thought");
    }

    #[test]
    fn when_nothing_is_left_the_rest_waits_for_the_next_window() {
        let valve = Valve::default();
        assert_eq!(enter(&valve, 0), Some(Ok(())));
        valve.leave(left(0), false);
        assert_eq!(enter(&valve, 1), Some(Err(Shut::UsedUp { until: at(60) })));
        assert_eq!(enter(&valve, 60), Some(Ok(())), "that is the next window");
    }

    #[test]
    fn a_refusal_is_for_all() {
        let valve = Valve::default();
        assert_eq!(enter(&valve, 0), Some(Ok(())));
        valve.leave(None, true);
        assert_eq!(enter(&valve, 100), Some(Err(Shut::Refused)));
    }
}
