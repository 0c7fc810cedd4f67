//! Changes that keep the state of a participation: waits, failures, request slots, saves.

use super::{Cause, Code, EnrollState, Open, Participation, SmsState, State};
use crate::Timestamp;
use crate::award::Participant;
use crate::reservation::Slot;

impl Participation {
    /// Puts it off until `until`.
    pub fn put_off(&mut self, until: Timestamp, now: Timestamp) {
        self.0.due_at = Some(until);
        self.0.updated_at = now;
    }

    /// Sets the request slot that it holds, or clears it.
    pub fn holds(&mut self, slot: Option<Slot>) {
        self.0.slot = slot;
    }

    /// Records whether Braze has a profile under the alias that we would create.
    pub fn learns_of_alias(&mut self, exists: bool) {
        self.0.no_such_alias = !exists;
    }

    /// Records who the consumer is, as far as it was not known.
    pub fn learns_who(&mut self, who: Participant) {
        let known = &mut self.0.who;
        known.profile = who.profile.or(known.profile);
        known.address = who.address.or(known.address);
    }

    /// Braze gave a useful answer, so the count of failures begins anew, and nothing holds it up.
    pub fn answered(&mut self, now: Timestamp) {
        self.0.failures = 0;
        self.0.held_up = None;
        self.is_answered(now);
    }

    /// Braze gave no useful answer.
    pub fn failed(&mut self, cause: Cause, now: Timestamp) {
        self.0.failures = self.0.failures.saturating_add(1);
        self.held_up(cause, now);
    }

    /// Records that it was saved.
    pub fn saved(&mut self) {
        self.0.version += 1;
    }

    /// Makes it due now, if it waits until Braze says that the consumer is subscribed. Returns whether it does.
    pub fn hears_of_subscription(&mut self, now: Timestamp) -> bool {
        let waits = matches!(
            self.0.state,
            State::Open(
                Open::Sms(SmsState::AwaitingOptIn { .. } | SmsState::AwaitingSubscription { .. })
                    | Open::Enroll(EnrollState::AwaitingOptIn { .. })
            )
        );
        if waits && self.0.due_at.is_none_or(|due| due > now) {
            self.happens(Code::Heard, now);
            self.put_off(now, now);
        }
        waits
    }

    /// Records that its terms are not configured, and returns since when this is known.
    pub fn lacks_terms(&mut self, now: Timestamp) -> Timestamp {
        if self.0.without_terms_since.is_none() {
            self.happens(Code::WithoutTerms, now);
        }
        *self.0.without_terms_since.get_or_insert(now)
    }

    /// Records that its terms are configured, perhaps again.
    pub fn has_terms(&mut self) {
        self.0.without_terms_since = None;
    }

    /// Whether it waits after a failure. A participation that waits for Braze to apply a write does not: it
    /// must not be processed earlier.
    #[must_use]
    pub fn backs_off(&self, now: Timestamp) -> bool {
        self.0.failures > 0 && !self.0.state.has_open_attempt() && self.0.due_at.is_some_and(|due| due > now)
    }

    /// Ends its wait after failures, if it has one: it is due now, and its failures are forgotten. Returns
    /// whether it had one.
    pub fn retries_now(&mut self, now: Timestamp) -> bool {
        let backs_off = self.backs_off(now);
        if backs_off {
            self.0.failures = 0;
            self.happens(Code::TriedNow, now);
            self.put_off(now, now);
        }
        backs_off
    }
}
