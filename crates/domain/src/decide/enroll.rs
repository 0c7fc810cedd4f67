//! Enrols a consumer by e-mail or by an event that Braze reported: finds or creates the profile, writes to
//! it, and logs the event once.

mod confirm;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::brand::{Activation, Brand, EmailActivation, EmailOptIn, EventActivation, Identity};
use crate::contact::Email;
use crate::decide::consent::{self, ConsentPart};
use crate::decide::{
    Claim, Command, Facts, ProfileEvent, ProfileWrite, Question, Step, Terms, Written, answers, custom_event,
    find, remembered,
};
use crate::participation::{BrazeEvent, EnrollState, EventProgress, Open, Outcome, Participation, Target};
use crate::profile::{self, Alias, ProfileHint, ProfileRef};
use crate::time::later;

/// The profile update of a participation.
pub(super) struct ProfileUpdate<'a> {
    email: &'a Email,
    /// The profile, if Braze named it.
    profile: Option<&'a ProfileRef>,
    /// The attributes that the consumer or the webhook gave.
    given: Attributes,
    /// Whether the given attributes are answers, which do not replace what the profile has.
    answers: bool,
    /// The attributes that the brand and the reward set.
    ours: Attributes,
    event: Option<&'a str>,
    /// Whether a profile is created if there is none.
    creates: bool,
    /// Whether the reward is among the attributes.
    shows_reward: bool,
    /// How the consumer confirms, if the event makes the brand ask.
    opt_in: Option<&'a EmailOptIn>,
    ends: Outcome,
}

impl<'a> ProfileUpdate<'a> {
    /// The profile update of a participation by e-mail.
    pub(super) fn of_email(
        participation: &Participation,
        email: &'a Email,
        activation: &'a EmailActivation,
        won: Attributes,
    ) -> Self {
        Self {
            email,
            profile: None,
            given: participation.attributes().clone(),
            answers: true,
            ours: activation.attributes.beneath(&won),
            event: activation.event.as_deref(),
            creates: true,
            shows_reward: !won.is_empty(),
            opt_in: activation.opt_in.as_ref(),
            ends: Outcome::Enrolled,
        }
    }

    /// The profile update for an event. Braze reported the event on an existing profile, so none is ever
    /// created.
    pub(super) fn of_event(
        participation: &Participation,
        event: &'a BrazeEvent,
        email: &'a Email,
        activation: &'a EventActivation,
        won: Attributes,
    ) -> Self {
        let extras = activation.extras.iter().map(|extra| extra.name.as_str());
        Self {
            email,
            profile: event.profile.as_ref(),
            given: participation.attributes().only(extras),
            answers: false,
            ours: activation.attributes.beneath(&won),
            event: None,
            creates: false,
            shows_reward: !won.is_empty(),
            opt_in: None,
            ends: Outcome::Credited,
        }
    }
}

impl ProfileUpdate<'_> {
    /// The attributes of the update, with those answers only that `profile` does not have a value for yet.
    ///
    /// # Errors
    /// The question to ask first.
    pub(super) fn attributes(
        &self,
        participation: &Participation,
        activation: &Activation,
        target: &Target,
        facts: &Facts,
    ) -> Result<Attributes, Question> {
        let given = match self.answers {
            true => answers::to_write(participation, activation, target, facts)?,
            false => self.given.clone(),
        };
        Ok(given.beneath(&self.ours))
    }

    /// The event of the update.
    pub(super) fn event(&self, participation: &Participation) -> Option<ProfileEvent> {
        self.event.map(|name| ProfileEvent {
            name: name.to_owned(),
            time: participation.accepted_at(),
            scope: participation.scope().to_string(),
            properties: Attributes::default(),
        })
    }
}

pub(super) fn decide(
    (participation, state): (&Participation, &EnrollState),
    update: &ProfileUpdate<'_>,
    terms: &Terms<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Step {
    let (brand, activation) = (terms.brand, terms.activation);
    let flow = EnrollFlow { participation, update, terms, brand, activation, facts, now };
    match state {
        EnrollState::Received => flow.begin(),
        EnrollState::Enrolling { target, event } => flow.enroll(target, *event),
        EnrollState::AwaitingOptIn { target, since } => flow.poll(target, *since),
    }
}

struct EnrollFlow<'a> {
    participation: &'a Participation,
    update: &'a ProfileUpdate<'a>,
    terms: &'a Terms<'a>,
    brand: &'a Brand,
    activation: &'a Activation,
    facts: &'a Facts,
    now: Timestamp,
}

impl EnrollFlow<'_> {
    fn begin(&self) -> Step {
        let update = self.update;
        if !update.creates && update.given.is_empty() && update.ours.is_empty() {
            return Step::Done(update.ends.clone());
        }
        match (update.profile, self.brand.braze.identity) {
            (Some(profile), _) => {
                match self.still_theirs(&Target { profile: profile.clone(), create: false }) {
                    Ok(target) => self.write(target, EventProgress::NotSent),
                    Err(step) => *step,
                }
            }
            (None, Identity::Alias) => self.find(),
            (None, Identity::Email) if update.creates => self.claim(),
            (None, Identity::Email) => {
                let profile = ProfileRef::Email(update.email.clone());
                self.write(Target { profile, create: false }, EventProgress::NotSent)
            }
        }
    }

    /// Finds the profile. A hint in our own store costs nothing; Braze's look-up is the scarce request.
    fn find(&self) -> Step {
        match remembered::profile(self.participation, (self.brand, None), self.facts, self.now) {
            Ok(Some(hint)) => {
                return self.wait_for(hint).unwrap_or_else(|| match self.target_of(hint) {
                    Ok(target) => self.write(target, EventProgress::NotSent),
                    Err(question) => Step::Ask(question),
                });
            }
            Ok(None) => {}
            Err(question) => return Step::Ask(question),
        }
        match self.look_up() {
            Ok(target) => self.write(target, EventProgress::NotSent),
            Err(step) => *step,
        }
    }

    /// The profile that Braze has for the consumer, or the one to create; or the step that finds it out.
    fn look_up(&self) -> Result<Target, Box<Step>> {
        let found = find::profiles(self.participation, self.brand, self.facts)
            .map_err(|question| Box::new(Step::Ask(question)))?;
        match profile::choose(found, Some(self.update.email)).or_else(|| remembered::still_there(self.facts))
        {
            Some(profile) => Ok(Target { profile, create: false }),
            None if self.update.creates => {
                let profile = ProfileRef::Alias(Alias::for_email(self.update.email));
                Ok(Target { profile, create: true })
            }
            None => Err(Box::new(Step::Done(self.update.ends.clone()))),
        }
    }

    /// The target; or the consumer's profile now, if the target has waited for so long that its profile may be gone, and
    /// is. A profile that the write creates is not asked for: it may not be there yet.
    fn still_theirs(&self, target: &Target) -> Result<Target, Box<Step>> {
        let may_be_gone = !target.create
            && !matches!(target.profile, ProfileRef::Email(_))
            && self.facts.written.is_none()
            && remembered::may_be_gone(self.participation, self.brand, self.now);
        if !may_be_gone {
            return Ok(target.clone());
        }
        let is_theirs = if self.update.profile == Some(&target.profile) {
            remembered::is_there(self.facts, &target.profile)
        } else {
            remembered::is_theirs(self.participation, None, self.facts, &target.profile)
        };
        if is_theirs.map_err(|question| Box::new(Step::Ask(question)))? {
            Ok(target.clone())
        } else {
            self.look_up()
        }
    }

    /// The target; or the consumer's profile now, if a profile was to be created a long time ago: the app may have created
    /// one since.
    fn still_missing(&self, target: &Target) -> Result<Target, Box<Step>> {
        let waited = target.create
            && matches!(target.profile, ProfileRef::Alias(_))
            && remembered::may_be_gone(self.participation, self.brand, self.now);
        if waited { self.look_up() } else { Ok(target.clone()) }
    }

    /// If a profile is addressed by e-mail, Braze creates one for each of two concurrent requests. So one
    /// participation claims the creation, and the others wait until Braze has built the profile.
    fn claim(&self) -> Step {
        let target = Target { profile: ProfileRef::Email(self.update.email.clone()), create: true };
        match self.facts.claim {
            None => Step::Ask(Question::Claim),
            Some(Claim::Ours) => self.write(target, EventProgress::NotSent),
            Some(Claim::Theirs { at }) => {
                let settled = later(at, self.brand.braze.settle);
                if self.now < settled {
                    Step::Wait { state: Open::Enroll(EnrollState::Received), until: settled }
                } else {
                    self.write(target, EventProgress::NotSent)
                }
            }
        }
    }

    /// Waits for a profile that was just created and does not show yet: only when it shows is it known which
    /// answers it has.
    fn wait_for(&self, hint: &ProfileHint) -> Option<Step> {
        let built = self.settled_from(hint.learned_at);
        let confirmed =
            self.facts.confirmed.as_ref().filter(|confirmed| confirmed.profile == hint.profile)?;
        let is_missing = !confirmed.found.iter().any(|found| found.is_named(&hint.profile));
        let waits = answers::are_kept(self.participation, self.activation) && is_missing && self.now < built;
        waits.then_some(Step::Wait { state: Open::Enroll(EnrollState::Received), until: built })
    }

    /// How to write to a profile that we remember. One that we created a moment ago may not be there yet. Once Braze shows it,
    /// its address is left alone: the consumer may have changed it.
    fn target_of(&self, known: &ProfileHint) -> Result<Target, Question> {
        let is_built = || remembered::is_there(self.facts, &known.profile);
        let create =
            known.is_fresh(self.now) && (self.now < self.settled_from(known.learned_at) || !is_built()?);
        Ok(Target { profile: known.profile.clone(), create })
    }

    fn enroll(&self, target: &Target, progress: EventProgress) -> Step {
        let target = match self.still_theirs(target) {
            Ok(target) => target,
            Err(step) => return *step,
        };
        match (self.event(), progress) {
            (Some(_), EventProgress::Recorded) | (None, _) => self.without_event(&target, progress),
            (Some(event), _) => self.with_event(&target, progress, &event),
        }
    }

    /// Attributes can be written again without harm, so they are.
    fn without_event(&self, target: &Target, progress: EventProgress) -> Step {
        match &self.facts.written {
            None => match self.still_missing(target) {
                Ok(target) => self.write(target, progress),
                Err(step) => *step,
            },
            Some(Written::Done) => self.written(target, progress),
            Some(Written::Refused { reason }) => Step::Done(Outcome::Rejected { reason: reason.clone() }),
            Some(Written::NotDone { retry_at }) => self.wait(target, progress, *retry_at),
            Some(Written::Unknown { retry_at }) => {
                self.wait(target, progress, self.repeat_at(target, *retry_at))
            }
        }
    }

    fn with_event(&self, target: &Target, progress: EventProgress, event: &ProfileEvent) -> Step {
        let settled = |at| self.settled_from(at);
        match custom_event::next(event, &target.profile, progress, self.facts, self.now, settled) {
            custom_event::Next::Send => match self.still_missing(target) {
                Ok(target) => self.write(target, EventProgress::NotSent),
                Err(step) => *step,
            },
            custom_event::Next::Ask(question) => Step::Ask(question),
            custom_event::Next::Wait(progress, until) => self.wait(target, progress, until),
            custom_event::Next::Refused(reason) => Step::Done(Outcome::Rejected { reason }),
            // The event is on the profile, so only the attributes sent with it are uncertain.
            custom_event::Next::Recorded if self.facts.written.is_none() => {
                self.write(target.clone(), EventProgress::Recorded)
            }
            custom_event::Next::Recorded => self.written(target, progress),
        }
    }

    /// Writes attributes and event in one request: an event by alias never creates the profile that it is
    /// for.
    fn write(&self, target: Target, progress: EventProgress) -> Step {
        let attributes =
            match self.update.attributes(self.participation, self.activation, &target, self.facts) {
                Ok(attributes) => attributes,
                Err(question) => return Step::Ask(question),
            };
        let asks = match self.asks(&target, progress) {
            Ok(asks) => asks,
            Err(question) => return Step::Ask(question),
        };
        let was = progress;
        let (event, progress) = match (self.event().filter(|_| asks), progress) {
            (Some(_), EventProgress::Recorded) => (None, EventProgress::Recorded),
            (Some(event), _) => {
                let attempted = EventProgress::Attempted { at: self.now, time: event.time };
                (Some(event), attempted)
            }
            (None, _) => (None, EventProgress::NotSent),
        };
        // A consumer who was asked consents by confirming.
        let is_asked = self.update.opt_in.is_some() && progress != EventProgress::NotSent;
        let consent = match consent::with_write(self.participation, self.terms, &target, self.facts, self.now)
        {
            _ if is_asked => None,
            ConsentPart::Nothing => None,
            ConsentPart::Write(write) => Some(write),
            ConsentPart::Step(step) => return *step,
            ConsentPart::Wait(until) => return self.wait(&target, was, until),
        };
        if !target.create && attributes.is_empty() && event.is_none() && consent.is_none() {
            return self.written(&target, progress);
        }
        let write = ProfileWrite {
            profile: target.profile.clone(),
            create: target.create,
            email: target.create.then(|| self.update.email.clone()),
            phone: None,
            subscribe: None,
            attributes,
            event,
            shows_reward: self.update.shows_reward,
            takes_number: false,
            consent,
        };
        let state = Open::Enroll(EnrollState::Enrolling { target, event: progress });
        Step::Tell { state, command: Command::Write(write) }
    }

    fn event(&self) -> Option<ProfileEvent> {
        self.update.event(self.participation)
    }

    /// When a write of unknown outcome may be repeated. One that creates a profile by e-mail must not overlap
    /// with its own first attempt.
    fn repeat_at(&self, target: &Target, retry_at: Timestamp) -> Timestamp {
        match target.profile {
            ProfileRef::Email(_) if target.create => retry_at.max(self.settled_from(self.now)),
            ProfileRef::Email(_)
            | ProfileRef::Phone(_)
            | ProfileRef::ExternalId(_)
            | ProfileRef::Alias(_)
            | ProfileRef::BrazeId(_) => retry_at,
        }
    }

    fn settled_from(&self, at: Timestamp) -> Timestamp {
        later(at, self.brand.braze.settle)
    }

    fn wait(&self, target: &Target, event: EventProgress, until: Timestamp) -> Step {
        let state = Open::Enroll(EnrollState::Enrolling { target: target.clone(), event });
        Step::Wait { state, until }
    }
}
