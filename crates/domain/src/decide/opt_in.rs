//! The wait for a consumer who was asked to confirm, by whatever way.

use std::time::Duration;

use crate::Timestamp;
use crate::brand::{Activation, OptIn, PollStage};
use crate::participation::{EnrollState, Open, Participation, SmsState, State};
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

/// Whether the consumer was asked to confirm, and Braze is asked at most once a minute whether they have.
#[must_use]
pub fn is_polled_by_the_minute(
    participation: &Participation,
    activation: &Activation,
    now: Timestamp,
) -> bool {
    let (since, poll) = match participation.state() {
        State::Open(Open::Sms(SmsState::AwaitingOptIn { since, .. })) => {
            let Some(OptIn::Double { poll, .. }) = activation.sms.as_ref().map(|sms| &sms.opt_in) else {
                return false;
            };
            (since, poll)
        }
        State::Open(Open::Enroll(EnrollState::AwaitingOptIn { since, .. })) => {
            let opt_in = activation.email.as_ref().and_then(|email| email.opt_in.as_ref());
            let Some(opt_in) = opt_in else { return false };
            (since, &opt_in.poll)
        }
        State::Open(_) | State::Ended(_) => return false,
    };
    interval(poll, between(*since, now)) >= MINUTE
}

/// The interval of the stage that contains a moment, or of the last one.
fn interval(stages: &[PollStage], elapsed: Duration) -> Duration {
    let mut ends = Duration::ZERO;
    let stage = stages.iter().find(|stage| {
        ends = stage.lasts.map_or(Duration::MAX, |lasts| ends.saturating_add(lasts));
        elapsed < ends
    });
    stage.or(stages.last()).map_or(MINUTE, |stage| stage.every)
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
