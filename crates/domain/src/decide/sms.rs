//! SMS acquisition: a participation is credited when Braze says `Subscribed`, and never before.
//!
//! The status is read first. If the number is not subscribed, the profile must have the number before it can be subscribed: the profile
//! is created, or gets the number. For a single opt-in we subscribe the number as soon as Braze shows the profile, and read the subscription
//! back. For a double opt-in the same write makes the brand ask the consumer, and we poll until Braze says `Subscribed` or the time is up.

mod wait;

use std::time::Duration;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::brand::{Brand, DoubleOptInStart, OptIn, PhoneMismatch, SmsActivation, Subscribe};
use crate::contact::{Email, Phone};
use crate::decide::{
    Command, Facts, NumberSubscription, ProfileEvent, ProfileWrite, Question, Step, Subscription, Terms,
    Written, answers, custom_event, find, remembered,
};
use crate::participation::{EventProgress, Open, Outcome, Participation, SmsState, Target, Unanswered};
use crate::profile::{self, Alias, Number, ProfileRef};
use crate::time::{between, later};

pub(super) use wait::UNVERIFIED_AFTER;

/// The consumer's contacts.
#[derive(Clone, Copy)]
pub(super) struct Consumer<'a> {
    pub(super) phone: &'a Phone,
    pub(super) email: Option<&'a Email>,
}

pub(super) fn decide(
    (participation, state): (&Participation, &SmsState),
    consumer: Consumer<'_>,
    (terms, activation): (&Terms<'_>, &SmsActivation),
    facts: &Facts,
    now: Timestamp,
) -> Step {
    let flow = SmsFlow { participation, consumer, brand: terms.brand, terms, activation, facts, now };
    match state {
        SmsState::Received => flow.first_look(),
        SmsState::Enrolling { target, event } => flow.enroll(target, *event),
        SmsState::Settling { target, until } if now < *until => flow.settle(target, *until),
        SmsState::Settling { target, .. } => flow.opt_in(target),
        SmsState::Subscribing { target, event } => flow.subscribing(target, *event),
        SmsState::AwaitingSubscription { target, since, repeated } => flow.verify(target, *since, *repeated),
        SmsState::AwaitingOptIn { since, asked_by } => flow.poll(*since, asked_by.as_ref()),
    }
}

struct SmsFlow<'a> {
    participation: &'a Participation,
    consumer: Consumer<'a>,
    brand: &'a Brand,
    terms: &'a Terms<'a>,
    activation: &'a SmsActivation,
    facts: &'a Facts,
    now: Timestamp,
}

impl SmsFlow<'_> {
    fn first_look(&self) -> Step {
        match self.facts.subscription {
            None => self.ask_subscription(),
            Some(Subscription::Subscribed) => Step::Done(Outcome::Credited),
            Some(Subscription::NotSubscribed) => self.find(EventProgress::NotSent),
        }
    }

    /// Finds the profile, and goes on with it. The event that makes the brand ask keeps the time of an earlier attempt.
    fn find(&self, event: EventProgress) -> Step {
        let found = match find::profiles(self.participation, self.brand, self.facts) {
            Ok(found) => found,
            Err(question) => return Step::Ask(question),
        };
        let number = (self.consumer.phone, self.activation.region);
        match profile::choose_for(found, number, self.consumer.email) {
            None => self.write(Target { profile: ProfileRef::Alias(self.alias()), create: true }, event),
            Some((profile, Number::Same)) => self.answer(Target { profile, create: false }, event),
            Some((profile, Number::None)) => self.write(Target { profile, create: false }, event),
            Some((profile, Number::Other)) => match self.brand.braze.on_phone_mismatch {
                PhoneMismatch::Update => self.write(Target { profile, create: false }, event),
                PhoneMismatch::Skip => Step::Done(Outcome::Mismatch(self.unanswered())),
            },
        }
    }

    /// The alias of a profile that we create.
    fn alias(&self) -> Alias {
        self.consumer.email.map_or_else(|| Alias::for_phone(self.consumer.phone), Alias::for_email)
    }

    /// The state that unsigned callers see instead of a mismatch.
    fn unanswered(&self) -> Unanswered {
        Unanswered {
            since: self.now,
            double: matches!(self.activation.opt_in, OptIn::Double { .. }),
            status: self.facts.award.as_ref().map(|award| award.status.clone()),
            ended_at: None,
        }
    }

    /// The profile has the number: writes the answers that it lacks, or goes on.
    fn answer(&self, target: Target, event: EventProgress) -> Step {
        let activation = self.terms.activation;
        if activation.answers.is_none() {
            return self.opt_in(&target);
        }
        match answers::to_write(self.participation, activation, &target, self.facts) {
            Ok(answers) if answers.is_empty() => self.opt_in(&target),
            Ok(_) => self.write(target, event),
            Err(question) => Step::Ask(question),
        }
    }

    /// Whether the profile was found with the number, so that Braze has nothing to build.
    fn has_number(&self, target: &Target) -> bool {
        let mut found = self.facts.found.iter().flatten().filter(|found| found.is_named(&target.profile));
        found.any(|found| found.has_number(self.consumer.phone, self.activation.region))
    }

    /// Writes the number to the profile, and creates the profile if necessary. For a double opt-in the same request makes the brand ask.
    fn write(&self, target: Target, event: EventProgress) -> Step {
        let answers = answers::to_write(self.participation, self.terms.activation, &target, self.facts);
        let attributes = match answers {
            Ok(attributes) => attributes,
            Err(question) => return Step::Ask(question),
        };
        let group = || self.activation.group.clone();
        let asks = self.asking_event().map(|name| self.event(name, event.time().unwrap_or(self.now)));
        let write = ProfileWrite {
            profile: target.profile.clone(),
            create: target.create,
            email: self.consumer.email.filter(|_| target.create).cloned(),
            phone: Some(self.consumer.phone.clone()),
            subscribe: match &self.activation.opt_in {
                OptIn::Single { subscribe: Subscribe::WithProfile } => {
                    Some(NumberSubscription { group: group(), double_opt_in: false })
                }
                OptIn::Double { start: DoubleOptInStart::BrazeLogic, .. } => {
                    Some(NumberSubscription { group: group(), double_opt_in: true })
                }
                OptIn::Single { subscribe: Subscribe::AfterProfile }
                | OptIn::Double { start: DoubleOptInStart::Event(_), .. } => None,
            },
            attributes,
            event: asks,
            shows_reward: false,
        };
        let event = match &write.event {
            Some(event) => EventProgress::Attempted { at: self.now, time: event.time },
            None => EventProgress::NotSent,
        };
        Step::Tell { state: Open::Sms(SmsState::Enrolling { target, event }), command: Command::Write(write) }
    }

    /// The event that makes the brand ask, if it is an event that does so.
    fn asking_event(&self) -> Option<&str> {
        match &self.activation.opt_in {
            OptIn::Double { start: DoubleOptInStart::Event(name), .. } => Some(name),
            OptIn::Double { start: DoubleOptInStart::BrazeLogic, .. } | OptIn::Single { .. } => None,
        }
    }

    fn enroll(&self, target: &Target, progress: EventProgress) -> Step {
        // A profile that the write creates is not asked for: it may not be there yet.
        if self.facts.written.is_none() && !target.create {
            match self.is_still_theirs(target) {
                Ok(true) => {}
                Ok(false) => return self.find(progress),
                Err(question) => return Step::Ask(question),
            }
        }
        match self.asking_event() {
            Some(name) => self.enroll_and_ask(target, progress, name),
            None => self.enroll_only(target),
        }
    }

    /// Writes number and event. An attempt of unknown outcome is looked for before it is repeated.
    fn enroll_and_ask(&self, target: &Target, progress: EventProgress, name: &str) -> Step {
        let event = self.event(name, progress.time().unwrap_or(self.now));
        let settled = |at| self.settled_from(at);
        match custom_event::next(&event, &target.profile, progress, self.facts, self.now, settled) {
            custom_event::Next::Send => self.write(target.clone(), progress),
            custom_event::Next::Recorded if self.facts.written.is_some() => {
                self.await_opt_in_of(target, self.asked_at(progress), event.time)
            }
            custom_event::Next::Recorded => self.await_opt_in(self.asked_at(progress), None),
            custom_event::Next::Ask(question) => Step::Ask(question),
            custom_event::Next::Refused(reason) => Step::Done(Outcome::Rejected { reason }),
            custom_event::Next::Wait(next, until) => {
                // If no earlier attempt can have arrived, the next one is the first, and is read back as such.
                let is_first = self.asked_at(progress) == event.time;
                let event = match next {
                    EventProgress::NotTaken { .. } if is_first => EventProgress::NotSent,
                    other => other,
                };
                Step::Wait { state: Open::Sms(SmsState::Enrolling { target: target.clone(), event }), until }
            }
        }
    }

    /// Writes the number. Repeating this is harmless.
    fn enroll_only(&self, target: &Target) -> Step {
        match &self.facts.written {
            None => self.write(target.clone(), EventProgress::NotSent),
            Some(Written::Refused { reason }) => Step::Done(Outcome::Rejected { reason: reason.clone() }),
            Some(Written::NotDone { retry_at } | Written::Unknown { retry_at }) => {
                let event = EventProgress::NotSent;
                let state = Open::Sms(SmsState::Enrolling { target: target.clone(), event });
                Step::Wait { state, until: *retry_at }
            }
            Some(Written::Done) => match &self.activation.opt_in {
                OptIn::Single { subscribe: Subscribe::WithProfile } => self.await_subscription(target),
                OptIn::Double { .. } => self.await_opt_in_of(target, self.now, self.now),
                OptIn::Single { subscribe: Subscribe::AfterProfile } if self.has_number(target) => {
                    self.opt_in(target)
                }
                OptIn::Single { subscribe: Subscribe::AfterProfile } => {
                    let until = self.settled_from(self.now);
                    let state = Open::Sms(SmsState::Settling { target: target.clone(), until });
                    Step::Wait { state, until }
                }
            },
        }
    }

    /// The profile has the number: subscribes it, or has the consumer asked.
    fn opt_in(&self, target: &Target) -> Step {
        let target = target.clone();
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

    fn subscribe(&self, target: Target, double_opt_in: bool) -> Step {
        let state = Open::Sms(SmsState::Subscribing { target, event: EventProgress::NotSent });
        let group = self.activation.group.clone();
        Step::Tell { state, command: Command::Subscribe { group, double_opt_in } }
    }

    fn send(&self, target: Target, event: ProfileEvent) -> Step {
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
        };
        let event = EventProgress::Attempted { at: self.now, time };
        let state = Open::Sms(SmsState::Subscribing { target, event });
        Step::Tell { state, command: Command::Write(write) }
    }

    fn subscribing(&self, target: &Target, progress: EventProgress) -> Step {
        match &self.activation.opt_in {
            OptIn::Single { .. } => self.subscribed(target, false),
            OptIn::Double { start: DoubleOptInStart::BrazeLogic, .. } => self.subscribed(target, true),
            OptIn::Double { start: DoubleOptInStart::Event(name), .. } => self.asked(target, progress, name),
        }
    }

    /// We subscribed the number. Setting the same state again is harmless.
    fn subscribed(&self, target: &Target, double_opt_in: bool) -> Step {
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
                Some(Subscription::NotSubscribed) if double_opt_in => self.await_opt_in(self.now, None),
                Some(Subscription::NotSubscribed) => self.await_subscription(target),
            },
        }
    }

    /// Whether a profile is still the consumer's, if it was not looked up just now and has waited for so long that it may
    /// be gone.
    fn is_still_theirs(&self, target: &Target) -> Result<bool, Question> {
        let is_known = self.facts.written.is_some()
            || self.facts.found.iter().flatten().any(|found| found.is_named(&target.profile))
            || !remembered::may_be_gone(self.participation, self.brand, self.now);
        let region = Some(self.activation.region);
        Ok(is_known || remembered::is_theirs(self.participation, region, self.facts, &target.profile)?)
    }

    /// Sends the event that makes the brand ask the consumer, once.
    fn asked(&self, target: &Target, progress: EventProgress, name: &str) -> Step {
        match self.is_still_theirs(target) {
            Ok(true) => self.asked_on(target, progress, name),
            Ok(false) => self.asked_elsewhere(progress, name),
            Err(question) => Step::Ask(question),
        }
    }

    /// The profile is gone. A merge takes its events along, so an attempt is looked for on the consumer's profile now.
    fn asked_elsewhere(&self, progress: EventProgress, name: &str) -> Step {
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

    fn asked_on(&self, target: &Target, progress: EventProgress, name: &str) -> Step {
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
    fn asked_at(&self, progress: EventProgress) -> Timestamp {
        match progress {
            EventProgress::Attempted { at, .. } => at,
            EventProgress::NotSent | EventProgress::NotTaken { .. } | EventProgress::Recorded => self.now,
        }
    }

    fn event(&self, name: &str, time: Timestamp) -> ProfileEvent {
        ProfileEvent {
            name: name.to_owned(),
            time,
            scope: self.participation.scope().to_string(),
            properties: Attributes::default(),
        }
    }

    fn ask_subscription(&self) -> Step {
        Step::Ask(Question::Subscription(self.activation.group.clone()))
    }

    fn settled_from(&self, at: Timestamp) -> Timestamp {
        later(at, self.brand.braze.settle)
    }

    fn since(&self, moment: Timestamp) -> Duration {
        between(moment, self.now)
    }
}

#[cfg(test)]
#[path = "sms_tests.rs"]
mod tests;
