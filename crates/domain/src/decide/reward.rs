//! What follows the end of a flow: the ledger resolves the award, and the profile shows the reward. Most of
//! it happens in the same run; a place that is released later, or a raffle at its close, brings a
//! participation back here.

use crate::Timestamp;
use crate::attributes::{AttributeValue, Attributes};
use crate::award::{Award, AwardStatus, Refusal, Resolution};
use crate::brand::{Identity, IdentityByPhone, RewardsToBraze};
use crate::decide::{
    Facts, ProfileEvent, ProfileWrite, Question, Step, Terms, Written, custom_event, enroll, find, identity,
    remembered,
};
use crate::incentive::{NoPrize, Reward};
use crate::participation::{EventProgress, Participation, Parts, Shown, Target, Way};
use crate::profile::{self, FoundProfile, ProfileRef};
use crate::time::later;

/// A reward that Braze did not accept this many times is not shown: two weeks of tries, five minutes apart.
const MOST_FAILURES: u32 = 4_000;

/// What the ledger must do before anything else: a participation earns its credit on receipt or at its end,
/// and is credited at once.
pub(super) fn resolution(
    participation: &Participation,
    terms: &Terms<'_>,
    facts: &Facts,
) -> Option<Resolution> {
    let award = facts.award.as_ref()?;
    let who = participation.who();
    let is_news = award.ledger.incentive.is_some() && !award.knows(who);
    if award.is_resolved() {
        let counts = match &award.status {
            AwardStatus::Reserved { .. } | AwardStatus::Waiting | AwardStatus::InRaffle => true,
            AwardStatus::Rewarded { .. } | AwardStatus::NoPrize(NoPrize::NotDrawn) => {
                identity::meets_others(participation, terms, award)
            }
            // A line that can win nothing any more takes nothing away from the participant's other lines.
            AwardStatus::New | AwardStatus::NoPrize(_) | AwardStatus::Released => false,
        };
        return (is_news && counts && award.is_entered()).then_some(Resolution::Identify(who));
    }
    if participation.earned_at().is_some() {
        Some(if is_news { Resolution::CreditAs(who) } else { Resolution::Credit })
    } else if participation.state().unanswered().is_some() {
        Some(Resolution::Refuse(Refusal::PhoneMismatch))
    } else if participation.state().is_end() {
        Some(Resolution::Release)
    } else {
        None
    }
}

/// The attributes for a reward, under the names that the brand chose.
pub(super) fn attributes(award: Option<&Award>, names: &RewardsToBraze) -> Attributes {
    let mut attributes = Attributes::default();
    let Some((award, (reward, place))) = award.and_then(|award| Some((award, award.reward()?))) else {
        return attributes;
    };
    let incentive = award.ledger.incentive.as_ref();
    let values = [
        (&names.reward, Some(value(reward))),
        (&names.position, place.map(|place| AttributeValue::Integer(i64::from(place)))),
        (&names.incentive, incentive.map(|id| AttributeValue::Text(id.to_string()))),
    ];
    for (name, value) in values {
        if let (Some(name), Some(value)) = (name, value) {
            // Names and values were checked with the brand file.
            let _fits = attributes.set(name, value);
        }
    }
    attributes
}

fn value(reward: &Reward) -> AttributeValue {
    match reward {
        Reward::Code(code) => AttributeValue::Text(code.clone()),
        Reward::Value(amount) => match amount.to_string().parse() {
            Ok(whole) => AttributeValue::Integer(whole),
            #[expect(clippy::expect_used, reason = "a reward of nothing would be written to the profile")]
            Err(_) => {
                AttributeValue::Float(amount.to_string().parse().expect("an amount is written as a number"))
            }
        },
    }
}

/// The next step of a participation whose flow has ended.
pub(super) fn decide(
    participation: &Participation,
    terms: &Terms<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Step {
    FollowUp { participation, terms, facts, now }.step()
}

/// The profile of a participation, and whether a write may still have to create it; or the step that finds it out.
pub(super) fn profile(
    participation: &Participation,
    terms: &Terms<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Result<(ProfileRef, bool), Box<Step>> {
    FollowUp { participation, terms, facts, now }.profile()
}

struct FollowUp<'a> {
    participation: &'a Participation,
    terms: &'a Terms<'a>,
    facts: &'a Facts,
    now: Timestamp,
}

impl FollowUp<'_> {
    fn step(&self) -> Step {
        let shown = self.participation.shown();
        if !self.participation.unplaced().unreported().is_empty() {
            return Step::Defer { shown, until: self.now };
        }
        if self.facts.refused.is_some() || self.participation.failures() >= MOST_FAILURES {
            let left = self.left();
            return if left.is_empty() { Step::Rest } else { Step::GiveUp(left) };
        }
        if let Some(progress) = shown.flow_event {
            return self.flow_event_again(progress);
        }
        let attributes = match self.attributes() {
            Ok(attributes) => attributes,
            Err(step) => return *step,
        };
        match (self.event(), shown.event) {
            (Some(_), EventProgress::Recorded) | (None, _) => self.without_event(attributes),
            (Some(event), _) => self.with_event(attributes, event),
        }
    }

    /// The parts that are left to write.
    fn left(&self) -> Parts {
        let shown = self.participation.shown();
        let event = self.event().filter(|_| shown.event != EventProgress::Recorded);
        let missing = self.participation.missing().unwrap_or_default();
        Parts {
            flow_event: missing.flow_event || shown.flow_event.is_some(),
            reward: missing.reward || !self.won().is_empty(),
            event: missing.event.or(event.map(|event| event.time)),
            ..missing
        }
    }

    /// The attributes of the reward that the profile does not show yet.
    fn won(&self) -> Attributes {
        if self.participation.shown().attributes {
            Attributes::default()
        } else {
            attributes(self.facts.award.as_ref(), &self.terms.activation.rewards)
        }
    }

    /// The attributes that the profile does not show yet, or the step that finds them out.
    fn attributes(&self) -> Result<Attributes, Box<Step>> {
        let won = self.won();
        let missing = self.participation.missing().filter(|missing| missing.flow);
        match missing.and_then(|_| self.update(&won)) {
            Some(update) => {
                let (profile, create) = self.profile()?;
                let (target, activation) = (Target { profile, create }, self.terms.activation);
                let attributes = update.attributes(self.participation, activation, &target, self.facts);
                attributes.map_err(|question| Box::new(Step::Ask(question)))
            }
            None => Ok(won),
        }
    }

    /// The update that the flow wrote.
    fn update(&self, won: &Attributes) -> Option<enroll::ProfileUpdate<'_>> {
        let (participation, activation) = (self.participation, self.terms.activation);
        match participation.way() {
            Way::Email { email, .. } => activation
                .email
                .as_ref()
                .map(|offered| enroll::ProfileUpdate::of_email(participation, email, offered, won.clone())),
            Way::Event { event, email } => activation.events.get(&event.name).map(|offered| {
                enroll::ProfileUpdate::of_event(participation, event, email, offered, won.clone())
            }),
            Way::Sms { .. } | Way::Forgotten(_) => None,
        }
    }

    /// Sends the flow's event again, with everything that was written with it, unless the profile that carries the
    /// consumer's address has it: a merge moves events.
    fn flow_event_again(&self, progress: EventProgress) -> Step {
        let shown = self.participation.shown();
        let done = || Step::Defer { shown: Shown { flow_event: None, ..shown }, until: self.now };
        let update = self.update(&Attributes::default());
        let event = update.and_then(|update| update.event(self.participation));
        let Some(event) = event.filter(|_| progress != EventProgress::Recorded) else { return done() };
        let profile = match self.profile() {
            Ok((profile, _)) => profile,
            Err(step) => return *step,
        };
        let settled = |at: Timestamp| later(at, self.terms.brand.braze.settle);
        match custom_event::next(&event, &profile, progress, self.facts, self.now, settled) {
            custom_event::Next::Send => {
                let attempted = EventProgress::Attempted { at: self.now, time: event.time };
                let shown = Shown { flow_event: Some(attempted), ..shown };
                match self.attributes() {
                    Ok(attributes) => self.write(attributes, Some(event), shown),
                    Err(step) => *step,
                }
            }
            custom_event::Next::Ask(question) => Step::Ask(question),
            custom_event::Next::Wait(progress, until) => {
                Step::Defer { shown: Shown { flow_event: Some(progress), ..shown }, until }
            }
            custom_event::Next::Recorded => done(),
            custom_event::Next::Refused(_) => Step::GiveUp(self.left()),
        }
    }

    /// The event to log: it goes out with the reward, or with the credit if there is no incentive.
    fn event(&self) -> Option<ProfileEvent> {
        let names = &self.terms.activation.rewards;
        let without_incentive = self.terms.activation.incentive_of(self.participation.way()).is_none();
        let rewarded = self.facts.award.as_ref().is_some_and(|award| award.reward().is_some());
        let earned = rewarded || (without_incentive && self.participation.earned_at().is_some());
        let name = names.event.as_ref().filter(|_| earned)?;
        let told = RewardsToBraze {
            reward: Some("reward".to_owned()),
            position: Some("position".to_owned()),
            incentive: Some("incentive".to_owned()),
            event: None,
        };
        Some(ProfileEvent {
            name: name.clone(),
            time: self.participation.shown().event.time().unwrap_or(self.now),
            scope: self.participation.scope().to_string(),
            properties: attributes(self.facts.award.as_ref(), &told),
        })
    }

    fn without_event(&self, attributes: Attributes) -> Step {
        let shown = self.participation.shown();
        match &self.facts.written {
            _ if attributes.is_empty() => Step::Rest,
            Some(Written::NotDone { retry_at } | Written::Unknown { retry_at }) => {
                Step::Defer { shown, until: *retry_at }
            }
            Some(Written::Refused { .. }) => Step::GiveUp(self.left()),
            Some(Written::Done) => Step::Rest,
            None => self.write(attributes, None, shown),
        }
    }

    fn with_event(&self, attributes: Attributes, event: ProfileEvent) -> Step {
        let shown = self.participation.shown();
        let profile = match self.profile() {
            Ok((profile, _)) => profile,
            Err(step) => return *step,
        };
        let settled = |at: Timestamp| later(at, self.terms.brand.braze.settle);
        match custom_event::next(&event, &profile, shown.event, self.facts, self.now, settled) {
            custom_event::Next::Send => {
                let attempted = EventProgress::Attempted { at: self.now, time: event.time };
                self.write(attributes, Some(event), Shown { event: attempted, ..shown })
            }
            custom_event::Next::Ask(question) => Step::Ask(question),
            custom_event::Next::Wait(event, until) => Step::Defer { shown: Shown { event, ..shown }, until },
            // The event is on the profile, so only the attributes sent with it are uncertain.
            custom_event::Next::Recorded if attributes.is_empty() => {
                Step::Defer { shown: Shown { event: EventProgress::Recorded, ..shown }, until: self.now }
            }
            custom_event::Next::Recorded => {
                self.write(attributes, None, Shown { event: EventProgress::Recorded, ..shown })
            }
            custom_event::Next::Refused(_) => Step::GiveUp(self.left()),
        }
    }

    fn write(&self, attributes: Attributes, event: Option<ProfileEvent>, shown: Shown) -> Step {
        let (profile, create) = match self.profile() {
            Ok(found) => found,
            Err(step) => return *step,
        };
        let write = ProfileWrite {
            profile,
            create,
            email: self.participation.email().filter(|_| create).cloned(),
            phone: None,
            subscribe: None,
            attributes,
            event,
            // Of what is written again, only a part may be the reward.
            shows_reward: self.participation.missing().is_none()
                || self.facts.award.as_ref().is_some_and(|award| award.reward().is_some()),
            takes_number: false,
            consent: None,
        };
        Step::Show { shown, write }
    }

    /// The profile to write to, and whether the write may still have to create it; or the step that finds it
    /// out.
    fn profile(&self) -> Result<(ProfileRef, bool), Box<Step>> {
        if let Way::Forgotten(_) = self.participation.way() {
            return Err(Box::new(Step::Rest));
        }
        let ask = |question| Box::new(Step::Ask(question));
        if self.participation.missing().is_some() {
            return self.profile_of_contact();
        }
        if let Some(profile) = self.repaired() {
            return Ok((profile, false));
        }
        if let Some(profile) = self.participation.event().and_then(|event| event.profile.as_ref()) {
            let may_be_gone = remembered::may_be_gone(self.participation, self.terms.brand, self.now);
            if !may_be_gone || remembered::is_there(self.facts, profile).map_err(ask)? {
                return Ok((profile.clone(), false));
            }
            return self.profile_of_contact();
        }
        if let (IdentityByPhone::Phone, Way::Sms { phone, .. }) =
            (self.terms.brand.braze.identity_by_phone, self.participation.way())
        {
            return self.settled().map(|()| (ProfileRef::Phone(phone.clone()), false));
        }
        let email = self.participation.email();
        if let (Identity::Email, Some(email)) = (self.terms.brand.braze.identity, email) {
            return self.settled().map(|()| (ProfileRef::Email(email.clone()), false));
        }
        let region = self.terms.activation.sms.as_ref().map(|sms| sms.region);
        let terms = (self.terms.brand, region);
        let remembered = remembered::profile(self.participation, terms, self.facts, self.now).map_err(ask)?;
        if let Some(hint) = remembered {
            // A write that creates the profile sets the address, which the consumer may have changed once there is a profile.
            let may_be_missing = self.now < later(hint.learned_at, self.terms.brand.braze.settle);
            return Ok((hint.profile.clone(), hint.is_fresh(self.now) && may_be_missing));
        }
        let found = find::profiles(self.participation, self.terms.brand, self.facts).map_err(ask)?;
        self.of_contact(found)
    }

    /// The profile that carries the consumer's address or number now, whatever we remember.
    fn profile_of_contact(&self) -> Result<(ProfileRef, bool), Box<Step>> {
        let Some(found) = &self.facts.found else {
            return Err(Box::new(Step::Ask(Question::FindProfile)));
        };
        self.of_contact(found)
    }

    /// The consumer's profile among those that were found. A profile may come later, so it is looked for again.
    fn of_contact(&self, found: &[FoundProfile]) -> Result<(ProfileRef, bool), Box<Step>> {
        let until = later(self.now, self.terms.brand.braze.settle);
        let none = || Box::new(Step::NoProfile { until });
        let profile = self.chosen(found).or_else(|| remembered::still_there(self.facts));
        profile.map(|profile| (profile, false)).ok_or_else(none)
    }

    /// The profile that something missing was written to a moment ago.
    fn repaired(&self) -> Option<ProfileRef> {
        let sent = self.participation.sent().filter(|sent| sent.missing_before > 0)?;
        let fresh = self.now < later(sent.at, self.terms.brand.braze.hint_fresh);
        fresh.then(|| sent.profile.clone())
    }

    fn chosen(&self, found: &[FoundProfile]) -> Option<ProfileRef> {
        match (self.participation.way(), &self.terms.activation.sms) {
            (Way::Sms { phone, email, .. }, Some(sms)) => {
                profile::choose_for(found, (phone, sms.region), email.as_ref()).map(|(profile, _)| profile)
            }
            (Way::Sms { .. } | Way::Email { .. } | Way::Event { .. } | Way::Forgotten(_), _) => {
                profile::choose(found, self.participation.email())
            }
        }
    }

    /// Waits until the profile is built: by address, Braze would create a second profile while it builds the
    /// first.
    fn settled(&self) -> Result<(), Box<Step>> {
        let wrote_at = self.participation.updated_at();
        let until = later(wrote_at, self.terms.brand.braze.settle);
        let just_wrote = self.participation.event().is_none() && self.now < until;
        let shown = self.participation.shown();
        if just_wrote { Err(Box::new(Step::Defer { shown, until })) } else { Ok(()) }
    }
}

#[cfg(test)]
#[path = "reward_tests.rs"]
pub(super) mod tests;
