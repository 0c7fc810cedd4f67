//! E-mail acquisition: find the profile or make it, mark it, log the event once.

use std::time::Duration;

use crate::Timestamp;
use crate::brand::{Brand, EmailActivation, Identity};
use crate::contact::Email;
use crate::decide::{Claim, Command, Facts, ProfileEvent, ProfileWrite, Question, Step, Written, event};
use crate::participation::{EventProgress, Outcome, Participation, State, Target};
use crate::profile::{self, Alias, KnownProfile, ProfileRef};

/// Until then a profile that we created is still addressed in a way that creates it: Braze applies separate requests
/// in any order, and recommends five minutes between calls that depend on each other.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// What was learned of a profile is trusted for so long; after that it is looked up again.
const TRUSTED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) fn decide(
    participation: &Participation,
    email: &Email,
    brand: &Brand,
    activation: &EmailActivation,
    facts: &Facts,
    now: Timestamp,
) -> Step {
    let flow = Flow { participation, email, brand, activation, facts, now };
    match &participation.state {
        State::Enrolling { target, event } => flow.enroll(target, *event),
        // The others are no states of this flow: it begins anew.
        State::Received
        | State::Settling { .. }
        | State::Subscribing { .. }
        | State::AwaitingSubscription { .. }
        | State::AwaitingOptIn { .. }
        | State::Enrolled
        | State::Credited
        | State::Unverified
        | State::Expired
        | State::Rejected { .. }
        | State::Failed { .. } => match brand.braze.identity {
            Identity::Alias => flow.find(),
            Identity::Email => flow.claim(),
        },
    }
}

struct Flow<'a> {
    participation: &'a Participation,
    email: &'a Email,
    brand: &'a Brand,
    activation: &'a EmailActivation,
    facts: &'a Facts,
    now: Timestamp,
}

impl Flow<'_> {
    /// Which profile? Our own store knows for free; Braze's look-up is the scarce request.
    fn find(&self) -> Step {
        let Some(known) = &self.facts.known else { return Step::Ask(Question::KnownProfile) };
        if let Some(known) = known
            && self.now < known.learned_at + TRUSTED
        {
            return self.write(self.target_of(known), EventProgress::NotSent);
        }
        let Some(found) = &self.facts.found else { return Step::Ask(Question::FindProfile) };
        let target = match profile::choose(found) {
            Some(profile) => Target { profile, create: false },
            None => Target { profile: ProfileRef::Alias(Alias::for_email(self.email)), create: true },
        };
        self.write(target, EventProgress::NotSent)
    }

    /// Addressed by e-mail, Braze creates a profile for each of two requests that race. So one participation claims the
    /// creation, and the others wait until Braze has built the profile.
    fn claim(&self) -> Step {
        let target = Target { profile: ProfileRef::Email(self.email.clone()), create: true };
        match self.facts.claim {
            None => Step::Ask(Question::Claim),
            Some(Claim::Ours) => self.write(target, EventProgress::NotSent),
            Some(Claim::Theirs { at }) => {
                let settled = at + self.brand.braze.settle;
                if self.now < settled {
                    Step::Wait { state: State::Received, until: settled }
                } else {
                    self.write(target, EventProgress::NotSent)
                }
            }
        }
    }

    fn target_of(&self, known: &KnownProfile) -> Target {
        let create = known.created && self.now < known.learned_at + FRESH;
        Target { profile: known.profile.clone(), create }
    }

    fn enroll(&self, target: &Target, progress: EventProgress) -> Step {
        match (self.event(), progress) {
            (Some(event), EventProgress::NotSent | EventProgress::Attempted { .. }) => {
                self.with_event(target, progress, &event)
            }
            (Some(_), EventProgress::Recorded) | (None, _) => self.without_event(target, progress),
        }
    }

    /// Attributes can be repeated without harm, so they are.
    fn without_event(&self, target: &Target, progress: EventProgress) -> Step {
        match &self.facts.written {
            None => self.write(target.clone(), progress),
            Some(Written::Done) => Step::Done(Outcome::Enrolled),
            Some(Written::Refused { reason }) => Step::Done(Outcome::Rejected { reason: reason.clone() }),
            Some(Written::NotDone { retry_at }) => self.wait(target, progress, *retry_at),
            Some(Written::Unknown { retry_at }) => {
                self.wait(target, progress, self.repeat_at(target, *retry_at))
            }
        }
    }

    fn with_event(&self, target: &Target, progress: EventProgress, event: &ProfileEvent) -> Step {
        let settled = |at| self.settled_from(at);
        match event::next(event, &target.profile, progress, self.facts, self.now, settled) {
            event::Next::Send => self.write(target.clone(), EventProgress::NotSent),
            event::Next::Ask(question) => Step::Ask(question),
            event::Next::Wait(progress, until) => self.wait(target, progress, until),
            event::Next::Refused(reason) => Step::Done(Outcome::Rejected { reason }),
            // Seen on the profile: only the attributes that went with it are uncertain.
            event::Next::Recorded if self.facts.written.is_none() => {
                self.write(target.clone(), EventProgress::Recorded)
            }
            event::Next::Recorded => Step::Done(Outcome::Enrolled),
        }
    }

    /// Attributes and event in one request: an event by alias never creates the profile it is for.
    fn write(&self, target: Target, progress: EventProgress) -> Step {
        let attributes = self.participation.attributes.beneath(&self.activation.attributes);
        let (event, progress) = match (self.event(), progress) {
            (Some(_), EventProgress::Recorded) => (None, EventProgress::Recorded),
            (Some(event), EventProgress::NotSent | EventProgress::Attempted { .. }) => {
                (Some(event), EventProgress::Attempted { at: self.now })
            }
            (None, _) => (None, EventProgress::NotSent),
        };
        if !target.create && attributes.is_empty() && event.is_none() {
            return Step::Done(Outcome::Enrolled);
        }
        let write = ProfileWrite {
            profile: target.profile.clone(),
            create: target.create,
            email: target.create.then(|| self.email.clone()),
            phone: None,
            subscribe: None,
            attributes,
            event,
        };
        Step::Tell { state: State::Enrolling { target, event: progress }, command: Command::Write(write) }
    }

    fn event(&self) -> Option<ProfileEvent> {
        self.activation.event.as_ref().map(|name| ProfileEvent {
            name: name.clone(),
            time: self.participation.accepted_at,
            scope: self.participation.scope.to_string(),
        })
    }

    /// When a write of unknown outcome may be repeated. One that creates by e-mail must not meet its own first attempt.
    fn repeat_at(&self, target: &Target, retry_at: Timestamp) -> Timestamp {
        match target.profile {
            ProfileRef::Email(_) if target.create => retry_at.max(self.settled_from(self.now)),
            ProfileRef::Email(_)
            | ProfileRef::ExternalId(_)
            | ProfileRef::Alias(_)
            | ProfileRef::BrazeId(_) => retry_at,
        }
    }

    fn settled_from(&self, at: Timestamp) -> Timestamp {
        at + self.brand.braze.settle
    }

    fn wait(&self, target: &Target, event: EventProgress, until: Timestamp) -> Step {
        Step::Wait { state: State::Enrolling { target: target.clone(), event }, until }
    }
}
