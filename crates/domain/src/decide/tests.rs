use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::accept::Acceptance;
use crate::answers::AnswerRules;
use crate::attributes::{AttributeValue, Attributes};
use crate::brand::*;
use crate::contact::{Contact, Email};
use crate::id_key::IdKey;
use crate::ids::{BrandId, ParticipationId, Scope};
use crate::participation::{EnrollState, EventProgress, Snapshot, Target};
use crate::profile::{Alias, FoundProfile, ProfileHint, ProfileRef};

#[path = "every_answer.rs"]
mod every_answer;

const SETTLE: Duration = Duration::from_secs(120);

const HINT_FRESH: Duration = Duration::from_secs(600);

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn email() -> Email {
    Email::parse("ada@example.com").unwrap()
}

pub(crate) fn id() -> ParticipationId {
    IdKey::new([1; 32]).participation(&Scope::parse("spring").unwrap(), &Contact::Email(email()))
}

pub(crate) fn brand(identity: Identity) -> Brand {
    Brand {
        id: BrandId::parse("acme").unwrap(),
        braze: BrazeWorkspace {
            endpoint: BrazeUrl::parse("http://127.0.0.1:1").unwrap(),
            api_key: SecretRef::Env("KEY".into()),
            limits: BrazeLimits {
                export_ids_per_minute: 250.try_into().unwrap(),
                track_objects: 75.try_into().unwrap(),
                track_per_array: false,
                track_per_3s: 3_000.try_into().unwrap(),
                track_per_hour: None,
            },
            settle: SETTLE,
            identity,
            look_up: crate::brand::LookUp::ByContact,
            identity_by_phone: crate::brand::IdentityByPhone::Alias,
            on_phone_mismatch: crate::brand::PhoneMismatch::Update,
            settle_by: crate::brand::SettleBy::Schedule,
            hint_fresh: HINT_FRESH,
        },
        webhook_tokens: Vec::new(),
        intake: IntakeAccess::default(),
        callback: None,
        retention: Duration::from_secs(86_400),
        activations: BTreeMap::new(),
    }
}

/// An activation that nobody can take part in.
pub(crate) fn closed_to_all() -> Activation {
    Activation {
        scope: Scope::parse("spring").unwrap(),
        opens: at(-1_000),
        closes: at(1_000_000),
        most_participations: None,
        email: None,
        sms: None,
        events: BTreeMap::new(),
        answers: None,
        consent: None,
        incentives: BTreeMap::new(),
        rewards: RewardsToBraze::default(),
    }
}

pub(crate) fn activation(attribute: bool, event: bool) -> Activation {
    let mut attributes = Attributes::default();
    if attribute {
        attributes.set("quikly_participant", AttributeValue::Boolean(true)).unwrap();
    }
    let (event, credit) = (event.then(|| "quikly_participated".to_owned()), CreditMoment::OnReceipt);
    let email = EmailActivation { attributes, event, credit, incentive: None, opt_in: None };
    Activation { email: Some(email), ..closed_to_all() }
}

pub(crate) fn participation(brand: &Brand, activation: &Activation) -> Participation {
    Acceptance::new(id(), (brand, activation), at(0)).by_email(email(), None, Attributes::default())
}

/// The next step of a new participation in `state` with these facts.
fn step(identity: Identity, event: bool, state: EnrollState, facts: &Facts, now: Timestamp) -> Step {
    let (brand, activation) = (brand(identity), activation(true, event));
    let participation = in_state(participation(&brand, &activation), Open::Enroll(state));
    decide(&participation, &Terms { brand: &brand, activation: &activation }, facts, now)
}

/// The participation with some of its values changed.
pub(crate) fn changed(participation: Participation, change: impl FnOnce(&mut Snapshot)) -> Participation {
    let mut snapshot = participation.into_snapshot();
    change(&mut snapshot);
    Participation::restore(snapshot).unwrap()
}

/// The participation in this state.
pub(crate) fn in_state(participation: Participation, state: Open) -> Participation {
    changed(participation, |snapshot| snapshot.state = State::Open(state))
}

fn alias_target(create: bool) -> Target {
    Target { profile: ProfileRef::Alias(Alias::for_email(&email())), create }
}

fn known(profile: ProfileRef, learned_at: Timestamp, created: bool) -> Facts {
    let known = ProfileHint { profile, learned_at, created, by: id() };
    Facts { known: Some(Some(known)), ..Facts::default() }
}

/// Facts after Braze has confirmed the remembered profile.
fn confirmed(facts: Facts) -> Facts {
    let profile = facts.known.clone().flatten().unwrap().profile;
    Facts { confirmed: Some(Confirmation { profile, found: vec![ada()] }), ..facts }
}

fn nobody_known() -> Facts {
    Facts { known: Some(None), ..Facts::default() }
}

/// The consumer's profile in Braze.
pub(super) fn ada() -> FoundProfile {
    let (braze_id, email) = (Some("b".into()), Some("ada@example.com".into()));
    FoundProfile { braze_id, email, ..FoundProfile::default() }
}

fn written(facts: Facts, written: Written) -> Facts {
    Facts { written: Some(written), ..facts }
}

/// The write in a step, and the state to be in meanwhile.
fn told(step: Step) -> (EnrollState, ProfileWrite) {
    match step {
        Step::Tell { state: Open::Enroll(state), command: Command::Write(write) } => (state, write),
        other => panic!("expected a write, got {other:?}"),
    }
}

#[test]
fn our_own_store_is_asked_before_braze() {
    let first = step(Identity::Alias, false, EnrollState::Received, &Facts::default(), at(1));
    assert_eq!(first, Step::Ask(Question::ProfileHint));
    let second = step(Identity::Alias, false, EnrollState::Received, &nobody_known(), at(1));
    assert_eq!(second, Step::Ask(Question::FindProfile));
}

#[test]
fn a_consumer_with_a_recent_profile_hint_needs_no_look_up() {
    let facts = known(ProfileRef::ExternalId("u1".into()), at(-500), false);
    let (_, write) = told(step(Identity::Alias, false, EnrollState::Received, &facts, at(1)));
    assert_eq!(write.profile, ProfileRef::ExternalId("u1".into()));
    assert!(!write.create);
}

#[test]
fn an_old_hint_is_looked_up_again() {
    let facts = known(ProfileRef::ExternalId("u1".into()), at(-40 * 86_400), false);
    let next = step(Identity::Alias, false, EnrollState::Received, &facts, at(1));
    assert_eq!(next, Step::Ask(Question::FindProfile));
}

#[test]
fn without_a_profile_an_alias_only_one_is_created_with_attributes_and_event_in_one_request() {
    let facts = Facts { found: Some(Vec::new()), ..nobody_known() };
    let (state, write) = told(step(Identity::Alias, true, EnrollState::Received, &facts, at(1)));
    assert_eq!(write.profile, ProfileRef::Alias(Alias::new("email", "ada@example.com").unwrap()));
    assert_eq!((write.create, &write.email), (true, &Some(email())));
    assert_eq!(write.attributes.iter().count(), 1);
    assert_eq!(write.event.as_ref().unwrap().time, at(0), "the event happened when the consumer took part");
    assert_eq!(state, attempted());
}

#[test]
fn an_existing_profile_is_never_created_again() {
    let profile = FoundProfile { external_id: Some("u1".into()), ..FoundProfile::default() };
    let facts = Facts { found: Some(vec![profile]), ..nobody_known() };
    let (_, write) = told(step(Identity::Alias, false, EnrollState::Received, &facts, at(1)));
    assert_eq!((write.profile, write.create), (ProfileRef::ExternalId("u1".into()), false));
}

#[test]
fn an_existing_profile_with_nothing_to_write_is_enrolled_as_it_is() {
    let (brand, activation) = (brand(Identity::Alias), activation(false, false));
    let participation = participation(&brand, &activation);
    let profile = FoundProfile { external_id: Some("u1".into()), ..FoundProfile::default() };
    let facts = Facts { found: Some(vec![profile]), ..nobody_known() };
    let terms = Terms { brand: &brand, activation: &activation };
    assert_eq!(decide(&participation, &terms, &facts, at(1)), Step::Done(Outcome::Enrolled));
}

#[test]
fn a_profile_we_created_a_moment_ago_is_still_addressed_as_if_it_might_not_be_there() {
    let alias = ProfileRef::Alias(Alias::for_email(&email()));
    let (_, fresh) =
        told(step(Identity::Alias, false, EnrollState::Received, &known(alias.clone(), at(0), true), at(60)));
    assert!(fresh.create, "Braze may apply the second request first");
    let (_, later) = told(step(
        Identity::Alias,
        false,
        EnrollState::Received,
        &confirmed(known(alias, at(0), true)),
        at(3_600),
    ));
    assert!(!later.create, "a profile that was deleted since must not come back");
}

#[test]
fn a_write_that_braze_took_enrolls() {
    let state = EnrollState::Enrolling { target: alias_target(true), event: EventProgress::NotSent };
    let next = step(Identity::Alias, false, state, &written(Facts::default(), Written::Done), at(2));
    assert_eq!(next, Step::Done(Outcome::Enrolled));
}

#[test]
fn a_refusal_by_braze_rejects_with_its_reason() {
    let state = EnrollState::Enrolling { target: alias_target(true), event: EventProgress::NotSent };
    let refused = Written::Refused { reason: "EMAIL_BAD_FORMAT".into() };
    let next = step(Identity::Alias, false, state, &written(Facts::default(), refused), at(2));
    assert_eq!(next, Step::Done(Outcome::Rejected { reason: "EMAIL_BAD_FORMAT".into() }));
}

#[test]
fn attributes_of_unknown_outcome_are_simply_repeated() {
    let state = EnrollState::Enrolling { target: alias_target(true), event: EventProgress::NotSent };
    let unknown = written(Facts::default(), Written::Unknown { retry_at: at(9) });
    assert_eq!(
        step(Identity::Alias, false, state.clone(), &unknown, at(2)),
        Step::Wait { state: Open::Enroll(state.clone()), until: at(9) }
    );
    let (_, write) = told(step(Identity::Alias, false, state, &Facts::default(), at(9)));
    assert!(write.event.is_none());
}

/// A first attempt at the event, whose outcome is not known yet.
fn attempted() -> EnrollState {
    EnrollState::Enrolling {
        target: alias_target(true),
        event: EventProgress::Attempted { at: at(1), time: at(0) },
    }
}

#[test]
fn an_event_that_surely_was_not_sent_is_sent_again() {
    let attempted = attempted();
    let not_sent =
        EnrollState::Enrolling { target: alias_target(true), event: EventProgress::NotTaken { time: at(0) } };
    let facts = written(Facts::default(), Written::NotDone { retry_at: at(9) });
    let next = step(Identity::Alias, true, attempted, &facts, at(2));
    assert_eq!(next, Step::Wait { state: Open::Enroll(not_sent.clone()), until: at(9) });
    let (_, write) = told(step(Identity::Alias, true, not_sent, &Facts::default(), at(9)));
    assert!(write.event.is_some());
}

#[test]
fn an_event_of_unknown_outcome_is_looked_for_before_it_is_sent_again() {
    let state = attempted();
    let unknown = written(Facts::default(), Written::Unknown { retry_at: at(3) });
    let settled = at(2) + SETTLE;
    assert_eq!(
        step(Identity::Alias, true, state.clone(), &unknown, at(2)),
        Step::Wait { state: Open::Enroll(state.clone()), until: settled }
    );
    let question = Question::EventRecorded {
        profile: alias_target(true).profile,
        event: "quikly_participated".into(),
        since: at(0),
    };
    assert_eq!(step(Identity::Alias, true, state.clone(), &Facts::default(), settled), Step::Ask(question));

    let missing = Facts { recorded: Some(false), ..Facts::default() };
    let (_, write) = told(step(Identity::Alias, true, state.clone(), &missing, settled));
    assert!(write.event.is_some());

    let there = Facts { recorded: Some(true), ..Facts::default() };
    let (state, write) = told(step(Identity::Alias, true, state, &there, settled));
    assert!(write.event.is_none(), "only the attributes, which may be repeated");
    assert_eq!(state, EnrollState::Enrolling { target: alias_target(true), event: EventProgress::Recorded });
}

#[test]
fn a_worker_that_finds_an_open_attempt_waits_for_the_profile_to_settle() {
    let state = attempted();
    let next = step(Identity::Alias, true, state.clone(), &Facts::default(), at(2));
    assert_eq!(next, Step::Wait { state: Open::Enroll(state), until: at(1) + SETTLE });
}

#[test]
fn by_email_identity_one_participation_creates_and_the_others_wait_for_it() {
    let first = step(Identity::Email, false, EnrollState::Received, &Facts::default(), at(1));
    assert_eq!(first, Step::Ask(Question::Claim));

    let ours = Facts { claim: Some(Claim::Ours), ..Facts::default() };
    let (_, write) = told(step(Identity::Email, false, EnrollState::Received, &ours, at(1)));
    assert_eq!(write.profile, ProfileRef::Email(email()));

    let theirs = Facts { claim: Some(Claim::Theirs { at: at(0) }), ..Facts::default() };
    let wait = step(Identity::Email, false, EnrollState::Received, &theirs, at(1));
    assert_eq!(wait, Step::Wait { state: Open::Enroll(EnrollState::Received), until: at(0) + SETTLE });
    told(step(Identity::Email, false, EnrollState::Received, &theirs, at(0) + SETTLE));
}

#[test]
fn a_creation_by_email_of_unknown_outcome_is_repeated_only_after_the_profile_has_settled() {
    let target = Target { profile: ProfileRef::Email(email()), create: true };
    let state = EnrollState::Enrolling { target, event: EventProgress::NotSent };
    let unknown = written(Facts::default(), Written::Unknown { retry_at: at(3) });
    let next = step(Identity::Email, false, state.clone(), &unknown, at(2));
    assert_eq!(next, Step::Wait { state: Open::Enroll(state), until: at(2) + SETTLE });
}

#[test]
fn a_participation_that_braze_never_accepts_is_given_up_with_a_reason() {
    let next = step(Identity::Alias, false, EnrollState::Received, &Facts::default(), at(0) + GIVE_UP_AFTER);
    assert!(matches!(next, Step::Done(Outcome::Failed { .. })));
}

/// A write to a profile that was looked up earlier and could not be written to yet.
fn waiting(event: EventProgress) -> EnrollState {
    EnrollState::Enrolling { target: Target { profile: u1(), create: false }, event }
}

fn u1() -> ProfileRef {
    ProfileRef::ExternalId("u1".into())
}

#[test]
fn a_profile_that_a_write_has_waited_for_is_confirmed_before_the_write_is_repeated() {
    let next = |facts: &Facts, second| {
        step(Identity::Alias, false, waiting(EventProgress::NotSent), facts, at(second))
    };
    assert_eq!(told(next(&Facts::default(), 599)).1.profile, u1(), "it did not wait for long");
    assert_eq!(next(&Facts::default(), 600), Step::Ask(Question::Confirm(u1())));
    let asked = |found| Some(Confirmation { profile: u1(), found });
    let there = Facts { confirmed: asked(vec![ada()]), ..Facts::default() };
    assert_eq!(told(next(&there, 600)).1.profile, u1());
    let gone = Facts { confirmed: asked(Vec::new()), ..Facts::default() };
    assert_eq!(next(&gone, 600), Step::Ask(Question::FindProfile));
    let survivor = Facts { found: Some(vec![ada()]), ..gone };
    let (state, write) = told(next(&survivor, 600));
    assert_eq!((&write.profile, write.create), (&ProfileRef::BrazeId("b".into()), false));
    assert!(matches!(state, EnrollState::Enrolling { target, .. } if target.profile == write.profile));
}

#[test]
fn an_event_whose_profile_is_gone_is_looked_for_on_the_consumers_profile_now() {
    let attempted = EventProgress::Attempted { at: at(1), time: at(0) };
    let confirmed = Some(Confirmation { profile: u1(), found: Vec::new() });
    let facts = Facts { confirmed, found: Some(vec![ada()]), ..Facts::default() };
    let next = step(Identity::Alias, true, waiting(attempted), &facts, at(600));
    let Step::Ask(Question::EventRecorded { profile, .. }) = next else { panic!("{next:?}") };
    assert_eq!(profile, ProfileRef::BrazeId("b".into()), "a merge may have taken the event along");
}

mod long_waits;
