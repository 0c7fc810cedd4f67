//! Values that the tests write down and read back.

use domain::Timestamp;
use domain::attributes::{AttributeValue, Attributes};
use domain::award::{Award, Others, Standing};
use domain::contact::{Contact, Email, Phone};
use domain::ids::{BrandId, ContactKey, IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::{Amount, NoPrize, Offer, Pool, Prize, Reward};
use domain::participation::{EventProgress, Participation, Shown, State, Target};
use domain::profile::{Alias, ProfileRef};
use domain::unknown::UnknownFields;

use crate::every;

/// A moment, so many milliseconds after the first one.
pub(crate) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000 + milliseconds).unwrap()
}

pub(crate) fn id() -> ParticipationId {
    ParticipationId::from_bytes([0xab; 16])
}

pub(crate) fn contact() -> ContactKey {
    ContactKey::from_bytes([0xcd; 16])
}

pub(crate) fn brand() -> BrandId {
    BrandId::parse("acme").unwrap()
}

pub(crate) fn ledger() -> LedgerKey {
    let incentive = IncentiveId::parse("early-bird").unwrap();
    LedgerKey { scope: Scope::parse("spring").unwrap(), incentive: Some(incentive) }
}

pub(crate) fn email() -> Email {
    Email::parse("ada@example.com").unwrap()
}

pub(crate) fn phone() -> Phone {
    Phone::from_e164("+13135550100").unwrap()
}

/// A participation of which as little is known as can be.
pub(crate) fn participation() -> Participation {
    Participation {
        id: id(),
        brand: brand(),
        scope: Scope::parse("spring").unwrap(),
        contact: Contact::Email(email()),
        event: None,
        consent: None,
        attributes: Attributes::default(),
        accepted_at: at(1),
        updated_at: at(2),
        state: State::Received,
        credited_at: None,
        has_award: false,
        shown: Shown::default(),
        due_at: None,
        keep_until: at(3),
        failures: 0,
        slot: None,
        no_such_alias: false,
        unanswered: None,
        repeat_key: None,
        proof: Vec::new(),
        without_terms_since: None,
        version: 5,
        unknown: UnknownFields::default(),
    }
}

pub(crate) fn attributes() -> Attributes {
    let mut attributes = Attributes::default();
    for (name, value) in [
        ("first_name", AttributeValue::Text("Zoë \"Z\"".into())),
        ("member", AttributeValue::Boolean(true)),
        ("share", AttributeValue::Float(0.5)),
        ("visits", AttributeValue::Integer(-3)),
    ] {
        attributes.set(name, value).unwrap();
    }
    attributes
}

pub(crate) fn profiles() -> Vec<(&'static str, ProfileRef)> {
    every!(ProfileRef:
        ProfileRef::ExternalId(_) => "external_id" ProfileRef::ExternalId("u-1".into()),
        ProfileRef::Alias(_) => "alias" ProfileRef::Alias(Alias::for_email(&email())),
        ProfileRef::BrazeId(_) => "braze_id" ProfileRef::BrazeId("b-1".into()),
        ProfileRef::Email(_) => "email" ProfileRef::Email(email()),
    )
}

pub(crate) fn target() -> Target {
    Target { profile: ProfileRef::Alias(Alias::for_email(&email())), create: true }
}

pub(crate) fn states() -> Vec<(&'static str, State)> {
    let (target, event) = (target(), EventProgress::NotSent);
    let reason = || "EMAIL_BAD_FORMAT".to_owned();
    every!(State:
        State::Received => "received" State::Received,
        State::Enrolling { .. } => "enrolling" State::Enrolling { target: target.clone(), event },
        State::Settling { .. } => "settling" State::Settling { target: target.clone(), until: at(10) },
        State::Subscribing { .. } => "subscribing" State::Subscribing { target: target.clone(), event },
        State::AwaitingSubscription { .. } => "awaiting_subscription"
            State::AwaitingSubscription { target: target.clone(), since: at(11), explicitly: true },
        State::AwaitingOptIn { .. } => "awaiting_opt_in" State::AwaitingOptIn { since: at(12) },
        State::Enrolled => "enrolled" State::Enrolled,
        State::Credited => "credited" State::Credited,
        State::Unverified => "unverified" State::Unverified,
        State::Expired => "expired" State::Expired,
        State::Rejected { .. } => "rejected" State::Rejected { reason: reason() },
        State::Failed { .. } => "failed" State::Failed { reason: reason() },
    )
}

pub(crate) fn progress() -> Vec<(&'static str, EventProgress)> {
    every!(EventProgress:
        EventProgress::NotSent => "not_sent" EventProgress::NotSent,
        EventProgress::NotTaken { .. } => "not_taken" EventProgress::NotTaken { time: at(20) },
        EventProgress::Attempted { .. } => "attempted"
            EventProgress::Attempted { at: at(21), time: at(21) },
        EventProgress::Recorded => "recorded" EventProgress::Recorded,
    )
}

/// An award of which as little is known as can be.
pub(crate) fn award() -> Award {
    Award {
        id: id(),
        brand: brand(),
        ledger: ledger(),
        participant: contact(),
        others: Others::None,
        offer: Offer::ByPlace,
        arrival: 7,
        standing: Standing::Waiting,
        credited_at: None,
        due_at: None,
        unknown: UnknownFields::default(),
    }
}

pub(crate) fn rewards() -> Vec<(&'static str, Reward)> {
    every!(Reward:
        Reward::Code(_) => "code" Reward::Code("SPRING-1".into()),
        Reward::Value(_) => "value" Reward::Value(Amount::from_parts(125_000).unwrap()),
    )
}

pub(crate) fn no_prizes() -> Vec<(&'static str, NoPrize)> {
    every!(NoPrize:
        NoPrize::NoIncentive => "no_incentive" NoPrize::NoIncentive,
        NoPrize::NotOpen => "not_open" NoPrize::NotOpen,
        NoPrize::Closed => "closed" NoPrize::Closed,
        NoPrize::TooSlow => "too_slow" NoPrize::TooSlow,
        NoPrize::NotDrawn => "not_drawn" NoPrize::NotDrawn,
        NoPrize::Already => "already_rewarded" NoPrize::Already,
    )
}

pub(crate) fn standings() -> Vec<(&'static str, Standing)> {
    let reward = Reward::Code("SPRING-1".into());
    every!(Standing:
        Standing::Held { .. } => "held" Standing::Held { place: 3 },
        Standing::Waiting => "waiting" Standing::Waiting,
        Standing::Entered => "entered" Standing::Entered,
        Standing::Rewarded { .. } => "rewarded" Standing::Rewarded { place: Some(3), reward: reward.clone() },
        Standing::Without(_) => "without" Standing::Without(NoPrize::Closed),
        Standing::Released => "released" Standing::Released,
    )
}

pub(crate) fn offers() -> Vec<(&'static str, Offer)> {
    let fixed = || Prize::Fixed(Reward::Code("SPRING20".into()));
    every!(Offer:
        Offer::ByPlace => "by_place" Offer::ByPlace,
        Offer::Prize(Prize::Fixed(_)) => "fixed" Offer::Prize(fixed()),
        Offer::Prize(Prize::Codes(_)) => "codes"
            Offer::Prize(Prize::Codes(Pool::of_file("spring.txt").unwrap())),
        Offer::Lot => "lot" Offer::Lot,
        Offer::Nothing(_) => "nothing" Offer::Nothing(NoPrize::TooSlow),
    )
}
