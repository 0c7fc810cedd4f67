//! Values that the tests encode and decode.

use std::num::NonZeroU64;

use domain::Timestamp;
use domain::attributes::{AttributeValue, Attributes};
use domain::award::{Award, AwardStatus, Participant, SiblingLines};
use domain::contact::{Email, Phone};
use domain::ids::{BrandId, ContactKey, IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::{Amount, NoPrize, Offer, Pool, Prize, Reward};
use domain::participation::{
    Consent, EnrollState, EventProgress, Open, Outcome, Participation, Shown, SmsState, Snapshot, State,
    Target, Timeline, Unanswered, Unplaced, Way,
};
use domain::profile::{Alias, ProfileRef};
use domain::unknown::UnknownFields;

use crate::every;

/// The moment this many milliseconds after a fixed first one.
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

/// The values of a participation with as few fields as possible.
fn least() -> Snapshot {
    Snapshot {
        id: id(),
        brand: brand(),
        scope: Scope::parse("spring").unwrap(),
        way: Way::Email { email: email(), consent: None },
        attributes: Attributes::default(),
        accepted_at: at(1),
        updated_at: at(2),
        state: State::Open(Open::Enroll(EnrollState::Received)),
        earned_at: None,
        has_award: false,
        shown: Shown::default(),
        due_at: Some(at(4)),
        keep_until: at(3),
        failures: 0,
        held_up: None,
        timeline: Timeline::default(),
        shown_at: None,
        read_back: None,
        unplaced: Unplaced::default(),
        unreported_consent: false,
        slot: None,
        no_such_alias: false,
        repeat_key: None,
        who: Participant::default(),
        replaced: None,
        gave_number_to: None,
        without_terms_since: None,
        counted: None,
        imported: false,
        version: 5,
        unknown: UnknownFields::default(),
    }
}

/// A participation with as few fields as possible, except for this change.
pub(crate) fn but(change: impl FnOnce(&mut Snapshot)) -> Participation {
    let mut snapshot = least();
    change(&mut snapshot);
    Participation::restore(snapshot).unwrap()
}

/// A participation with as few fields as possible.
pub(crate) fn participation() -> Participation {
    but(|_| {})
}

/// A participation by number and address, in this state.
pub(crate) fn by_number(state: State) -> Participation {
    but(|kept| {
        let consent = Consent::answered(true, at(5), None);
        kept.way = Way::Sms { phone: phone(), email: Some(email()), consent };
        kept.due_at = (!state.is_end()).then(|| at(4));
        kept.state = state;
    })
}

/// A participation by e-mail, in this state.
pub(crate) fn by_email(state: State) -> Participation {
    but(|kept| {
        kept.due_at = (!state.is_end()).then(|| at(4));
        kept.state = state;
    })
}

/// One participation in every state, with the state's name.
pub(crate) fn in_every_state() -> Vec<(&'static str, Participation)> {
    let enroll =
        enroll_states().into_iter().map(|(name, state)| (name, by_email(State::Open(Open::Enroll(state)))));
    // The states received and enrolling are the same in both flows.
    let sms = sms_states().into_iter().map(|(name, state)| (name, by_number(State::Open(Open::Sms(state)))));
    let sms = sms.filter(|(name, _)| !matches!(*name, "received" | "enrolling"));
    let by = |outcome: Outcome| match outcome {
        Outcome::Enrolled | Outcome::Rejected { .. } | Outcome::Failed { .. } => {
            by_email(State::Ended(outcome))
        }
        Outcome::Credited | Outcome::Unverified | Outcome::Expired | Outcome::Mismatch(_) => {
            by_number(State::Ended(outcome))
        }
    };
    let ended = outcomes().into_iter().map(|(name, outcome)| (name, by(outcome)));
    enroll.chain(sms).chain(ended).collect()
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
        ProfileRef::Phone(_) => "phone" ProfileRef::Phone(phone()),
    )
}

pub(crate) fn target() -> Target {
    Target { profile: ProfileRef::Alias(Alias::for_email(&email())), create: true }
}

fn enroll_states() -> Vec<(&'static str, EnrollState)> {
    every!(EnrollState:
        EnrollState::Received => "received" EnrollState::Received,
        EnrollState::Enrolling { .. } => "enrolling"
            EnrollState::Enrolling { target: target(), event: EventProgress::NotSent },
        EnrollState::AwaitingOptIn { .. } => "awaiting_opt_in_by_email"
            EnrollState::AwaitingOptIn { target: target(), since: at(12) },
    )
}

pub(crate) fn sms_states() -> Vec<(&'static str, SmsState)> {
    let event = EventProgress::NotSent;
    every!(SmsState:
        SmsState::Received => "received" SmsState::Received,
        SmsState::Enrolling { .. } => "enrolling" SmsState::Enrolling { target: target(), event: EventProgress::NotSent },
        SmsState::Settling { .. } => "settling" SmsState::Settling { target: target(), until: at(10) },
        SmsState::Subscribing { .. } => "subscribing" SmsState::Subscribing { target: target(), event },
        SmsState::AwaitingSubscription { .. } => "awaiting_subscription"
            SmsState::AwaitingSubscription { target: target(), since: at(11), repeated: true },
        SmsState::AwaitingOptIn { .. } => "awaiting_opt_in" SmsState::AwaitingOptIn { since: at(12), asked_by: None },
    )
}

fn outcomes() -> Vec<(&'static str, Outcome)> {
    let reason = || "EMAIL_BAD_FORMAT".to_owned();
    every!(Outcome:
        Outcome::Enrolled => "enrolled" Outcome::Enrolled,
        Outcome::Credited => "credited" Outcome::Credited,
        Outcome::Unverified => "unverified" Outcome::Unverified,
        Outcome::Expired => "expired" Outcome::Expired,
        Outcome::Mismatch(_) => "mismatch" Outcome::Mismatch(unanswered()),
        Outcome::Rejected { .. } => "rejected" Outcome::Rejected { reason: reason() },
        Outcome::Failed { .. } => "failed" Outcome::Failed { reason: reason() },
    )
}

/// A wait that is shown because the profile has another number.
pub(crate) fn unanswered() -> Unanswered {
    Unanswered { since: at(6), double: true, status: None, ended_at: None }
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

/// An award with as few fields as possible.
pub(crate) fn award() -> Award {
    Award {
        id: id(),
        brand: brand(),
        ledger: ledger(),
        participant: contact(),
        other_keys: Vec::new(),
        others: SiblingLines::None,
        offer: Offer::ByPlace,
        arrival: NonZeroU64::new(7),
        number: None,
        status: AwardStatus::Waiting,
        credited_at: None,
        rewarded_at: None,
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

pub(crate) fn standings() -> Vec<(&'static str, AwardStatus)> {
    let reward = Reward::Code("SPRING-1".into());
    every!(AwardStatus:
        AwardStatus::Reserved { .. } => "held" AwardStatus::Reserved { place: 3 },
        AwardStatus::Waiting => "waiting" AwardStatus::Waiting,
        AwardStatus::InRaffle => "entered" AwardStatus::InRaffle,
        AwardStatus::Rewarded { .. } => "rewarded" AwardStatus::Rewarded { place: Some(3), reward: reward.clone() },
        AwardStatus::NoPrize(_) => "without" AwardStatus::NoPrize(NoPrize::Closed),
        AwardStatus::Released => "released" AwardStatus::Released,
        AwardStatus::New => "new" AwardStatus::New,
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
