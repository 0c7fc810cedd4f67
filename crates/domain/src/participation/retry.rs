//! Ending a wait after failures, when somebody on call says that it is worth while.

use super::Participation;
use crate::Timestamp;

impl Participation {
    /// Whether it waits after a failure. What waits for a write to settle does not: it is looked into no earlier, whoever asks.
    #[must_use]
    pub fn backs_off(&self, now: Timestamp) -> bool {
        self.failures > 0 && !self.state.has_open_attempt() && self.due_at.is_some_and(|due| due > now)
    }

    /// Ends its wait after failures, if it has one: it is due now, and its failures are forgotten. Whether it had one.
    pub fn retries_now(&mut self, now: Timestamp) -> bool {
        let backs_off = self.backs_off(now);
        if backs_off {
            (self.due_at, self.failures, self.updated_at) = (Some(now), 0, now);
        }
        backs_off
    }
}
