//! SMS acquisition: a participation is credited when Braze says `Subscribed`, and never before.
//!
//! The status is read first. If the number is not subscribed, the profile must have the number before it can be subscribed: the profile
//! is created, or gets the number, and settles. Then we subscribe the number (single opt-in) or have the brand ask the consumer (double
//! opt-in), and poll until Braze says `Subscribed` or the time is up.

use std::time::Duration;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::brand::{Brand, DoubleOptInStart, OptIn, PhoneMismatch, PollStage, SmsActivation, Subscribe};
use crate::contact::{Email, Phone};
use crate::decide::{
    Command, Facts, ProfileEvent, ProfileWrite, Question, Step, Subscription, Terms, Written, answers,
    custom_event, find, remembered,
};
use crate::participation::{EventProgress, Open, Outcome, Participation, SmsState, Target, Unanswered};
use crate::profile::{self, Alias, Number, ProfileRef};
use crate::time::{between, later};

/// After subscribing, Braze is asked at these times and then every minute.
const FIRST_LOOKS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(30)];
const MINUTE: Duration = Duration::from_secs(60);

/// A subscription that does not show after this time never will.
pub(super) const UNVERIFIED_AFTER: Duration = Duration::from_secs(15 * 60);

/// A subscription that was written together with the profile, and does not show after this time, is made with a separate request: whether
/// Braze accepts it for alias-only profiles is not documented.
const FALLS_BACK_AFTER: Duration = MINUTE;

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
        SmsState::Enrolling { target } => flow.enroll(target),
        SmsState::Settling { until, .. } if now < *until => {
            Step::Wait { state: Open::Sms(state.clone()), until: *until }
        }
        SmsState::Settling { target, .. } => flow.opt_in(target),
        SmsState::Subscribing { target, event } => flow.subscribing(target, *event),
        SmsState::AwaitingSubscription { target, since, explicitly } => {
            flow.verify(target, *since, *explicitly)
        }
        SmsState::AwaitingOptIn { since } => flow.poll(*since),
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
            Some(Subscription::NotSubscribed) => self.find(),
        }
    }

    fn find(&self) -> Step {
        let found = match find::profiles(self.participation, self.brand, self.facts) {
            Ok(found) => found,
            Err(question) => return Step::Ask(question),
        };
        let number = (self.consumer.phone, self.activation.region);
        match profile::choose_for(found, number, self.consumer.email) {
            None => self.write(Target { profile: ProfileRef::Alias(self.alias()), create: true }),
            Some((profile, Number::Same)) => self.answer(Target { profile, create: false }),
            Some((profile, Number::None)) => self.write(Target { profile, create: false }),
            Some((profile, Number::Other)) => match self.brand.braze.on_phone_mismatch {
                PhoneMismatch::Update => self.write(Target { profile, create: false }),
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
    fn answer(&self, target: Target) -> Step {
        let activation = self.terms.activation;
        if activation.answers.is_none() {
            return self.opt_in(&target);
        }
        match answers::to_write(self.participation, activation, &target, self.facts) {
            Ok(answers) if answers.is_empty() => self.opt_in(&target),
            Ok(_) => self.write(target),
            Err(question) => Step::Ask(question),
        }
    }

    /// Whether the profile was found with the number, so that Braze has nothing to build.
    fn has_number(&self, target: &Target) -> bool {
        let mut found = self.facts.found.iter().flatten().filter(|found| found.is_named(&target.profile));
        found.any(|found| found.has_number(self.consumer.phone, self.activation.region))
    }

    /// Writes the number to the profile, and creates the profile if necessary. Repeating this is harmless.
    fn write(&self, target: Target) -> Step {
        let answers = answers::to_write(self.participation, self.terms.activation, &target, self.facts);
        let attributes = match answers {
            Ok(attributes) => attributes,
            Err(question) => return Step::Ask(question),
        };
        let write = ProfileWrite {
            profile: target.profile.clone(),
            create: target.create,
            email: self.consumer.email.filter(|_| target.create).cloned(),
            phone: Some(self.consumer.phone.clone()),
            subscribe: self.subscribes_with_profile().then(|| self.activation.group.clone()),
            attributes,
            event: None,
            shows_reward: false,
            consent: None,
        };
        Step::Tell { state: Open::Sms(SmsState::Enrolling { target }), command: Command::Write(write) }
    }

    fn enroll(&self, target: &Target) -> Step {
        let again =
            |until| Step::Wait { state: Open::Sms(SmsState::Enrolling { target: target.clone() }), until };
        match &self.facts.written {
            // A profile that the write creates is not asked for: it may not be there yet.
            None if !target.create => match self.is_still_theirs(target) {
                Ok(true) => self.write(target.clone()),
                Ok(false) => self.find(),
                Err(question) => Step::Ask(question),
            },
            None => self.write(target.clone()),
            Some(Written::Refused { reason }) => Step::Done(Outcome::Rejected { reason: reason.clone() }),
            Some(Written::NotDone { retry_at } | Written::Unknown { retry_at }) => again(*retry_at),
            Some(Written::Done) if self.subscribes_with_profile() => self.await_subscription(target, false),
            Some(Written::Done) if self.has_number(target) => self.opt_in(target),
            Some(Written::Done) => {
                let until = self.settled_from(self.now);
                let state = Open::Sms(SmsState::Settling { target: target.clone(), until });
                Step::Wait { state, until }
            }
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
                Ok(false) => self.find(),
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
            consent: None,
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
                Some(Subscription::NotSubscribed) if double_opt_in => self.await_opt_in(self.now),
                Some(Subscription::NotSubscribed) => self.await_subscription(target, true),
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
            Some((_, Number::None | Number::Other)) | None => self.find(),
        }
    }

    fn asked_on(&self, target: &Target, progress: EventProgress, name: &str) -> Step {
        let event = self.event(name, progress.time().unwrap_or(self.now));
        let settled = |at| self.settled_from(at);
        let asked_at = match progress {
            EventProgress::Attempted { at, .. } => at,
            EventProgress::NotSent | EventProgress::NotTaken { .. } | EventProgress::Recorded => self.now,
        };
        match custom_event::next(&event, &target.profile, progress, self.facts, self.now, settled) {
            custom_event::Next::Send => self.send(target.clone(), event),
            custom_event::Next::Recorded => self.await_opt_in(asked_at),
            custom_event::Next::Ask(question) => Step::Ask(question),
            custom_event::Next::Refused(reason) => Step::Done(Outcome::Rejected { reason }),
            custom_event::Next::Wait(event, until) => {
                let state = Open::Sms(SmsState::Subscribing { target: target.clone(), event });
                Step::Wait { state, until }
            }
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

    fn await_subscription(&self, target: &Target, explicitly: bool) -> Step {
        let state = SmsState::AwaitingSubscription { target: target.clone(), since: self.now, explicitly };
        Step::Wait { state: Open::Sms(state), until: later(self.now, FIRST_LOOKS[0]) }
    }

    /// Waits for the consumer. The wait counts from when the consumer was asked, unless it would already be over.
    fn await_opt_in(&self, asked_at: Timestamp) -> Step {
        let since = if self.since(asked_at) < self.window() { asked_at } else { self.now };
        let until = later(since, self.next_poll(self.since(since)));
        Step::Wait { state: Open::Sms(SmsState::AwaitingOptIn { since }), until }
    }

    /// We subscribed the number: checks whether Braze says so.
    fn verify(&self, target: &Target, since: Timestamp, explicitly: bool) -> Step {
        match self.facts.subscription {
            None => return self.ask_subscription(),
            Some(Subscription::Subscribed) => return Step::Done(Outcome::Credited),
            Some(Subscription::NotSubscribed) => {}
        }
        let elapsed = self.since(since);
        if !explicitly && elapsed >= FALLS_BACK_AFTER {
            return self.subscribe(target.clone(), false);
        }
        if elapsed >= UNVERIFIED_AFTER {
            return Step::Done(Outcome::Unverified);
        }
        let minutes = Duration::from_secs((elapsed.as_secs() / 60 + 1) * 60);
        let next = FIRST_LOOKS.into_iter().find(|look| *look > elapsed).unwrap_or(minutes);
        let state = SmsState::AwaitingSubscription { target: target.clone(), since, explicitly };
        Step::Wait { state: Open::Sms(state), until: later(since, next) }
    }

    /// The consumer was asked to confirm: checks whether the consumer has.
    fn poll(&self, since: Timestamp) -> Step {
        match self.facts.subscription {
            None => self.ask_subscription(),
            Some(Subscription::Subscribed) => Step::Done(Outcome::Credited),
            Some(Subscription::NotSubscribed) if self.since(since) >= self.window() => {
                Step::Done(Outcome::Expired)
            }
            Some(Subscription::NotSubscribed) => {
                let until = later(since, self.next_poll(self.since(since)));
                Step::Wait { state: Open::Sms(SmsState::AwaitingOptIn { since }), until }
            }
        }
    }

    /// When to poll next, counted from the beginning: at the next whole interval of the stage, or at the end of the window.
    fn next_poll(&self, elapsed: Duration) -> Duration {
        let OptIn::Double { poll, window, .. } = &self.activation.opt_in else { return Duration::ZERO };
        next_poll(poll, elapsed).min(*window)
    }

    fn window(&self) -> Duration {
        match &self.activation.opt_in {
            OptIn::Double { window, .. } => *window,
            OptIn::Single { .. } => Duration::ZERO,
        }
    }

    fn subscribes_with_profile(&self) -> bool {
        matches!(self.activation.opt_in, OptIn::Single { subscribe: Subscribe::WithProfile })
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

#[cfg(test)]
#[path = "sms_tests.rs"]
mod tests;
