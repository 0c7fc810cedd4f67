use super::*;
use crate::accept::Acceptance;
use crate::attributes::AttributeValue;
use crate::award::{Award, AwardStatus, Resolution, SiblingLines};
use crate::brand::{
    Activation, Brand, CreditMoment, EmailActivation, EventActivation, Identity, RewardsToBraze,
};
use crate::contact::{Contact, Email};
use crate::decide::tests::{ada, brand, changed, closed_to_all};
use crate::decide::{Claim, Command, Confirmation, Question, decide as decide_any};
use crate::id_key::IdKey;
use crate::ids::{IncentiveId, LedgerKey, Scope};
use crate::incentive::{NoPrize, Offer};
use crate::participation::{BrazeEvent, EnrollState, Open, Outcome, Snapshot, State, Target};
use crate::profile::{Alias, FoundProfile, ProfileHint};
use crate::unknown::UnknownFields;

#[path = "reward_again_tests.rs"]
mod again;
#[path = "reward_profile_tests.rs"]
mod profiles;

const SETTLE: i64 = 120;

pub(in crate::decide) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(in crate::decide) fn email() -> Email {
    Email::parse("ada@example.com").unwrap()
}

pub(in crate::decide) struct RewardWorld {
    pub(in crate::decide) brand: Brand,
    pub(in crate::decide) activation: Activation,
    pub(in crate::decide) participation: Participation,
    pub(in crate::decide) facts: Facts,
}

impl RewardWorld {
    /// A participation by e-mail or event, with an award in this status.
    fn new(by_event: bool, status: AwardStatus) -> Self {
        let brand = brand(Identity::Alias);
        let rewards = RewardsToBraze {
            reward: Some("q_reward".into()),
            position: Some("q_position".into()),
            ..RewardsToBraze::default()
        };
        let incentive = IncentiveId::parse("early").unwrap();
        let mut attributes = Attributes::default();
        attributes.set("p", AttributeValue::Boolean(true)).unwrap();
        let marks = EmailActivation {
            attributes,
            event: None,
            credit: CreditMoment::OnReceipt,
            incentive: Some(incentive.clone()),
            opt_in: None,
        };
        let event = EventActivation { incentive: Some(incentive.clone()), ..EventActivation::default() };
        let activation = Activation {
            email: Some(marks),
            events: [("signed_in".to_owned(), event)].into(),
            rewards,
            ..closed_to_all()
        };
        let key = IdKey::new([1; 32]);
        let contact = Contact::Email(email());
        let id = key.participation(&activation.scope, &contact);
        let terms = (&brand, &activation);
        let participation = if by_event {
            let event = BrazeEvent { name: "signed_in".into(), profile: None, sent_at: None };
            Acceptance::new(id, terms, at(0)).by_event(event, email(), Attributes::default())
        } else {
            Acceptance::new(id, terms, at(0)).by_email(email(), None, Attributes::default())
        };
        assert!(participation.has_award());
        let award = Award {
            id,
            brand: brand.id.clone(),
            ledger: LedgerKey { scope: Scope::parse("spring").unwrap(), incentive: Some(incentive) },
            participant: key.contact(&brand.id, &contact),
            other_keys: Vec::new(),
            others: SiblingLines::None,
            offer: Offer::ByPlace,
            arrival: std::num::NonZeroU64::new(7),
            number: None,
            status,
            credited_at: None,
            rewarded_at: None,
            due_at: None,
            unknown: UnknownFields::default(),
        };
        let facts = Facts { award: Some(award), ..Facts::default() };
        Self { brand, activation, participation, facts }
    }

    pub(in crate::decide) fn rewarded(by_event: bool) -> Self {
        let reward = Reward::Code("SPRING20".into());
        Self::new(by_event, AwardStatus::Rewarded { place: Some(7), reward }).settled()
    }

    fn settled(mut self) -> Self {
        self.facts.award.as_mut().unwrap().credited_at = Some(at(0));
        self
    }

    pub(in crate::decide) fn ended(mut self, outcome: Outcome) -> Self {
        self.participation.apply(&Step::Done(outcome), at(0));
        self
    }

    pub(in crate::decide) fn change(&mut self, change: impl FnOnce(&mut Snapshot)) {
        self.participation = changed(self.participation.clone(), change);
    }

    fn knows(mut self, created: bool) -> Self {
        let profile = ProfileRef::Alias(Alias::for_email(&email()));
        let by = self.participation.id();
        self.facts.known = Some(Some(ProfileHint { profile, learned_at: at(0), created, by }));
        self
    }

    /// Braze confirms the remembered profile.
    fn confirms(&mut self) {
        let profile = self.facts.known.clone().flatten().unwrap().profile;
        self.facts.confirmed = Some(Confirmation { profile, found: vec![ada()] });
    }

    fn next(&self, now: Timestamp) -> Step {
        let terms = Terms { brand: &self.brand, activation: &self.activation };
        decide_any(&self.participation, &terms, &self.facts, now)
    }
}

fn names(write: &ProfileWrite) -> Vec<&str> {
    write.attributes.iter().map(|(name, _)| name).collect()
}

fn shown(step: Step) -> (Shown, ProfileWrite) {
    match step {
        Step::Show { shown, write } => (shown, write),
        other => panic!("nothing is shown: {other:?}"),
    }
}

#[test]
fn an_award_credited_on_receipt_is_resolved_before_anything_is_asked() {
    for by_event in [true, false] {
        let world = RewardWorld::new(by_event, AwardStatus::Reserved { place: 7 });
        assert_eq!(world.next(at(1)), Step::Resolve(Resolution::Credit));
    }
}

#[test]
fn an_award_earned_by_enrollment_is_resolved_at_the_end() {
    let mut world = RewardWorld::new(false, AwardStatus::Reserved { place: 7 });
    world.change(|snapshot| snapshot.earned_at = None);
    assert_eq!(world.next(at(1)), Step::Ask(Question::ProfileHint));
    let enrolled =
        RewardWorld { participation: world.participation.clone(), ..world }.ended(Outcome::Enrolled);
    assert_eq!(enrolled.next(at(1)), Step::Resolve(Resolution::Credit));
}

#[test]
fn a_participation_that_ends_without_a_credit_gives_its_place_back() {
    for outcome in [Outcome::Rejected { reason: "no".into() }, Outcome::Failed { reason: "no".into() }] {
        let mut world = RewardWorld::new(false, AwardStatus::Reserved { place: 7 });
        world.change(|snapshot| snapshot.earned_at = None);
        assert_eq!(world.ended(outcome).next(at(1)), Step::Resolve(Resolution::Release));
    }
}

#[test]
fn a_credit_that_was_given_stays_given_whatever_braze_says_later() {
    let world = RewardWorld::rewarded(false).ended(Outcome::Rejected { reason: "no".into() }).knows(false);
    let (_, write) = shown(world.next(at(1)));
    assert_eq!(names(&write), ["q_position", "q_reward"]);
}

#[test]
fn a_known_reward_is_part_of_the_enrollment() {
    let mut world = RewardWorld::rewarded(false);
    world.facts.known = Some(None);
    world.facts.found = Some(Vec::new());
    let Step::Tell { command: Command::Write(write), .. } = world.next(at(1)) else { panic!("no write") };
    assert_eq!(names(&write), ["p", "q_position", "q_reward"]);
    assert!(write.create && write.shows_reward);
}

#[test]
fn an_event_with_nothing_to_show_needs_no_profile() {
    let world = RewardWorld::new(true, AwardStatus::Waiting).settled();
    assert_eq!(world.next(at(1)), Step::Done(Outcome::Credited));
    assert_eq!(world.ended(Outcome::Credited).next(at(1)), Step::Rest);
}

#[test]
fn an_event_never_creates_a_profile() {
    let mut world = RewardWorld::rewarded(true);
    world.facts.known = Some(None);
    world.facts.found = Some(Vec::new());
    assert_eq!(world.next(at(1)), Step::Done(Outcome::Credited));
    world.facts.found = Some(vec![FoundProfile { external_id: Some("u".into()), ..FoundProfile::default() }]);
    let Step::Tell { command: Command::Write(write), .. } = world.next(at(1)) else { panic!("no write") };
    assert!(!write.create && write.email.is_none());
}

#[test]
fn a_profile_that_braze_named_is_not_looked_up() {
    let mut world = RewardWorld::rewarded(true);
    world.change(|snapshot| {
        let Way::Event { event, .. } = &mut snapshot.way else { panic!("no event") };
        event.profile = Some(ProfileRef::BrazeId("b-1".into()));
    });
    let Step::Tell { command: Command::Write(write), .. } = world.next(at(1)) else { panic!("no write") };
    assert_eq!(write.profile, ProfileRef::BrazeId("b-1".into()));
}

#[test]
fn a_reward_that_comes_later_is_all_that_is_written_then() {
    let world = RewardWorld::rewarded(false).ended(Outcome::Enrolled);
    assert_eq!(world.next(at(9_000)), Step::Ask(Question::ProfileHint));
    let mut world = world.knows(false);
    assert!(matches!(world.next(at(9_000)), Step::Ask(Question::Confirm(ProfileRef::Alias(_)))));
    world.confirms();
    let (_, write) = shown(world.next(at(9_000)));
    assert_eq!(names(&write), ["q_position", "q_reward"]);
    assert!(!write.create);
}

#[test]
fn a_profile_that_braze_may_still_be_building_is_written_to_as_when_it_was_created() {
    let (_, write) = shown(RewardWorld::rewarded(false).ended(Outcome::Enrolled).knows(true).next(at(30)));
    assert_eq!((write.create, write.email), (true, Some(email())));
}

#[test]
fn by_address_a_later_reward_waits_until_the_profile_is_built() {
    let mut world = RewardWorld::rewarded(false).ended(Outcome::Enrolled);
    world.brand.braze.identity = Identity::Email;
    let until = match world.next(at(30)) {
        Step::Defer { until, .. } => until,
        other => panic!("{other:?}"),
    };
    assert_eq!(until, at(SETTLE));
    let (_, write) = shown(world.next(until));
    assert_eq!((write.profile, write.create), (ProfileRef::Email(email()), false));
}

#[test]
fn a_reward_that_is_shown_is_not_written_again() {
    let mut world = RewardWorld::rewarded(false).ended(Outcome::Enrolled).knows(false);
    world.change(|snapshot| snapshot.shown.attributes = true);
    assert_eq!(world.next(at(1)), Step::Rest);
}

#[test]
fn a_refused_reward_is_given_up_and_a_lost_one_is_tried_again() {
    let mut world = RewardWorld::rewarded(false).ended(Outcome::Enrolled).knows(false);
    world.facts.written = Some(Written::Refused { reason: "no".into() });
    assert!(matches!(world.next(at(1)), Step::GiveUp(_)));
    world.facts.written = Some(Written::Unknown { retry_at: at(5) });
    assert_eq!(world.next(at(1)), Step::Defer { shown: Shown::default(), until: at(5) });
}

#[test]
fn the_event_of_a_reward_goes_out_once() {
    let mut world = RewardWorld::rewarded(false).ended(Outcome::Enrolled).knows(false);
    world.activation.rewards.event = Some("q_rewarded".into());
    let (progress, write) = shown(world.next(at(1)));
    assert_eq!(progress.event, EventProgress::Attempted { at: at(1), time: at(1) });
    let event = write.event.unwrap();
    let told: Vec<&str> = event.properties.iter().map(|(name, _)| name).collect();
    assert_eq!((event.name.as_str(), told), ("q_rewarded", vec!["incentive", "position", "reward"]));
    // The answer was lost: wait, ask, and send again only if the event is not there.
    world.change(|snapshot| snapshot.shown = progress);
    world.facts.written = Some(Written::Unknown { retry_at: at(2) });
    assert!(matches!(world.next(at(1)), Step::Defer { until, .. } if until == at(1 + SETTLE)));
    world.facts.written = None;
    assert!(matches!(world.next(at(1 + SETTLE)), Step::Ask(Question::EventRecorded { .. })));
    world.facts.recorded = Some(true);
    let (progress, write) = shown(world.next(at(1 + SETTLE)));
    assert_eq!((progress.event, write.event), (EventProgress::Recorded, None), "only the attributes again");
    world.facts.recorded = Some(false);
    let (progress, write) = shown(world.next(at(1 + SETTLE)));
    assert_eq!(write.event.unwrap().time, at(1), "it is the same event, with the time that it had");
    assert_eq!(progress.event, EventProgress::Attempted { at: at(1 + SETTLE), time: at(1) });
    // An event that was certainly not accepted is sent again, too.
    world.change(|snapshot| snapshot.shown = progress);
    (world.facts.recorded, world.facts.written) = (None, Some(Written::NotDone { retry_at: at(900) }));
    world.confirms();
    let Step::Defer { shown: progress, .. } = world.next(at(800)) else { panic!("it waits") };
    world.change(|snapshot| snapshot.shown = progress);
    world.facts.written = None;
    assert_eq!(shown(world.next(at(900))).1.event.unwrap().time, at(1));
}

#[test]
fn a_participation_without_a_reward_sends_no_reward_event() {
    for status in [AwardStatus::Waiting, AwardStatus::InRaffle, AwardStatus::NoPrize(NoPrize::TooSlow)] {
        let mut world = RewardWorld::new(false, status).settled().ended(Outcome::Enrolled).knows(false);
        world.activation.rewards.event = Some("q_rewarded".into());
        assert_eq!(world.next(at(1)), Step::Rest);
    }
}

#[test]
fn values_are_written_as_numbers_and_codes_as_texts() {
    let reward =
        |amount: &str| AwardStatus::Rewarded { place: None, reward: Reward::Value(amount.parse().unwrap()) };
    for (status, expected) in [
        (reward("20"), AttributeValue::Integer(20)),
        (reward("12.5"), AttributeValue::Float(12.5)),
        (
            AwardStatus::Rewarded { place: None, reward: Reward::Code("007".into()) },
            AttributeValue::Text("007".into()),
        ),
    ] {
        let world = RewardWorld::new(false, status);
        let attributes = super::attributes(world.facts.award.as_ref(), &world.activation.rewards);
        assert_eq!(attributes.iter().collect::<Vec<_>>(), [("q_reward", &expected)]);
    }
}

/// While another participation claims the creation, this one's award is still resolved.
#[test]
fn a_credit_does_not_wait_for_another_participations_claim() {
    let mut world = RewardWorld::new(false, AwardStatus::Reserved { place: 7 });
    world.brand.braze.identity = Identity::Email;
    world.facts.claim = Some(Claim::Theirs { at: at(0) });
    let target = Target { profile: ProfileRef::Email(email()), create: true };
    let state = EnrollState::Enrolling { target, event: EventProgress::NotSent };
    world.change(|snapshot| snapshot.state = State::Open(Open::Enroll(state)));
    assert_eq!(world.next(at(1)), Step::Resolve(Resolution::Credit));
}
