//! Awards, the counters of their ledgers, and the callbacks that result from them.

use std::num::NonZeroU64;

use domain::award::{Award, AwardStatus, Refusal, SiblingLines};
use domain::callback::{Callback, CallbackId, CallbackKind};
use domain::ids::{ContactKey, LedgerKey, ParticipationId};
use domain::incentive::raffle::Commitment;
use domain::incentive::{Offer, Prize};
use domain::ledger::{Counts, Frozen, NumbersUsed};
use domain::unknown::UnknownFields;

use crate::every;
use crate::fixture::Fixtures;
use crate::values::{at, award, brand, id, ledger, no_prizes, offers, rewards, standings};

/// One award for each form that an award can take.
pub(crate) fn all() -> Vec<(String, Award)> {
    let mut all: Vec<(String, Award)> = Vec::new();
    let mut add = |name: String, one: Award| all.push((name, one));
    for (name, standing) in standings() {
        let arrival = award().arrival.filter(|_| standing != AwardStatus::New);
        add(format!("standing_{name}"), Award { status: standing, arrival, ..award() });
    }
    for (name, offer) in offers() {
        add(format!("offer_{name}"), Award { offer, ..award() });
    }
    for (name, why) in no_prizes() {
        let without = Award { status: AwardStatus::NoPrize(why), ..award() };
        add(format!("without_{name}"), Award { offer: Offer::Nothing(why), ..without });
    }
    for (name, reward) in rewards() {
        let consolation = AwardStatus::Rewarded { place: None, reward: reward.clone() };
        let offer = Offer::Prize(Prize::Fixed(reward));
        add(format!("reward_{name}"), Award { offer, status: consolation, ..award() });
    }
    let others = every!(SiblingLines:
        SiblingLines::None => "none" SiblingLines::None,
        SiblingLines::Perhaps(_) => "perhaps" SiblingLines::Perhaps(vec![id(), ParticipationId::from_bytes([1; 16])]),
    );
    for (name, others) in others {
        add(format!("others_{name}"), Award { others, ..award() });
    }
    add("others_of_unknown_ways".into(), Award { others: SiblingLines::Perhaps(Vec::new()), ..award() });
    let other_keys = vec![ContactKey::from_bytes([2; 16]), ContactKey::from_bytes([3; 16])];
    add("more_keys".into(), Award { other_keys, ..award() });
    add("credited".into(), Award { credited_at: Some(at(40)), due_at: Some(at(41)), ..award() });
    add("rewarded_at".into(), Award { credited_at: Some(at(40)), rewarded_at: Some(at(42)), ..award() });
    let not_entered = Award { arrival: None, status: AwardStatus::New, ..award() };
    add("not_entered".into(), not_entered.clone());
    add("numbered".into(), Award { number: NonZeroU64::new(7), ..not_entered });
    let without_incentive = LedgerKey { incentive: None, ..ledger() };
    add("without_incentive".into(), Award { ledger: without_incentive, ..award() });
    all
}

#[test]
fn every_form_that_an_award_ever_had_is_read_and_the_newest_is_written() {
    let all = all();
    let named: Vec<(&str, Award)> = all.iter().map(|(name, one)| (name.as_str(), one.clone())).collect();
    let decode = |text: &str| stored::award::decode(id(), text).unwrap();
    Fixtures::of("award").pin(&named, |one| stored::award::encode(one).unwrap(), decode);
}

pub(crate) fn counts() -> Counts {
    Counts {
        arrivals: 70_000,
        places: 12,
        held: 2,
        given: 10,
        waiting: 4,
        entered: 5,
        open_lots: None,
        lots_closed: false,
        commitment: None,
        drawn_at: None,
        frozen: None,
        numbers: None,
        unknown: UnknownFields::default(),
    }
}

#[test]
fn every_form_that_counters_ever_had_is_read_and_the_newest_is_written() {
    let numbers = NumbersUsed { used_to: 9, last: 12, taken_to: 7, quantity: Some(500), waited: 3 };
    let drawn = Counts { commitment: Some(Commitment([0xef; 32])), drawn_at: Some(at(50)), ..counts() };
    let values = [
        ("none", Counts::default()),
        ("counted", counts()),
        ("drawn", drawn.clone()),
        ("lots_are_open", Counts { open_lots: Some(2), ..counts() }),
        ("drawing", Counts { open_lots: Some(0), lots_closed: true, ..counts() }),
        ("numbered", Counts { numbers: Some(numbers), ..counts() }),
        ("frozen", Counts { frozen: Some(Frozen { lots: 5, winners: 3 }), ..drawn }),
    ];
    let (encode, decode) = (
        |one: &Counts| stored::counters::encode("spring early-bird", one).unwrap(),
        |text: &str| stored::counters::decode("spring early-bird", text).unwrap(),
    );
    Fixtures::of("counters").pin(&values, encode, decode);
}

pub(crate) fn callback(kind: CallbackKind) -> Callback {
    let standing = standings()[0].1.clone();
    let id = CallbackId { participation: id(), kind };
    Callback { id, brand: brand(), ledger: ledger(), status: standing, refusal: None, at: at(60) }
}

#[test]
fn every_form_that_a_callback_ever_had_is_read_and_the_newest_is_written() {
    let mut values = every!(CallbackKind:
        CallbackKind::Credited => "credited" callback(CallbackKind::Credited),
        CallbackKind::Rewarded => "rewarded" callback(CallbackKind::Rewarded),
        CallbackKind::Ended => "ended" callback(CallbackKind::Ended),
        CallbackKind::RewardUnplaced => "reward_unplaced" callback(CallbackKind::RewardUnplaced),
        CallbackKind::EventUnplaced => "event_unplaced" callback(CallbackKind::EventUnplaced),
        CallbackKind::ConsentNotWritten => "consent_not_written" callback(CallbackKind::ConsentNotWritten),
    );
    let refusals = every!(Refusal:
        Refusal::PhoneMismatch => "refused_for_another_number" Refusal::PhoneMismatch,
    );
    let refused = |refusal| Callback { refusal: Some(refusal), ..callback(CallbackKind::Ended) };
    values.extend(refusals.into_iter().map(|(name, refusal)| (name, refused(refusal))));
    let without_incentive = LedgerKey { incentive: None, ..ledger() };
    values.push((
        "without_incentive",
        Callback { ledger: without_incentive, ..callback(CallbackKind::Credited) },
    ));
    let encode = |one: &Callback| stored::callback::encode(one).unwrap();
    Fixtures::of("callback").pin(&values, encode, |text| stored::callback::decode("id", text).unwrap());
}
