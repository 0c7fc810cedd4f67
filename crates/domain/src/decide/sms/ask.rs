//! The number is on the profile: it is subscribed, or the consumer is asked to confirm.

use super::SmsFlow;
use crate::Timestamp;
use crate::attributes::Attributes;
use crate::brand::{DoubleOptInStart, OptIn};
use crate::decide::{
    Command, ProfileEvent, ProfileWrite, Question, Step, Subscription, Written, custom_event, find,
    remembered,
};
use crate::participation::{EventProgress, Open, Outcome, SmsState, Target};
use crate::profile::{self, Number, ProfileRef};

impl SmsFlow<'_> {
    /// The profile has the number: subscribes it, or has the consumer asked.
    pub(super) fn opt_in(&self, target: &Target) -> Step {
        let target = target.clone();
        if let (Some(asked_at), OptIn::Double { .. }) = (self.was_asked(), &self.activation.opt_in) {
            return self.await_opt_in(asked_at, None);
        }
        match &self.activation.opt_in {
            OptIn::Single { .. } => self.subscribe(target, false),
            OptIn::Double { start: DoubleOptInStart::BrazeLogic, .. } => self.subscribe(target, true),
            OptIn::Double { start: DoubleOptInStart::Event(name), .. } => match self.is_still_theirs(&target)
            {
                Ok(true) => self.send(target, self.event(name, self.now)),
                Ok(false) => self.find(EventProgress::NotSent),
                Err(question) => Step::Ask(question),
            },
        }
    }

    pub(super) fn subscribe(&self, target: Target, double_opt_in: bool) -> Step {
        if let Some(step) = self.heeds_stop() {
            return step;
        }
        let state = Open::Sms(SmsState::Subscribing { target, event: EventProgress::NotSent });
        let group = self.activation.group.clone();
        Step::Tell { state, command: Command::Subscribe { group, double_opt_in } }
    }

    pub(super) fn send(&self, target: Target, event: ProfileEvent) -> Step {
        let time = event.time;
        let write = ProfileWrite {
            profile: target.profile.clone(),
            create: false,
            email: None,
            phone: None,
            subscribe: None,
            attributes: Attributes::default(),
            event: Some(event),
            shows_reward: false,
            takes_number: false,
            consent: None,
        };
        let event = EventProgress::Attempted { at: self.now, time };
        let state = Open::Sms(SmsState::Subscribing { target, event });
        Step::Tell { state, command: Command::Write(write) }
    }

    pub(super) fn subscribing(&self, target: &Target, progress: EventProgress) -> Step {
        match &self.activation.opt_in {
            OptIn::Single { .. } => self.subscribed(target, false),
            OptIn::Double { start: DoubleOptInStart::BrazeLogic, .. } => self.subscribed(target, true),
            OptIn::Double { start: DoubleOptInStart::Event(name), .. } => self.asked(target, progress, name),
        }
    }

    /// We subscribed the number. Setting the same state again is harmless.
    pub(super) fn subscribed(&self, target: &Target, double_opt_in: bool) -> Step {
        match &self.facts.written {
            None => self.subscribe(target.clone(), double_opt_in),
            Some(Written::Refused { reason }) => Step::Done(Outcome::Rejected { reason: reason.clone() }),
            Some(Written::NotDone { retry_at } | Written::Unknown { retry_at }) => {
                let event = EventProgress::NotSent;
                let state = Open::Sms(SmsState::Subscribing { target: target.clone(), event });
                Step::Wait { state, until: *retry_at }
            }
            Some(Written::Done) => match self.facts.subscription {
                None => self.ask_subscription(),
                Some(Subscription::Subscribed) => Step::Done(Outcome::Credited),
                Some(Subscription::Unsubscribed | Subscription::NotSubscribed) => match double_opt_in {
                    true => self.await_opt_in(self.now, None),
                    false => self.await_subscription(target),
                },
            },
        }
    }

    /// Whether a profile is still the consumer's, if it was not looked up just now and has waited for so long that it may
    /// be gone.
    pub(super) fn is_still_theirs(&self, target: &Target) -> Result<bool, Question> {
        let is_known = self.facts.written.is_some()
            || matches!(target.profile, ProfileRef::Phone(_))
            || self.facts.found.iter().flatten().any(|found| found.is_named(&target.profile))
            || !remembered::may_be_gone(self.participation, self.brand, self.now);
        let region = Some(self.activation.region);
        Ok(is_known || remembered::is_theirs(self.participation, region, self.facts, &target.profile)?)
    }

    /// Sends the event that makes the brand ask the consumer, once.
    pub(super) fn asked(&self, target: &Target, progress: EventProgress, name: &str) -> Step {
        match self.is_still_theirs(target) {
            Ok(true) => self.asked_on(target, progress, name),
            Ok(false) => self.asked_elsewhere(progress, name),
            Err(question) => Step::Ask(question),
        }
    }

    /// The profile is gone. A merge takes its events along, so an attempt is looked for on the consumer's profile now.
    pub(super) fn asked_elsewhere(&self, progress: EventProgress, name: &str) -> Step {
        let found = match find::profiles(self.participation, self.brand, self.facts) {
            Ok(found) => found,
            Err(question) => return Step::Ask(question),
        };
        let number = (self.consumer.phone, self.activation.region);
        match profile::choose_for(found, number, self.consumer.email) {
            Some((profile, Number::Same)) => {
                self.asked_on(&Target { profile, create: false }, progress, name)
            }
            Some((_, Number::None | Number::Other)) | None => self.find(progress),
        }
    }

    pub(super) fn asked_on(&self, target: &Target, progress: EventProgress, name: &str) -> Step {
        let event = self.event(name, progress.time().unwrap_or(self.now));
        let settled = |at| self.settled_from(at);
        match custom_event::next(&event, &target.profile, progress, self.facts, self.now, settled) {
            custom_event::Next::Send => self.send(target.clone(), event),
            custom_event::Next::Recorded => self.await_opt_in(self.asked_at(progress), None),
            custom_event::Next::Ask(question) => Step::Ask(question),
            custom_event::Next::Refused(reason) => Step::Done(Outcome::Rejected { reason }),
            custom_event::Next::Wait(event, until) => {
                let state = Open::Sms(SmsState::Subscribing { target: target.clone(), event });
                Step::Wait { state, until }
            }
        }
    }

    /// When the consumer was asked.
    pub(super) fn asked_at(&self, progress: EventProgress) -> Timestamp {
        match progress {
            EventProgress::Attempted { at, .. } => at,
            EventProgress::NotSent | EventProgress::NotTaken { .. } | EventProgress::Recorded => self.now,
        }
    }

    pub(super) fn event(&self, name: &str, time: Timestamp) -> ProfileEvent {
        ProfileEvent {
            name: name.to_owned(),
            time,
            scope: self.participation.scope().to_string(),
            properties: Attributes::default(),
        }
    }
}
