//! Decisions once an activation no longer offers a way, and how long a participation may take.

use super::tests::{activation, at, brand, changed, closed_to_all, participation};
use super::*;
use crate::accept::Acceptance;
use crate::attributes::Attributes;
use crate::award::{AwardStatus, Resolution, SiblingLines};
use crate::brand::{DoubleOptInStart, EventActivation, Identity, PollStage, SmsActivation};
use crate::contact::{Email, Phone, Region, Regions, Texting};
use crate::ids::{ContactKey, ParticipationId, SubscriptionGroup};
use crate::incentive::Offer;
use crate::participation::BrazeEvent;
use crate::unknown::UnknownFields;

fn id() -> ParticipationId {
    ParticipationId::from_bytes([7; 16])
}

fn email() -> Email {
    Email::parse("ada@example.com").unwrap()
}

fn next(participation: &Participation, activation: &Activation, facts: &Facts, now: Timestamp) -> Step {
    let brand = brand(Identity::Alias);
    decide(participation, &Terms { brand: &brand, activation }, facts, now)
}

fn by_event() -> Participation {
    let (brand, activation) = (brand(Identity::Alias), closed_to_all());
    let event = BrazeEvent { name: "signed_in".into(), profile: None, sent_at: None };
    let acceptance = Acceptance::new(id(), (&brand, &activation), at(0));
    acceptance.by_event(event, email(), Attributes::default())
}

fn by_phone() -> Participation {
    let (brand, activation) = (brand(Identity::Alias), closed_to_all());
    let phone = Phone::from_e164("+13135550100").unwrap();
    let acceptance = Acceptance::new(id(), (&brand, &activation), at(0));
    acceptance.by_phone((phone, None), None, Attributes::default())
}

fn by_number(opt_in: OptIn) -> Activation {
    let region = Region::parse("US").unwrap();
    let sms = SmsActivation {
        group: SubscriptionGroup::parse("g-1").unwrap(),
        region,
        texting: Texting { regions: Regions::Any, fixed_lines: false },
        opt_in,
        incentive: None,
    };
    Activation { sms: Some(sms), ..closed_to_all() }
}

/// The participation with a place reserved for it.
fn with_a_place(participation: Participation) -> (Participation, Facts) {
    let award = Award {
        id: participation.id(),
        brand: participation.brand().clone(),
        ledger: closed_to_all().ledger(None),
        participant: ContactKey::from_bytes([7; 16]),
        other_keys: Vec::new(),
        others: SiblingLines::None,
        offer: Offer::ByPlace,
        arrival: None,
        number: None,
        status: AwardStatus::Reserved { place: 1 },
        credited_at: None,
        rewarded_at: None,
        due_at: None,
        unknown: UnknownFields::default(),
    };
    let participation = changed(participation, |snapshot| snapshot.has_award = true);
    (participation, Facts { award: Some(award), ..Facts::default() })
}

#[test]
fn a_way_that_was_removed_is_not_offered_and_changes_nothing() {
    let brand = brand(Identity::Alias);
    let by_email = participation(&brand, &activation(true, false));
    for (mut participation, way) in
        [(by_email, "e-mail"), (by_event(), "this event"), (by_phone(), "mobile numbers")]
    {
        let step = next(&participation, &closed_to_all(), &Facts::default(), at(1));
        assert_eq!(step, Step::NotOffered(way));
        let before = participation.clone();
        participation.apply(&step, at(1));
        assert_eq!(participation, before, "whether it is gone for good, only time tells");
    }
}

#[test]
fn an_event_of_another_name_is_another_way() {
    let events = [("signed_out".to_owned(), EventActivation::default())].into();
    let activation = Activation { events, ..closed_to_all() };
    assert_eq!(next(&by_event(), &activation, &Facts::default(), at(1)), Step::NotOffered("this event"));
}

#[test]
fn what_was_earned_is_credited_though_its_way_was_removed() {
    let (participation, facts) = with_a_place(by_event());
    assert_eq!(next(&participation, &closed_to_all(), &facts, at(1)), Step::Resolve(Resolution::Credit));
}

#[test]
fn a_place_is_kept_while_a_way_is_missing_and_given_back_once_that_has_ended_the_participation() {
    let (mut participation, facts) = with_a_place(by_phone());
    assert_eq!(next(&participation, &closed_to_all(), &facts, at(1)), Step::NotOffered("mobile numbers"));
    participation.apply(&Step::Done(Outcome::Failed { reason: "removed".into() }), at(2));
    assert_eq!(next(&participation, &closed_to_all(), &facts, at(3)), Step::Resolve(Resolution::Release));
}

#[test]
fn a_consumer_has_the_whole_window_to_confirm_before_a_participation_is_given_up() {
    let window = Duration::from_secs(30 * 86_400);
    let poll = vec![PollStage { every: Duration::from_secs(60), lasts: None }];
    let double = by_number(OptIn::Double { start: DoubleOptInStart::BrazeLogic, window, poll });
    let single = by_number(OptIn::Single { subscribe: crate::brand::Subscribe::AfterProfile });
    let fails_at = |activation: &Activation, wait: Duration| {
        let now = later(at(0), wait);
        matches!(next(&by_phone(), activation, &Facts::default(), now), Step::Done(Outcome::Failed { .. }))
    };
    assert!(fails_at(&single, GIVE_UP_AFTER) && !fails_at(&double, GIVE_UP_AFTER));
    let second = Duration::from_secs(1);
    assert!(!fails_at(&double, GIVE_UP_AFTER + window - second) && fails_at(&double, GIVE_UP_AFTER + window));
}

#[test]
fn a_command_makes_stale_what_was_read_of_the_profile_before_it() {
    let mut facts = Facts {
        written: Some(Written::Done),
        recorded: Some(true),
        subscription: Some(Subscription::Subscribed),
        known: Some(None),
        ..Facts::default()
    };
    facts.before_a_command();
    assert_eq!((&facts.written, facts.recorded, facts.subscription), (&None, None, None));
    assert_eq!(facts.known, Some(None), "what our store knows stays known");
}
