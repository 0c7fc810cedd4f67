//! E-mail double opt-in: the flow's event makes the brand ask the consumer, and the participation waits until Braze says that
//! the address is subscribed. The connector does not ask a consumer who is already subscribed.

use super::EnrollFlow;
use crate::Timestamp;
use crate::consent::EmailState;
use crate::decide::opt_in::OptInWait;
use crate::decide::{Question, Step, Subscription, answers, find};
use crate::participation::{EnrollState, EventProgress, Open, Outcome, Target};
use crate::profile::FoundProfile;

impl EnrollFlow<'_> {
    /// Whether the write carries the flow's event. An event that makes the brand ask is not sent if the consumer is already subscribed.
    pub(super) fn asks(&self, target: &Target, progress: EventProgress) -> Result<bool, Question> {
        match (self.update.opt_in, progress) {
            (Some(_), EventProgress::NotSent | EventProgress::NotTaken { .. }) => {
                self.is_confirmed_before(target).map(|confirmed| !confirmed)
            }
            (Some(_), EventProgress::Attempted { .. } | EventProgress::Recorded) | (None, _) => Ok(true),
        }
    }

    /// Braze has everything. A consumer who was asked has to confirm.
    pub(super) fn written(&self, target: &Target, progress: EventProgress) -> Step {
        match (self.update.opt_in, progress) {
            (Some(_), EventProgress::Attempted { at, .. }) => self.await_opt_in(target, at),
            (Some(_), EventProgress::Recorded) => self.await_opt_in(target, self.now),
            (Some(_), EventProgress::NotSent | EventProgress::NotTaken { .. }) | (None, _) => {
                Step::Done(self.update.ends.clone())
            }
        }
    }

    fn waiting(&self) -> Option<OptInWait<'_>> {
        self.update.opt_in.map(|opt_in| OptInWait { window: opt_in.window, poll: &opt_in.poll })
    }

    fn await_opt_in(&self, target: &Target, asked_at: Timestamp) -> Step {
        let Some(waiting) = self.waiting() else { return Step::Done(self.update.ends.clone()) };
        self.wait_for_consumer(target, waiting.begins(asked_at, self.now), waiting)
    }

    fn wait_for_consumer(&self, target: &Target, since: Timestamp, waiting: OptInWait<'_>) -> Step {
        let until = waiting.next_after(since, self.now);
        let state = EnrollState::AwaitingOptIn { target: target.clone(), since };
        Step::Wait { state: Open::Enroll(state), until }
    }

    /// The consumer was asked to confirm: checks whether the consumer has.
    pub(super) fn poll(&self, target: &Target, since: Timestamp) -> Step {
        // The brand file no longer says how consumers confirm, so nobody can.
        let Some(waiting) = self.waiting() else { return Step::Done(Outcome::Expired) };
        match self.is_confirmed(target) {
            Err(question) => Step::Ask(question),
            Ok(true) => Step::Done(self.update.ends.clone()),
            Ok(false) if waiting.is_over(since, self.now) => Step::Done(Outcome::Expired),
            Ok(false) => self.wait_for_consumer(target, since, waiting),
        }
    }

    /// Whether Braze says that the address is subscribed to the group.
    fn is_subscribed(&self) -> Option<Result<bool, Question>> {
        let group = self.update.opt_in?.group.as_ref()?;
        let said = self.facts.subscription.map(|said| said == Subscription::Subscribed);
        Some(said.ok_or_else(|| Question::Subscription(group.clone())))
    }

    /// Whether the consumer needs no confirmation, before anything is written.
    fn is_confirmed_before(&self, target: &Target) -> Result<bool, Question> {
        match self.is_subscribed() {
            Some(said) => said,
            None if target.create => Ok(false),
            None => Ok(answers::shown(target, self.facts)?.into_iter().any(has_opted_in)),
        }
    }

    /// Whether the consumer has confirmed. If the profile is gone, the address has the same state on whichever profile
    /// carries it.
    fn is_confirmed(&self, target: &Target) -> Result<bool, Question> {
        if let Some(said) = self.is_subscribed() {
            return said;
        }
        let asked = self.facts.confirmed.as_ref().filter(|asked| asked.profile == target.profile);
        let asked = asked.ok_or_else(|| Question::Confirm(target.profile.clone()))?;
        if !asked.found.is_empty() {
            return Ok(asked.found.iter().any(has_opted_in));
        }
        let found = find::profiles(self.participation, self.brand, self.facts)?;
        let contact = self.participation.contact();
        let theirs =
            |found: &&FoundProfile| contact.as_ref().is_some_and(|contact| found.belongs_to(contact, None));
        Ok(found.iter().filter(theirs).any(has_opted_in))
    }
}

fn has_opted_in(profile: &FoundProfile) -> bool {
    profile.email_state == Some(EmailState::OptedIn)
}

#[cfg(test)]
#[path = "confirm_tests.rs"]
mod tests;
