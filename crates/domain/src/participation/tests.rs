//! What a participation keeps beside its state, and what is left of it when its consumer is forgotten.

use std::time::Duration;

use super::*;
use crate::attributes::AttributeValue;
use crate::decide::ProfileWrite;
use crate::ids::{ContactKey, Scope};
use crate::profile::ProfileRef;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn id() -> ParticipationId {
    ParticipationId::from_bytes([7; 16])
}

fn owner() -> (BrandId, Scope) {
    (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap())
}

fn email() -> Email {
    Email::parse("ada@example.com").unwrap()
}

fn phone() -> Phone {
    Phone::from_e164("+13135550100").unwrap()
}

fn consent(text_id: &str) -> Consent {
    Consent::answered(true, at(0), Some(text_id.to_owned()))
}

pub(super) fn by_email() -> Way {
    Way::Email { email: email(), consent: Some(consent("terms-3")) }
}

pub(super) fn by_phone() -> Way {
    Way::Sms { phone: phone(), email: Some(email()), consent: consent("terms-3") }
}

fn by_event() -> Way {
    let profile = Some(ProfileRef::ExternalId("u-1".into()));
    let event = BrazeEvent { name: "signed_in".into(), profile, sent_at: Some(at(-5)) };
    Way::Event { event, email: email() }
}

fn attributes() -> Attributes {
    let mut attributes = Attributes::default();
    attributes.set("store", AttributeValue::Text("Berlin".into())).unwrap();
    attributes
}

pub(super) fn accepted(way: Way, has_award: bool) -> Participation {
    let snapshot = Snapshot::accepted(id(), owner(), way, (at(0), at(1_000)), has_award);
    Participation::restore(Snapshot { attributes: attributes(), ..snapshot }).unwrap()
}

pub(super) fn ended(way: Way, outcome: Outcome) -> Participation {
    let snapshot = accepted(way, true).into_snapshot();
    Participation::restore(Snapshot { state: State::Ended(outcome), ..snapshot }).unwrap()
}

fn attempted() -> EventProgress {
    EventProgress::Attempted { at: at(1), time: at(0) }
}

fn write(event: bool, shows_reward: bool) -> ProfileWrite {
    ProfileWrite {
        profile: ProfileRef::ExternalId("u-1".into()),
        create: false,
        email: None,
        phone: None,
        subscribe: None,
        attributes: attributes(),
        event: event.then(|| step::ProfileEvent {
            name: "won".into(),
            time: at(0),
            scope: "spring".into(),
            properties: Attributes::default(),
        }),
        shows_reward,
        takes_number: false,
        consent: None,
    }
}

#[test]
fn a_participation_says_what_its_consumer_gave() {
    let participation = accepted(by_phone(), true);
    assert_eq!((participation.email(), participation.phone()), (Some(&email()), Some(&phone())));
    assert_eq!(participation.consent(), Some(&consent("terms-3")));
    assert_eq!(participation.attributes(), &attributes());
    assert_eq!((participation.event(), participation.channel()), (None, Channel::Sms));
    let by_event = accepted(by_event(), false);
    assert_eq!(by_event.event().map(|event| event.name.as_str()), Some("signed_in"));
    assert_eq!((by_event.consent(), by_event.phone()), (None, None));
    assert_eq!((participation.has_award(), by_event.has_award()), (true, false));
    let by_email = accepted(self::by_email(), false);
    assert_eq!((by_email.consent(), by_email.phone()), (Some(&consent("terms-3")), None));
}

#[test]
fn a_profile_is_known_to_our_store_by_the_contacts_keyed_hash() {
    let key = IdKey::new([1; 32]);
    let participation = accepted(by_email(), false);
    let expected = key.contact(participation.brand(), &Contact::Email(email()));
    assert_eq!(participation.contact_key(&key), Some(expected));
}

#[test]
fn failures_are_counted_until_braze_answers_usefully() {
    let mut participation = accepted(by_email(), false);
    assert_eq!(participation.failures(), 0);
    participation.failed(Cause::Unreachable, at(1));
    participation.failed(Cause::Unreachable, at(1));
    assert_eq!(participation.failures(), 2);
    participation.answered(at(2));
    assert_eq!(participation.failures(), 0);
}

#[test]
fn a_request_slot_is_held_until_it_is_let_go_and_no_longer_than_the_flow() {
    let slot = Slot { from: at(1), until: at(2) };
    let mut participation = accepted(by_email(), false);
    participation.holds(Some(slot));
    assert_eq!(participation.slot(), Some(slot));
    participation.holds(None);
    assert_eq!(participation.slot(), None);
    participation.holds(Some(slot));
    participation.apply(&Step::Done(Outcome::Enrolled), at(1));
    assert_eq!((participation.slot(), participation.due_at()), (None, None));
}

#[test]
fn whether_braze_has_our_alias_is_remembered() {
    let mut participation = accepted(by_email(), false);
    assert!(!participation.has_no_such_alias());
    participation.learns_of_alias(false);
    assert!(participation.has_no_such_alias());
    participation.learns_of_alias(true);
    assert!(!participation.has_no_such_alias());
}

#[test]
fn each_save_is_the_next_version() {
    let mut participation = accepted(by_email(), false);
    let versions = [(); 3].map(|()| {
        let version = participation.version();
        participation.saved();
        version
    });
    assert_eq!(versions, [0, 1, 2]);
}

#[test]
fn terms_are_missing_since_they_were_first_missed_until_they_are_back() {
    let mut participation = accepted(by_email(), false);
    assert_eq!((participation.lacks_terms(at(5)), participation.lacks_terms(at(9))), (at(5), at(5)));
    assert_eq!(participation.without_terms_since(), Some(at(5)));
    participation.has_terms();
    assert_eq!(participation.without_terms_since(), None);
    assert_eq!(participation.lacks_terms(at(20)), at(20));
}

#[test]
fn a_wait_after_failures_can_be_ended_now() {
    let mut participation = accepted(by_email(), false);
    participation.failed(Cause::Unreachable, at(1));
    participation.put_off(at(60), at(3));
    assert!(participation.backs_off(at(59)) && !participation.backs_off(at(60)), "then it is due");
    assert!(participation.retries_now(at(10)));
    assert_eq!((participation.due_at(), participation.updated_at()), (Some(at(10)), at(10)));
    assert_eq!(participation.failures(), 0);
}

#[test]
fn a_wait_for_something_else_than_failures_is_left_alone() {
    let mut participation = accepted(by_email(), false);
    participation.put_off(at(60), at(3));
    let before = participation.clone();
    assert!(!participation.retries_now(at(10)));
    assert_eq!(participation, before);
    // An event may be under way: the profile is not asked for it before Braze has settled.
    let target = Target { profile: ProfileRef::ExternalId("u-1".into()), create: false };
    let state = State::Open(Open::Enroll(EnrollState::Enrolling { target, event: attempted() }));
    let mut sending =
        Participation::restore(Snapshot { state, failures: 3, ..participation.into_snapshot() }).unwrap();
    assert!(!sending.retries_now(at(10)));
    assert_eq!(sending.failures(), 3);
}

#[test]
fn what_braze_took_is_shown() {
    let mut participation = ended(by_email(), Outcome::Enrolled);
    participation.shows(&write(false, false), None, at(1));
    assert_eq!(participation.shown(), Shown::default());
    participation.shows(&write(true, false), None, at(1));
    assert_eq!(participation.shown(), Shown { event: EventProgress::Recorded, ..Shown::default() });
    participation.shows(&write(false, true), None, at(1));
    let all = Shown::ALL;
    assert_eq!(participation.shown(), all);
    participation.shows(&write(false, false), None, at(1));
    assert_eq!(participation.shown(), all, "nothing takes it away");
}

#[test]
fn an_event_of_the_flow_is_not_the_rewards() {
    let mut participation = accepted(by_email(), true);
    participation.shows(&write(true, true), None, at(1));
    assert_eq!(participation.shown(), Shown { attributes: true, ..Shown::default() });
}

#[test]
fn a_flow_that_is_under_way_ends_when_its_consumer_is_forgotten() {
    let proof = vec![ContactKey::from_bytes([3; 16])];
    for has_award in [true, false] {
        let mut participation = accepted(by_email(), has_award);
        participation.forget(proof.clone(), at(9));
        assert_eq!(participation.state().name(), "rejected");
        assert_eq!(participation.state().reason(), Some("forgotten, as the consumer asked"));
        assert_eq!(participation.due_at(), has_award.then(|| at(9)), "what hangs on it is released");
        assert_eq!((participation.attributes().len(), participation.updated_at()), (0, at(9)));
        assert_eq!((participation.contact(), participation.email()), (None, None));
        let consent = Some(consent("terms-3"));
        let kept = Forgotten { event: None, consent, proof: proof.clone() };
        assert_eq!(participation.way(), &Way::Forgotten(kept));
    }
}

#[test]
fn what_has_ended_keeps_its_outcome_and_shows_nothing_more() {
    let mut participation = ended(by_phone(), Outcome::Credited);
    participation.forget(Vec::new(), at(9));
    assert_eq!(participation.state(), &State::Ended(Outcome::Credited));
    assert_eq!(participation.shown(), Shown::ALL);
    assert_eq!(participation.due_at(), None);
}

#[test]
fn a_mismatch_is_a_rejection_for_the_same_reason_once_its_consumer_is_forgotten() {
    let wait = Unanswered { since: at(1), double: true, status: None, ended_at: None };
    let mut participation = ended(by_phone(), Outcome::Mismatch(wait));
    participation.forget(Vec::new(), at(9));
    assert_eq!(participation.state().reason(), Some("the profile carries another phone number"));
    assert_eq!(participation.state().unanswered(), None);
}

#[test]
fn of_an_event_its_name_and_time_are_kept_and_not_whose_profile_it_happened_to() {
    let mut participation = accepted(by_event(), false);
    participation.forget(Vec::new(), at(9));
    let event = ForgottenEvent { name: "signed_in".into(), sent_at: Some(at(-5)) };
    let kept = Forgotten { event: Some(event), ..Forgotten::default() };
    assert_eq!((participation.way(), participation.channel()), (&Way::Forgotten(kept), Channel::Event));
    let once = participation.clone();
    participation.forget(vec![ContactKey::from_bytes([3; 16])], at(9));
    assert_eq!(participation.way(), once.way(), "once is enough");
}

#[test]
fn a_texts_name_is_kept_unless_it_names_the_consumer() {
    let left = |text: &str, way: fn(Consent) -> Way| {
        let mut participation = accepted(way(consent(text)), false);
        participation.forget(Vec::new(), at(9));
        participation.consent().unwrap().text_id.clone()
    };
    let by_email: fn(Consent) -> Way = |consent| Way::Email { email: email(), consent: Some(consent) };
    let by_phone: fn(Consent) -> Way = |consent| Way::Sms { phone: phone(), email: Some(email()), consent };
    for way in [by_email, by_phone] {
        assert_eq!(left("terms-3", way), Some("terms-3".to_owned()));
        assert_eq!(left("terms-3 for ADA@example.com", way), None);
    }
    assert_eq!(left("terms for 1 (313) 555-0100", by_phone), None);
    assert_eq!(left("terms for 313 555", by_phone), Some("terms for 313 555".to_owned()));
}

#[test]
fn what_cannot_be_read_and_was_forgotten_ends_and_keeps_its_version() {
    for has_award in [true, false] {
        let forgotten = Participation::unreadable_and_forgotten(
            (id(), 12),
            owner(),
            has_award,
            (at(9), later_than(at(9))),
        );
        assert_eq!((forgotten.id(), forgotten.version()), (id(), 12));
        assert_eq!(forgotten.state().reason(), Some("forgotten, as the consumer asked"));
        assert_eq!(forgotten.due_at(), has_award.then(|| at(9)));
        assert_eq!((forgotten.keep_until(), forgotten.contact()), (later_than(at(9)), None));
    }
}

fn later_than(moment: Timestamp) -> Timestamp {
    crate::time::later(moment, Duration::from_secs(500))
}

#[test]
fn nobody_takes_part_by_number_who_refused_consent() {
    let mut snapshot = accepted(by_phone(), false).into_snapshot();
    snapshot.way =
        Way::Sms { phone: phone(), email: None, consent: Consent { given: false, ..consent("t") } };
    assert_eq!(Participation::restore(snapshot), Err(Impossible::WithoutConsent));
}

#[test]
fn a_number_earns_its_credit_with_its_end_and_no_other() {
    let with = |state: State| {
        let snapshot = accepted(by_phone(), false).into_snapshot();
        Participation::restore(Snapshot { state, earned_at: Some(at(1)), ..snapshot }).err()
    };
    assert_eq!(with(State::Ended(Outcome::Credited)), None);
    let early = |state| Some(Impossible::EarnedEarly { state });
    assert_eq!(with(State::Ended(Outcome::Expired)), early("expired"));
    assert_eq!(with(State::Open(Open::Sms(SmsState::Received))), early("received"));
}

#[test]
fn a_consumer_who_was_asked_to_confirm_is_due_when_the_subscription_changes() {
    let asked = State::Open(Open::Sms(SmsState::AwaitingOptIn { since: at(0), asked_by: None }));
    let waiting = |due_at| {
        let snapshot = Snapshot {
            state: asked.clone(),
            due_at: Some(at(due_at)),
            ..accepted(by_phone(), false).into_snapshot()
        };
        Participation::restore(snapshot).unwrap()
    };
    let mut participation = waiting(1_800);
    assert!(participation.hears_of_subscription(at(60)));
    assert_eq!((participation.due_at(), participation.updated_at()), (Some(at(60)), at(60)));
    for due_at in [50, 60] {
        let mut participation = waiting(due_at);
        let before = participation.clone();
        assert!(participation.hears_of_subscription(at(60)));
        assert_eq!(participation, before, "it is due already");
    }
    let mut received = accepted(by_phone(), false);
    let before = received.clone();
    assert!(!received.hears_of_subscription(at(60)));
    assert_eq!(received, before, "it waits for something else");
}
