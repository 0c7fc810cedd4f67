//! SMS acquisition: a participation is credited when Braze says `Subscribed`, and never before.
//!
//! The status is read first. If the number is not subscribed, the profile must have the number before it can be subscribed: the profile
//! is created, or gets the number. For a single opt-in we subscribe the number as soon as Braze shows the profile, and read the subscription
//! back. For a double opt-in the same write makes the brand ask the consumer, and we poll until Braze says `Subscribed` or the time is up.

mod ask;
mod stop;
mod wait;

use std::time::Duration;

use crate::Timestamp;
use crate::brand::{
    Brand, DoubleOptInStart, IdentityByPhone, OptIn, PhoneMismatch, SmsActivation, Subscribe,
};
use crate::contact::{Email, Phone};
use crate::decide::{
    Claim, Command, Facts, NumberSubscription, ProfileWrite, Question, Step, Subscription, Terms, Written,
    answers, custom_event, find, remembered,
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
            Some(Subscription::Unsubscribed | Subscription::NotSubscribed) => {
                self.find(EventProgress::NotSent)
            }
        }
    }

    /// Finds the profile, and goes on with it; or writes by number, if that is what the brand chose. The event that makes the brand ask keeps the time of an earlier attempt.
    fn find(&self, event: EventProgress) -> Step {
        if self.brand.braze.identity_by_phone == IdentityByPhone::Phone {
            return self.claim(event);
        }
        let found = match find::profiles(self.participation, self.brand, self.facts) {
            Ok(found) => found,
            Err(question) => return Step::Ask(question),
        };
        let number = (self.consumer.phone, self.activation.region);
        // A remembered profile that is there without the address is one whose address the consumer changed.
        let moved = self.facts.confirmed.as_ref().map_or(&[][..], |confirmed| &confirmed.found[..]);
        let chosen = profile::choose_for(found, number, self.consumer.email)
            .or_else(|| profile::choose_for(moved, number, None));
        match chosen {
            None => self.write(Target { profile: ProfileRef::Alias(self.alias()), create: true }, event),
            Some((profile, Number::Same)) if self.participation.takes_back_from(&profile) => {
                self.write(Target { profile, create: false }, event)
            }
            Some((profile, Number::Same)) => self.answer(Target { profile, create: false }, event),
            Some((profile, Number::None)) => self.write(Target { profile, create: false }, event),
            Some((profile, Number::Other)) => match self.brand.braze.on_phone_mismatch {
                PhoneMismatch::Update => self.write(Target { profile, create: false }, event),
                PhoneMismatch::Skip => Step::Done(Outcome::Mismatch(self.unanswered())),
            },
        }
    }

    /// Braze may create a profile for each of two concurrent writes by number. So one participation claims the creation, and the others
    /// wait until Braze has built the profile.
    fn claim(&self, event: EventProgress) -> Step {
        let target = Target { profile: ProfileRef::Phone(self.consumer.phone.clone()), create: true };
        match self.facts.claim {
            None => Step::Ask(Question::Claim),
            Some(Claim::Theirs { at }) if self.now < self.settled_from(at) => {
                Step::Wait { state: Open::Sms(SmsState::Received), until: self.settled_from(at) }
            }
            Some(Claim::Ours | Claim::Theirs { .. }) => self.write(target, event),
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

    /// Whether the number is to be written to the profile. Braze may not have applied yet that it was taken back.
    fn lacks_number(&self, target: &Target) -> bool {
        !self.has_number(target) || self.participation.takes_back_from(&target.profile)
    }

    /// Writes the number to the profile, and creates the profile if necessary. For a double opt-in the same request makes the brand ask.
    fn write(&self, target: Target, event: EventProgress) -> Step {
        if matches!(self.activation.opt_in, OptIn::Single { subscribe: Subscribe::WithProfile })
            && let Some(step) = self.heeds_stop()
        {
            return step;
        }
        let answers = answers::to_write(self.participation, self.terms.activation, &target, self.facts);
        let attributes = match answers {
            Ok(attributes) => attributes,
            Err(question) => return Step::Ask(question),
        };
        // The number identifies the profile. Beside an address, Braze would go by the address.
        let by_number = matches!(target.profile, ProfileRef::Phone(_));
        let group = || self.activation.group.clone();
        let asks = self.asking_event().map(|name| self.event(name, event.time().unwrap_or(self.now)));
        let write = ProfileWrite {
            profile: target.profile.clone(),
            create: target.create,
            email: self.consumer.email.filter(|_| target.create && !by_number).cloned(),
            phone: (!by_number && self.lacks_number(&target)).then(|| self.consumer.phone.clone()),
            subscribe: match &self.activation.opt_in {
                OptIn::Single { subscribe: Subscribe::WithProfile } => {
                    Some(NumberSubscription { group: group(), double_opt_in: false })
                }
                OptIn::Double { .. } if self.was_asked().is_some() => None,
                OptIn::Double { start: DoubleOptInStart::BrazeLogic, .. } => {
                    Some(NumberSubscription { group: group(), double_opt_in: true })
                }
                OptIn::Single { subscribe: Subscribe::AfterProfile }
                | OptIn::Double { start: DoubleOptInStart::Event(_), .. } => None,
            },
            attributes,
            event: asks,
            shows_reward: false,
            takes_number: false,
            consent: None,
        };
        let event = match &write.event {
            Some(event) => EventProgress::Attempted { at: self.now, time: event.time },
            None => EventProgress::NotSent,
        };
        Step::Tell { state: Open::Sms(SmsState::Enrolling { target, event }), command: Command::Write(write) }
    }

    /// When the consumer was asked under details that were replaced since. A second request does not put the question again.
    fn was_asked(&self) -> Option<Timestamp> {
        self.participation.replaced().and_then(|replaced| replaced.asked_at)
    }

    /// The event that makes the brand ask, if it is an event that does so.
    fn asking_event(&self) -> Option<&str> {
        match &self.activation.opt_in {
            OptIn::Double { .. } if self.was_asked().is_some() => None,
            OptIn::Double { start: DoubleOptInStart::Event(name), .. } => Some(name),
            OptIn::Double { start: DoubleOptInStart::BrazeLogic, .. } | OptIn::Single { .. } => None,
        }
    }

    fn enroll(&self, target: &Target, progress: EventProgress) -> Step {
        // If a profile was to be created a long time ago, the app may have created one since.
        let is_untried = !matches!(progress, EventProgress::Attempted { .. });
        let creates = target.create && matches!(target.profile, ProfileRef::Alias(_));
        let waited = remembered::may_be_gone(self.participation, self.brand, self.now);
        if self.facts.written.is_none() && creates && is_untried && waited {
            return self.find(progress);
        }
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
            Some(Written::NotDone { retry_at }) => self.repeat_at(target, *retry_at),
            // A creation by number must not overlap with its own first attempt.
            Some(Written::Unknown { retry_at }) if matches!(target.profile, ProfileRef::Phone(_)) => {
                self.repeat_at(target, self.settled_from(self.now).max(*retry_at))
            }
            Some(Written::Unknown { retry_at }) => self.repeat_at(target, *retry_at),
            Some(Written::Done) => match &self.activation.opt_in {
                OptIn::Single { subscribe: Subscribe::WithProfile } => self.await_subscription(target),
                OptIn::Double { .. } => match self.was_asked() {
                    Some(asked_at) => self.await_opt_in(asked_at, None),
                    None => self.await_opt_in_of(target, self.now, self.now),
                },
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

    fn repeat_at(&self, target: &Target, until: Timestamp) -> Step {
        let event = EventProgress::NotSent;
        Step::Wait { state: Open::Sms(SmsState::Enrolling { target: target.clone(), event }), until }
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
