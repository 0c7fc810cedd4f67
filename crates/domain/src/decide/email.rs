//! E-mail acquisition: find the profile or make it, mark it, log the event once.

use std::time::Duration;

use crate::Timestamp;
use crate::brand::{Brand, EmailActivation, Identity};
use crate::decide::{Claim, Command, Facts, ProfileEvent, ProfileWrite, Question, Step, Written};
use crate::participation::{EventProgress, Outcome, Participation, State, Target};
use crate::profile::{self, Alias, KnownProfile, ProfileRef};

/// Until then a profile that we created is still addressed in a way that creates it: Braze applies separate requests
/// in any order, and recommends five minutes between calls that depend on each other.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// What was learned of a profile is trusted for so long; after that it is looked up again.
const TRUSTED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) fn decide(
    participation: &Participation,
    brand: &Brand,
    activation: &EmailActivation,
    facts: &Facts,
    now: Timestamp,
) -> Step {
    if let Some(reason) = &facts.refused {
        return Step::Done(Outcome::Rejected { reason: reason.clone() });
    }
    let flow = Flow { participation, brand, activation, facts, now };
    match &participation.state {
        State::Received => match brand.braze.identity {
            Identity::Alias => flow.find(),
            Identity::Email => flow.claim(),
        },
        State::Enrolling { target, event } => flow.enroll(target, *event),
        State::Enrolled => Step::Done(Outcome::Enrolled),
        State::Rejected { reason } => Step::Done(Outcome::Rejected { reason: reason.clone() }),
        State::Failed { reason } => Step::Done(Outcome::Failed { reason: reason.clone() }),
    }
}

struct Flow<'a> {
    participation: &'a Participation,
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
        let email = &self.participation.email;
        let Some(found) = &self.facts.found else { return Step::Ask(Question::FindProfile(email.clone())) };
        let target = match profile::choose(found) {
            Some(profile) => Target { profile, create: false },
            None => Target { profile: ProfileRef::Alias(Alias::for_email(email)), create: true },
        };
        self.write(target, EventProgress::NotSent)
    }

    /// Addressed by e-mail, Braze creates a profile for each of two requests that race. So one participation claims the
    /// creation, and the others wait until Braze has built the profile.
    fn claim(&self) -> Step {
        let target = Target { profile: ProfileRef::Email(self.participation.email.clone()), create: true };
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

    fn enroll(&self, target: &Target, event: EventProgress) -> Step {
        if let Some(written) = &self.facts.written {
            return self.written(target, event, written);
        }
        match event {
            EventProgress::NotSent | EventProgress::Recorded => self.write(target.clone(), event),
            EventProgress::Attempted { at } => self.verify(target, at),
        }
    }

    fn written(&self, target: &Target, event: EventProgress, written: &Written) -> Step {
        match (written, event) {
            (Written::Done, _) => Step::Done(Outcome::Enrolled),
            (Written::Refused { reason }, _) => Step::Done(Outcome::Rejected { reason: reason.clone() }),
            (Written::NotDone { retry_at }, EventProgress::Attempted { .. }) => {
                self.wait(target, EventProgress::NotSent, *retry_at)
            }
            (Written::Unknown { .. }, EventProgress::Attempted { .. }) => {
                self.wait(target, event, self.settled_from(self.now))
            }
            (Written::NotDone { retry_at }, EventProgress::NotSent | EventProgress::Recorded) => {
                self.wait(target, event, *retry_at)
            }
            (Written::Unknown { retry_at }, EventProgress::NotSent | EventProgress::Recorded) => {
                self.wait(target, event, self.repeat_at(target, *retry_at))
            }
        }
    }

    /// An attempt was begun and its outcome is not known: give Braze the time it may take, then look whether the event
    /// is there, and only if it is not, send it again. Attributes can be repeated without harm, so they are.
    fn verify(&self, target: &Target, attempted_at: Timestamp) -> Step {
        let settled = self.settled_from(attempted_at);
        if self.now < settled {
            return self.wait(target, EventProgress::Attempted { at: attempted_at }, settled);
        }
        let Some(event) = self.event() else { return self.write(target.clone(), EventProgress::NotSent) };
        match self.facts.recorded {
            None => Step::Ask(Question::EventRecorded {
                profile: target.profile.clone(),
                event: event.name,
                since: event.time,
            }),
            Some(true) => self.write(target.clone(), EventProgress::Recorded),
            Some(false) => self.write(target.clone(), EventProgress::NotSent),
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
            create: target.create.then(|| self.participation.email.clone()),
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
