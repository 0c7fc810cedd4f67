//! Details that are replaced by those of a later request for the same number.

use super::*;
use crate::attributes::{AttributeValue, Attributes};
use crate::consent::ChannelConsent;
use crate::contact::{Email, Phone};
use crate::participation::step::{Command, Step};
use crate::participation::tests::at;
use crate::participation::{Outcome, Snapshot, Target};
use crate::person::Person;
use crate::profile::Alias;

const SETTLE: Duration = Duration::from_secs(120);

fn key() -> IdKey {
    IdKey::new([1; 32])
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn phone() -> Phone {
    Phone::from_e164("+13135550100").unwrap()
}

fn request_at(second: i64, address: Option<&str>, text: &str) -> Participation {
    let owner = (crate::ids::BrandId::parse("acme").unwrap(), crate::ids::Scope::parse("spring").unwrap());
    let consent = Consent::answered(true, at(second), Some(text.to_owned()));
    let way = Way::Sms { phone: phone(), email: address.map(email), consent };
    let id = crate::ids::ParticipationId::from_bytes([7; 16]);
    Participation::restore(Snapshot::accepted(id, owner, way, (at(second), at(9_000)), false)).unwrap()
}

fn first() -> Participation {
    request_at(0, Some("eve@example.com"), "v1")
}

fn second() -> Participation {
    request_at(50, Some("ada@example.com"), "v2")
}

fn of(address: &str) -> ProfileRef {
    ProfileRef::Alias(Alias::for_email(&email(address)))
}

fn in_state(participation: Participation, state: SmsState) -> Participation {
    let snapshot = participation.into_snapshot();
    Participation::restore(Snapshot { state: State::Open(Open::Sms(state)), ..snapshot }).unwrap()
}

/// The number is written to the profile of an address.
fn enrolls(participation: &mut Participation, address: &str) {
    let target = Target { profile: of(address), create: true };
    let state = Open::Sms(SmsState::Enrolling { target, event: EventProgress::NotSent });
    let write = ProfileWrite { phone: Some(phone()), ..ProfileWrite::of(of(address), Attributes::default()) };
    participation.apply(&Step::Tell { state, command: Command::Write(write) }, at(1));
}

fn replaces(participation: &mut Participation, later: &Participation, now: i64) -> bool {
    participation.replaces_details(later, SETTLE, &key(), at(now))
}

#[test]
fn the_details_of_the_latest_request_count_and_the_flow_begins_anew() {
    let mut one = in_state(first(), SmsState::AwaitingOptIn { since: at(1), asked_by: None });
    let mut later = second().into_snapshot();
    later.attributes.set("store", AttributeValue::Text("Berlin".into())).unwrap();
    let later = Participation::restore(later).unwrap();
    assert!(replaces(&mut one, &later, 50));
    assert_eq!(one.email(), Some(&email("ada@example.com")));
    assert_eq!((one.attributes(), one.consent()), (later.attributes(), later.consent()));
    assert_eq!(*one.state(), State::Open(Open::Sms(SmsState::Received)));
    assert_eq!((one.due_at(), one.accepted_at()), (Some(at(50)), at(0)));
    assert_eq!(one.who().contact, second().contact_key(&key()), "the ledger's line follows");
}

#[test]
fn the_first_consent_is_kept_beside_the_latest() {
    let mut one = first();
    assert!(replaces(&mut one, &second(), 50));
    assert!(replaces(&mut one, &request_at(60, None, "v3"), 60));
    assert_eq!(one.replaced().map(|kept| &kept.first_consent), first().consent());
    assert_eq!(one.consent().and_then(|consent| consent.text_id.as_deref()), Some("v3"));
}

#[test]
fn equal_details_change_nothing_whenever_they_come() {
    let mut one = first();
    let before = one.clone();
    assert!(!replaces(&mut one, &request_at(70, Some("eve@example.com"), "v1"), 70));
    assert_eq!(one, before);
}

#[test]
fn a_participation_that_has_ended_keeps_its_details() {
    for outcome in [Outcome::Credited, Outcome::Expired, Outcome::Unverified] {
        let snapshot = Snapshot { state: State::Ended(outcome), ..first().into_snapshot() };
        let mut one = Participation::restore(snapshot).unwrap();
        let before = one.clone();
        assert!(!replaces(&mut one, &second(), 50));
        assert_eq!(one, before);
    }
}

#[test]
fn the_number_is_taken_back_from_the_profile_of_the_replaced_address_once() {
    let mut one = first();
    enrolls(&mut one, "eve@example.com");
    assert!(replaces(&mut one, &second(), 50));
    assert_eq!(one.takes_back_next().map(|former| &former.profile), Some(&of("eve@example.com")));
    let write =
        ProfileWrite { takes_number: true, ..ProfileWrite::of(of("eve@example.com"), Attributes::default()) };
    one.learns_of_number(&write, &Written::Unknown { retry_at: at(60) });
    assert!(one.takes_back_next().is_some(), "it is not known to be done");
    one.learns_of_number(&write, &Written::Done);
    assert!(one.takes_back_next().is_none());
    assert!(one.takes_back_from(&of("eve@example.com")));
}

#[test]
fn the_profile_of_a_replaced_address_is_not_the_consumers() {
    let mut one = first();
    enrolls(&mut one, "eve@example.com");
    let Some(alias) = Alias::new("email", "eve@example.com") else { panic!("an alias") };
    let found = FoundProfile { aliases: vec![alias], ..FoundProfile::default() };
    assert!(!one.is_of_former_details(&found));
    assert!(replaces(&mut one, &request_at(50, None, "v1"), 50));
    assert!(one.is_of_former_details(&found), "although it has the number");
    assert!(replaces(&mut one, &first(), 60));
    assert!(!one.is_of_former_details(&found), "its address is given again");
    assert!(one.takes_back_next().is_none(), "and it keeps the number");
}

#[test]
fn a_profile_that_had_the_number_keeps_it() {
    let target = Target { profile: of("eve@example.com"), create: false };
    let state = SmsState::Subscribing { target, event: EventProgress::NotSent };
    let mut one = in_state(first(), state);
    assert!(replaces(&mut one, &second(), 50));
    assert!(one.takes_back_next().is_none());
}

#[test]
fn the_profile_that_a_number_alone_led_to_keeps_the_number() {
    let mut one = request_at(0, None, "v1");
    enrolls(&mut one, "eve@example.com");
    assert!(replaces(&mut one, &second(), 50));
    assert!(one.takes_back_next().is_none());
}

#[test]
fn a_question_that_has_certainly_arrived_is_not_put_again() {
    let asked = |asked_by| SmsState::AwaitingOptIn { since: at(1), asked_by };
    let by = AskingWrite { target: Target { profile: of("eve@example.com"), create: true }, event_at: at(1) };
    let mut certain = in_state(first(), asked(None));
    assert!(replaces(&mut certain, &second(), 121));
    let kept = certain.replaced().unwrap();
    assert_eq!((kept.asked_at, kept.asks_again), (Some(at(1)), false));
    for (state, now) in [(asked(None), 120), (asked(Some(by)), 500)] {
        let mut uncertain = in_state(first(), state);
        assert!(replaces(&mut uncertain, &second(), now));
        let kept = uncertain.replaced().unwrap();
        assert_eq!((kept.asked_at, kept.asks_again), (None, true));
    }
}

#[test]
fn however_often_details_are_replaced_the_question_is_put_once_more_at_most() {
    let asked = |since| SmsState::AwaitingOptIn { since: at(since), asked_by: None };
    let mut one = in_state(first(), asked(1));
    assert!(replaces(&mut one, &second(), 2));
    let mut one = in_state(one, asked(3));
    for (now, address) in [(4, "eve@example.com"), (5, "ada@example.com"), (6, "cid@example.com")] {
        assert!(replaces(&mut one, &request_at(now, Some(address), "v1"), now));
        assert_eq!(one.replaced().unwrap().asked_at, Some(at(3)));
    }
}

#[test]
fn a_withdrawal_that_braze_is_still_to_be_told_of_is_not_lost() {
    let withdrawing = ConsentProgress::Withdrawing { at: at(2) };
    let with = |progress, address| {
        let mut snapshot = request_at(0, Some(address), "v1").into_snapshot();
        if let Way::Sms { consent, .. } = &mut snapshot.way {
            consent.email = Some(ChannelConsent { given: true, progress });
        }
        Participation::restore(snapshot).unwrap()
    };
    let asked = SmsState::AwaitingOptIn { since: at(1), asked_by: None };

    let mut has_number = in_state(with(withdrawing, "eve@example.com"), asked.clone());
    assert!(!replaces(&mut has_number, &second(), 50), "the profile would be forgotten");

    let mut got_number = with(withdrawing, "eve@example.com");
    enrolls(&mut got_number, "eve@example.com");
    let mut got_number = in_state(got_number, asked);
    assert!(replaces(&mut got_number, &second(), 50));
    assert!(got_number.takes_back_next().is_some_and(|former| former.withdraws));

    let mut same = with(withdrawing, "eve@example.com");
    let mut later = request_at(50, Some("eve@example.com"), "v2").into_snapshot();
    if let Way::Sms { consent, .. } = &mut later.way {
        consent.email = Some(ChannelConsent { given: false, progress: ConsentProgress::Stored });
    }
    assert!(replaces(&mut same, &Participation::restore(later).unwrap(), 50));
    assert_eq!(same.consent().unwrap().email.unwrap().progress, withdrawing);
}

#[test]
fn only_some_profiles_of_replaced_details_are_remembered() {
    let mut one = first();
    for number in 0..20 {
        let address = format!("c{number}@example.com");
        assert!(replaces(&mut one, &request_at(number, Some(&address), "v1"), number));
        enrolls(&mut one, &address);
    }
    assert_eq!(one.replaced().unwrap().former.len(), MOST_FORMER);
}

#[test]
fn whoever_is_forgotten_is_forgotten_among_the_replaced_details_too() {
    let mut one = first();
    enrolls(&mut one, "eve@example.com");
    assert!(replaces(&mut one, &second(), 50));
    let eve = Person::Email(email("eve@example.com"));
    assert!(eve.takes_part_by(&one));
    crate::person::forget_person(&mut one, &eve, &key(), at(60));
    assert!(!eve.takes_part_by(&one));
    assert_eq!(one.email(), Some(&email("ada@example.com")), "it is somebody else's participation");
    crate::person::forget_person(&mut one, &Person::Phone(phone()), &key(), at(60));
    assert!(one.contact().is_none());
    assert_eq!(one.replaced().unwrap().first_consent.text_id.as_deref(), Some("v1"), "the proof stays");
}
