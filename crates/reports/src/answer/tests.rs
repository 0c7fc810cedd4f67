//! Each sentence in both languages, held against the facts that it is made of.

use std::num::{NonZeroU32, NonZeroU64};

use domain::award::{AwardStatus, Participant, SiblingLines};
use domain::consent::{ChannelConsent, Consent, ConsentProgress};
use domain::contact::{Email, Phone};
use domain::ids::{BrandId, ContactKey, IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::{Kind, NoPrize, Offer, Prize, Quantity, Reward, Since, SpeedTier};
use domain::ledger::Frozen;
use domain::participation::{
    BrazeEvent, Forgotten, GivenUp, Parts, ReadBack, Snapshot, Unanswered, Unplaced,
};

use super::*;

/// The acceptance is at 18:00:03.332 UTC.
mod in_each_language;
mod with_a_prize;
mod without_a_prize;

fn accepted_at() -> Timestamp {
    "2026-11-24T18:00:03.332Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    accepted_at() + jiff::SignedDuration::from_secs(seconds)
}

fn before(milliseconds: i64) -> Timestamp {
    accepted_at() - jiff::SignedDuration::from_millis(milliseconds)
}

fn by_email() -> Way {
    Way::Email { email: Email::parse("ada@example.com").unwrap(), consent: None }
}

fn by_number() -> Way {
    let phone = Phone::from_e164("+13135550100").unwrap();
    Way::Sms { phone, email: None, consent: Consent::answered(true, accepted_at(), None) }
}

fn by_event(sent_at: Option<Timestamp>) -> Way {
    let event = BrazeEvent { name: "signed_in".into(), profile: None, sent_at };
    Way::Event { event, email: Email::parse("ada@example.com").unwrap() }
}

fn participation(way: Way, change: impl FnOnce(&mut Snapshot)) -> Participation {
    let owner = (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap());
    let id = ParticipationId::from_bytes([7; 16]);
    let mut snapshot = Snapshot::accepted(id, owner, way, (accepted_at(), Timestamp::MAX), true);
    change(&mut snapshot);
    Participation::restore(snapshot).unwrap()
}

/// A participation by e-mail that is credited and whose flow has ended.
fn credited() -> Participation {
    participation(by_email(), |kept| {
        kept.state = State::Ended(Outcome::Enrolled);
        (kept.earned_at, kept.due_at) = (Some(accepted_at()), None);
    })
}

/// One that ended like this, without a credit.
fn ended(way: Way, outcome: Outcome) -> Participation {
    participation(way, |kept| (kept.state, kept.due_at) = (State::Ended(outcome), None))
}

fn line(status: AwardStatus) -> Award {
    let ledger = LedgerKey {
        scope: Scope::parse("spring").unwrap(),
        incentive: Some(IncentiveId::parse("early").unwrap()),
    };
    let whose = (ParticipationId::from_bytes([7; 16]), BrandId::parse("acme").unwrap());
    Award {
        status,
        arrival: NonZeroU64::new(102),
        others: SiblingLines::None,
        credited_at: Some(after(1)),
        ..Award::new(whose, ledger, ContactKey::from_bytes([1; 16]), Offer::ByPlace)
    }
}

fn without(why: NoPrize) -> Award {
    Award { offer: Offer::Nothing(why), ..line(AwardStatus::NoPrize(why)) }
}

fn code() -> Reward {
    Reward::Code("SPRING-20-7K2Q".into())
}

fn incentive(kind: Kind) -> Incentive {
    Incentive {
        id: IncentiveId::parse("early").unwrap(),
        opens: before(66_000),
        closes: after(3_600),
        quantity: Quantity::Limited(NonZeroU32::new(100).unwrap()),
        kind,
        consolation: None,
    }
}

fn first() -> Incentive {
    incentive(Kind::First(Prize::Fixed(code())))
}

fn facts<'a>(participation: &'a Participation, award: Option<&'a Award>) -> AnswerFacts<'a> {
    AnswerFacts { award, ..AnswerFacts::of(participation, after(1_740)) }
}

/// The answer's code, and its text in both languages with plain spaces.
fn said(facts: &AnswerFacts<'_>) -> (&'static str, String, String) {
    let answer = answer(facts);
    let text = |language| answer.text(language).replace(['\u{a0}', '\u{202f}'], " ");
    (answer.code(), text(Language::English), text(Language::French))
}

#[track_caller]
fn says(facts: &AnswerFacts<'_>, code: &str, english: &str, french: &str) {
    let (code_of, in_english, in_french) = said(facts);
    assert_eq!((code_of, in_english.as_str(), in_french.as_str()), (code, english, french));
}
