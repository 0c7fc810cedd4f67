//! A participation's timeline, and what holds it up.

use super::Participation;
use super::cause::{Cause, HeldUp};
use super::timeline::{self, Timeline};
use crate::Timestamp;

impl Participation {
    /// What happened to it since it was accepted.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.0.timeline
    }

    /// It must wait before a request to Braze can be sent. If a request failed before, that remains the reason.
    pub fn held_up(&mut self, cause: Cause, now: Timestamp) {
        let earlier = self.0.held_up;
        let cause = match earlier {
            Some(earlier) if cause == Cause::NoSlot => earlier.cause,
            Some(_) | None => cause,
        };
        self.0.held_up = Some(HeldUp { cause, since: earlier.map_or(now, |earlier| earlier.since) });
        let ended = timeline::since(self.0.accepted_at, now);
        self.0.timeline.failed(cause, ended);
    }

    /// Whether it differs from an earlier reading of itself in anything but its timeline and the reason why it waits. Those alone are
    /// not worth a write.
    #[must_use]
    pub fn has_changed_since(&self, earlier: &Self) -> bool {
        let (timeline, held_up) = (&earlier.0.timeline, earlier.0.held_up);
        if self.0.timeline == *timeline && self.0.held_up == held_up {
            return self != earlier;
        }
        let mut now = self.0.clone();
        (now.timeline, now.held_up) = (timeline.clone(), held_up);
        now != earlier.0
    }
}
