use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::attributes::AttributeValue;
use crate::award::AwardStatus;
use crate::brand::{CallbackTarget, CreditMoment, Identity, SecretRef};
use crate::decide::Step;
use crate::decide::tests::{activation, at, brand, closed_to_all, participation};
use crate::incentive::{Incentive, Kind, NoPrize, Offer, Prize, Quantity, Reward};
use crate::participation::Outcome;

#[test]
fn a_participation_is_kept_until_the_retention_after_the_close() {
    let (brand, activation) = (brand(Identity::Alias), closed_to_all());
    assert_eq!(participation(&brand, &activation).keep_until(), at(1_000_000 + 86_400));
}

#[test]
fn credit_is_given_on_receipt_or_on_enrollment_and_never_for_a_failure() {
    let (brand, mut activation) = (brand(Identity::Alias), activation(true, false));
    assert_eq!(participation(&brand, &activation).earned_at(), Some(at(0)));

    activation.email.as_mut().unwrap().credit = CreditMoment::OnEnrollment;
    let mut waiting = participation(&brand, &activation);
    assert_eq!(waiting.earned_at(), None);
    let mut failed = waiting.clone();
    failed.apply(&Step::Done(Outcome::Failed { reason: "x".into() }), at(5));
    assert_eq!(failed.earned_at(), None);
    waiting.apply(&Step::Done(Outcome::Enrolled), at(5));
    assert_eq!(waiting.earned_at(), Some(at(5)));
}

#[test]
fn what_the_caller_sent_is_kept_with_the_participation() {
    let (brand, activation) = (brand(Identity::Alias), activation(true, false));
    let id = ParticipationId::from_bytes([7; 16]);
    let key = IdKey::new([1; 32]).repeat_key(id, "click-1");
    let mut attributes = Attributes::default();
    attributes.set("store", AttributeValue::Text("Berlin".into())).unwrap();
    let email = Email::parse("ada@example.com").unwrap();
    let acceptance = Acceptance::new(id, (&brand, &activation), at(0)).repeatable_by(Some(key));
    let participation = acceptance.by_email(email, None, attributes.clone());
    assert_eq!(participation.repeat_key(), Some(key));
    assert_eq!(participation.attributes(), &attributes);
}

#[test]
fn by_number_the_consent_to_a_text_is_kept_and_nothing_is_earned_yet() {
    let (brand, activation) = (brand(Identity::Alias), closed_to_all());
    let phone = Phone::from_e164("+13135550100").unwrap();
    let acceptance = Acceptance::new(ParticipationId::from_bytes([7; 16]), (&brand, &activation), at(3));
    let participation = acceptance.by_phone((phone, None), Some("terms-3".into()), Attributes::default());
    let consent = Consent::answered(true, at(3), Some("terms-3".into()));
    assert_eq!((participation.consent(), participation.earned_at()), (Some(&consent), None));
}

#[test]
fn a_line_is_kept_where_an_incentive_or_a_callback_hangs_on_the_credit() {
    let id_key = IdKey::new([1; 32]);
    let mut brand = brand(Identity::Alias);
    let without = activation(true, false);
    let entry_of = |brand: &Brand, activation: &Activation| {
        entry(&participation(brand, activation), (brand, activation), &id_key)
    };
    assert!(entry_of(&brand, &without).is_none());
    brand.callback = Some(CallbackTarget {
        url: "https://quikly.example/news".parse().unwrap(),
        secret: SecretRef::Env("KEY".into()),
        allow_private: false,
    });
    let entry = entry_of(&brand, &without).unwrap();
    assert!(entry.rules.call_back && entry.rules.incentive.is_none());
    assert_eq!(entry.award.offer, Offer::Nothing(NoPrize::NoIncentive));
    assert_eq!((entry.award.status, entry.award.arrival), (AwardStatus::New, None));
}

#[test]
fn a_raffles_rules_commit_to_its_seed_and_those_of_others_to_none() {
    let id_key = IdKey::new([1; 32]);
    let reward = || Prize::Fixed(Reward::Code("A".into()));
    let raffle = Kind::Raffle { prize: reward(), draw_after: Duration::from_secs(60) };
    for (kind, commits) in [(raffle, true), (Kind::First(reward()), false)] {
        let id = IncentiveId::parse("early").unwrap();
        let incentive = Arc::new(Incentive {
            id: id.clone(),
            opens: at(0),
            closes: at(60),
            quantity: Quantity::Unlimited,
            kind,
            consolation: None,
        });
        let mut brand = brand(Identity::Alias);
        let activation =
            Activation { incentives: [(id.clone(), incentive.clone())].into(), ..closed_to_all() };
        let ledger = activation.ledger(Some(&id));
        brand.activations.insert(activation.scope.clone(), activation);
        let rules = Rules::of(&brand, &ledger, &id_key);
        assert_eq!((rules.incentive, rules.call_back), (Some(incentive), false));
        assert_eq!(rules.commitment, commits.then(|| id_key.raffle_seed(&ledger).commitment()));
        let elsewhere = Rules::of(&brand, &LedgerKey { incentive: None, ..ledger }, &id_key);
        assert!(elsewhere.incentive.is_none() && elsewhere.commitment.is_none());
    }
}

#[test]
fn an_imported_participation_wins_nothing_and_tells_nothing_unless_that_is_asked_for() {
    let id_key = IdKey::new([1; 32]);
    let mut brand = brand(Identity::Alias);
    brand.callback = Some(CallbackTarget {
        url: "https://quikly.example/news".parse().unwrap(),
        secret: SecretRef::Env("KEY".into()),
        allow_private: false,
    });
    let mut activation = activation(true, false);
    let incentive = IncentiveId::parse("first").unwrap();
    activation.email.as_mut().unwrap().incentive = Some(incentive.clone());
    let line = |with_incentives, with_callbacks| {
        let import = ImportTerms { with_incentives, with_callbacks, due_at: at(77) };
        let id = ParticipationId::from_bytes([7; 16]);
        let acceptance = Acceptance::new(id, (&brand, &activation), at(0)).imported(import);
        let email = Email::parse("ada@example.com").unwrap();
        let imported = acceptance.by_email(email, None, Attributes::default());
        assert!(imported.is_imported() && imported.due_at() == Some(at(77)));
        let entry = imported_entry(&imported, (&brand, &activation), &id_key, import);
        assert_eq!(entry.is_some(), imported.has_award());
        entry.map(|entry| entry.award.ledger.incentive)
    };
    assert_eq!(line(false, false), None);
    assert_eq!(line(false, true), Some(None), "Quikly is told of a credit that wins nothing");
    assert_eq!(line(true, false), Some(Some(incentive.clone())));
    assert_eq!(line(true, true), Some(Some(incentive)));
}
