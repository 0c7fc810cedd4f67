//! The wait for a consumer who was asked to confirm, by whatever way.

use std::time::Duration;

use crate::Timestamp;
use crate::brand::PollStage;
use crate::time::{between, later};

const MINUTE: Duration = Duration::from_secs(60);

/// How long the consumer has, and when Braze is asked meanwhile.
#[derive(Clone, Copy)]
pub(super) struct OptInWait<'a> {
    pub(super) window: Duration,
    pub(super) poll: &'a [PollStage],
}

impl OptInWait<'_> {
    /// When the wait begins: when the consumer was asked, unless it would already be over.
    pub(super) fn begins(self, asked_at: Timestamp, now: Timestamp) -> Timestamp {
        if between(asked_at, now) < self.window { asked_at } else { now }
    }

    /// Whether a wait that began at `since` is over.
    pub(super) fn is_over(self, since: Timestamp, now: Timestamp) -> bool {
        between(since, now) >= self.window
    }

    /// When to poll next, counted from the beginning: at the next whole interval of the stage, or at the end of the window.
    pub(super) fn next(self, elapsed: Duration) -> Duration {
        next_poll(self.poll, elapsed).min(self.window)
    }

    /// The moment of the next poll.
    pub(super) fn next_after(self, since: Timestamp, now: Timestamp) -> Timestamp {
        later(since, self.next(between(since, now)))
    }
}

/// The first multiple of the current interval after `elapsed`, all counted from the beginning.
fn next_poll(stages: &[PollStage], elapsed: Duration) -> Duration {
    let mut begins = Duration::ZERO;
    for stage in stages {
        let ends = stage.lasts.map_or(Duration::MAX, |lasts| begins.saturating_add(lasts));
        if elapsed < ends {
            let within = elapsed.saturating_sub(begins);
            let every = stage.every.as_millis().max(1);
            let looks = u32::try_from(within.as_millis() / every + 1).unwrap_or(u32::MAX);
            return begins.saturating_add(stage.every.saturating_mul(looks)).min(ends);
        }
        begins = ends;
    }
    let last = stages.last().map_or(MINUTE, |stage| stage.every);
    elapsed.saturating_add(last)
}
