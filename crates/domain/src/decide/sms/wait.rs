//! The two waits of SMS acquisition: until Braze has applied a write, and until the consumer confirms.

use std::time::Duration;

use super::SmsFlow;
use crate::Timestamp;
use crate::brand::{DoubleOptInStart, OptIn};
use crate::decide::look::is_asked_for_with_others;
use crate::decide::opt_in::OptInWait;
use crate::decide::{Command, Question, Step, Subscription, Written, remembered};
use crate::participation::{AskingWrite, Open, Outcome, SmsState, Target};
use crate::time::{earlier, later};

/// An event this much older than ours is taken for ours, since Braze cuts times at its own clock, and ours may be ahead. At worst a
/// question that did not arrive is not put again.
const CLOCKS_DIFFER: Duration = Duration::from_secs(24 * 60 * 60);

/// A subscription that does not show after this time never will.
pub(in crate::decide) const UNVERIFIED_AFTER: Duration = Duration::from_secs(15 * 60);

impl SmsFlow<'_> {
    /// Braze is building the profile: goes on as soon as Braze shows it with the number.
    pub(super) fn settle(&self, target: &Target, until: Timestamp) -> Step {
        let state = Open::Sms(SmsState::Settling { target: target.clone(), until });
        let waits = Step::Wait { state, until };
        if !is_asked_for_with_others(&target.profile) {
            return waits;
        }
        let asked = self.facts.confirmed.as_ref().filter(|confirmed| confirmed.profile == target.profile);
        let Some(shown) = asked else { return Step::Ask(Question::Built(target.profile.clone())) };
        let (phone, region) = (self.consumer.phone, self.activation.region);
        if shown.found.iter().any(|found| found.has_number(phone, region)) {
            self.opt_in(target)
        } else {
            waits
        }
    }

    /// Waits for a subscription to show. Looks come in between.
    pub(super) fn await_subscription(&self, target: &Target) -> Step {
        let until = later(self.now, self.patience());
        let state =
            SmsState::AwaitingSubscription { target: target.clone(), since: self.now, repeated: false };
        Step::Wait { state: Open::Sms(state), until }
    }

    /// We subscribed the number: checks whether Braze says so, and subscribes it once more if it does not once Braze has settled.
    pub(super) fn verify(&self, target: &Target, since: Timestamp, repeated: bool) -> Step {
        let waits = |repeated, until| {
            let state = SmsState::AwaitingSubscription { target: target.clone(), since, repeated };
            Step::Wait { state: Open::Sms(state), until }
        };
        match &self.facts.written {
            Some(Written::Refused { reason }) => {
                return Step::Done(Outcome::Rejected { reason: reason.clone() });
            }
            Some(Written::NotDone { retry_at } | Written::Unknown { retry_at }) => {
                return waits(false, *retry_at);
            }
            Some(Written::Done) | None => {}
        }
        match self.facts.subscription {
            None => return self.ask_subscription(),
            Some(Subscription::Subscribed) => return Step::Done(Outcome::Credited),
            Some(Subscription::Unsubscribed) if self.is_late() => return self.stays_unsubscribed(),
            Some(Subscription::Unsubscribed | Subscription::NotSubscribed) => {}
        }
        let elapsed = self.since(since);
        if elapsed >= UNVERIFIED_AFTER {
            return Step::Done(Outcome::Unverified);
        }
        if repeated {
            let minutes = Duration::from_secs((elapsed.as_secs() / 60 + 1) * 60);
            return waits(true, later(since, minutes));
        }
        if elapsed < self.patience() {
            return waits(false, later(since, self.patience()));
        }
        let state = SmsState::AwaitingSubscription { target: target.clone(), since, repeated: true };
        let group = self.activation.group.clone();
        Step::Tell { state: Open::Sms(state), command: Command::Subscribe { group, double_opt_in: false } }
    }

    /// How long a subscription may take to show before it is made again.
    fn patience(&self) -> Duration {
        self.brand.braze.settle.min(UNVERIFIED_AFTER)
    }

    /// The number was written in a request that also makes the brand ask. Braze answers before it has done either.
    pub(super) fn await_opt_in_of(&self, target: &Target, asked_at: Timestamp, event_at: Timestamp) -> Step {
        let is_event =
            matches!(&self.activation.opt_in, OptIn::Double { start: DoubleOptInStart::Event(_), .. });
        // An event that was sent again before is not sent a third time, and one that only one request each could find is not looked for.
        let is_read = !is_event || (asked_at == event_at && is_asked_for_with_others(&target.profile));
        let asked_by = is_read.then(|| AskingWrite { target: target.clone(), event_at });
        self.await_opt_in(asked_at, asked_by)
    }

    /// Waits for the consumer. The wait counts from when the consumer was asked, unless it would already be over.
    pub(super) fn await_opt_in(&self, asked_at: Timestamp, asked_by: Option<AskingWrite>) -> Step {
        self.wait_for_consumer(self.waiting().begins(asked_at, self.now), asked_by)
    }

    fn wait_for_consumer(&self, since: Timestamp, asked_by: Option<AskingWrite>) -> Step {
        let elapsed = self.since(since);
        let settle = self.brand.braze.settle;
        let poll = self.waiting().next(elapsed);
        let next = if asked_by.is_some() && elapsed < settle { poll.min(settle) } else { poll };
        let until = later(since, next);
        Step::Wait { state: Open::Sms(SmsState::AwaitingOptIn { since, asked_by }), until }
    }

    /// The consumer was asked to confirm: checks whether the consumer has.
    pub(super) fn poll(&self, since: Timestamp, asked_by: Option<&AskingWrite>) -> Step {
        match self.facts.subscription {
            None => return self.ask_subscription(),
            Some(Subscription::Subscribed) => return Step::Done(Outcome::Credited),
            Some(Subscription::Unsubscribed | Subscription::NotSubscribed) => {}
        }
        let elapsed = self.since(since);
        match asked_by {
            _ if self.waiting().is_over(since, self.now) => Step::Done(Outcome::Expired),
            Some(write) if elapsed >= self.brand.braze.settle => self.check_question(since, write),
            Some(_) | None => self.wait_for_consumer(since, asked_by.cloned()),
        }
    }

    /// Braze has had time to apply the write that asks the consumer: asks once more if the question did not arrive.
    fn check_question(&self, since: Timestamp, write: &AskingWrite) -> Step {
        let name = match &self.activation.opt_in {
            OptIn::Single { .. } => return self.wait_for_consumer(since, None),
            // Braze does not say whether it has asked.
            OptIn::Double { start: DoubleOptInStart::BrazeLogic, .. } => {
                return self.subscribe(write.target.clone(), true);
            }
            OptIn::Double { start: DoubleOptInStart::Event(name), .. } => name,
        };
        let profile = &write.target.profile;
        match self.facts.recorded {
            None => Step::Ask(Question::EventRecorded {
                profile: profile.clone(),
                event: name.clone(),
                since: earlier(write.event_at, CLOCKS_DIFFER),
            }),
            Some(true) => self.wait_for_consumer(since, None),
            Some(false) => {
                let region = Some(self.activation.region);
                match remembered::is_theirs(self.participation, region, self.facts, profile) {
                    Ok(true) => self.send(write.target.clone(), self.event(name, write.event_at)),
                    // Either it is not built yet, or a merge took the event along: both would ask twice.
                    Ok(false) => self.wait_for_consumer(since, Some(write.clone())),
                    Err(question) => Step::Ask(question),
                }
            }
        }
    }

    /// How long the consumer has to confirm; nothing with a single opt-in.
    fn waiting(&self) -> OptInWait<'_> {
        match &self.activation.opt_in {
            OptIn::Double { window, poll, .. } => OptInWait { window: *window, poll },
            OptIn::Single { .. } => OptInWait { window: Duration::ZERO, poll: &[] },
        }
    }
}
