//! What changes while a participation stays in its state: waits, failures, request slots, saves.

use super::Participation;
use crate::Timestamp;
use crate::reservation::Slot;

impl Participation {
    /// Leaves it as it is until `until`.
    pub fn put_off(&mut self, until: Timestamp, now: Timestamp) {
        self.0.due_at = Some(until);
        self.0.updated_at = now;
    }

    /// Books a request slot for it, or lets go of the one it has.
    pub fn holds(&mut self, slot: Option<Slot>) {
        self.0.slot = slot;
    }

    /// Braze was asked for the alias that we would create, and has a profile under it or not.
    pub fn learns_of_alias(&mut self, exists: bool) {
        self.0.no_such_alias = !exists;
    }

    /// Braze answered usefully: the count of failures begins anew.
    pub fn answered(&mut self) {
        self.0.failures = 0;
    }

    /// Braze did not answer usefully.
    pub fn failed(&mut self) {
        self.0.failures = self.0.failures.saturating_add(1);
    }

    /// It was saved, and can be saved again.
    pub fn saved(&mut self) {
        self.0.version += 1;
    }

    /// Its terms are not configured any more. Since when that is known.
    pub fn lacks_terms(&mut self, now: Timestamp) -> Timestamp {
        *self.0.without_terms_since.get_or_insert(now)
    }

    /// Its terms are configured, perhaps again.
    pub fn has_terms(&mut self) {
        self.0.without_terms_since = None;
    }

    /// Whether it waits after a failure. What waits for a write to settle does not: it is looked into no earlier, whoever asks.
    #[must_use]
    pub fn backs_off(&self, now: Timestamp) -> bool {
        self.0.failures > 0 && !self.0.state.has_open_attempt() && self.0.due_at.is_some_and(|due| due > now)
    }

    /// Ends its wait after failures, if it has one: it is due now, and its failures are forgotten. Whether it had one.
    pub fn retries_now(&mut self, now: Timestamp) -> bool {
        let backs_off = self.backs_off(now);
        if backs_off {
            self.0.failures = 0;
            self.put_off(now, now);
        }
        backs_off
    }
}
