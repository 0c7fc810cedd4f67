use std::time::Duration;

use super::*;
use crate::accept::Acceptance;
use crate::attributes::Attributes;
use crate::brand::Identity;
use crate::contact::{Contact, Email, Phone, Region};
use crate::decide::Confirmation;
use crate::decide::tests::{activation, at, brand};
use crate::id_key::IdKey;
use crate::profile::Alias;

const ADA: &str = "ada@example.com";
const FRESH: i64 = 600;

fn participation() -> Participation {
    let (brand, activation) = (brand(Identity::Alias), activation(true, false));
    let email = Email::parse(ADA).unwrap();
    let id = IdKey::new([1; 32]).participation(&activation.scope, &Contact::Email(email.clone()));
    Acceptance::new(id, (&brand, &activation), at(0)).by_email(email, None, Attributes::default())
}

fn hint(profile: ProfileRef, created: bool) -> ProfileHint {
    ProfileHint { profile, learned_at: at(0), created, by: participation().id() }
}

fn facts(profile: ProfileRef) -> Facts {
    Facts { known: Some(Some(hint(profile, false))), ..Facts::default() }
}

fn u1() -> ProfileRef {
    ProfileRef::ExternalId("u1".into())
}

fn shown(email: &str) -> FoundProfile {
    FoundProfile { external_id: Some("u1".into()), email: Some(email.into()), ..FoundProfile::default() }
}

fn asked(facts: &Facts, now: i64) -> Result<Option<ProfileRef>, Question> {
    let brand = brand(Identity::Alias);
    let hint = profile(&participation(), (&brand, None), facts, at(now))?;
    Ok(hint.map(|hint| hint.profile.clone()))
}

#[test]
fn a_hint_that_is_recent_is_used_and_an_older_one_is_confirmed_first() {
    let facts = facts(u1());
    assert_eq!(asked(&facts, FRESH - 1), Ok(Some(u1())));
    assert_eq!(asked(&facts, FRESH), Err(Question::Confirm(u1())));
    assert_eq!(asked(&Facts::default(), 0), Err(Question::ProfileHint));
}

#[test]
fn a_profile_that_we_created_may_still_be_built_and_is_not_confirmed_meanwhile() {
    let mut brand = brand(Identity::Alias);
    brand.braze.hint_fresh = Duration::from_secs(1);
    let alias = ProfileRef::Alias(Alias::for_email(&Email::parse(ADA).unwrap()));
    let facts = Facts { known: Some(Some(hint(alias, true))), ..Facts::default() };
    let hint = |now| profile(&participation(), (&brand, None), &facts, at(now)).is_ok();
    assert!(hint(599) && !hint(600));
}

#[test]
fn a_profile_is_confirmed_if_it_is_there_with_the_consumers_address() {
    for (found, expected) in
        [(vec![shown("Ada@Example.com")], Some(u1())), (vec![shown("bob@example.com")], None), (vec![], None)]
    {
        let confirmed = Some(Confirmation { profile: u1(), found });
        let facts = Facts { confirmed, ..facts(u1()) };
        assert_eq!(asked(&facts, FRESH), Ok(expected));
    }
}

#[test]
fn a_confirmation_of_another_profile_counts_for_nothing() {
    let confirmed = Some(Confirmation { profile: ProfileRef::BrazeId("b".into()), found: vec![shown(ADA)] });
    assert_eq!(asked(&Facts { confirmed, ..facts(u1()) }, FRESH), Err(Question::Confirm(u1())));
}

#[test]
fn a_hint_of_a_profile_that_braze_chose_by_address_is_looked_up_again() {
    assert_eq!(asked(&facts(ProfileRef::Email(Email::parse(ADA).unwrap())), FRESH), Ok(None));
}

#[test]
fn a_hint_is_not_even_confirmed_after_thirty_days() {
    assert_eq!(asked(&facts(u1()), 30 * 86_400), Ok(None));
}

#[test]
fn a_profile_belongs_to_a_number_in_any_spelling_or_to_the_address_that_was_given_with_it() {
    let us = Region::parse("US").unwrap();
    let phone = Phone::from_e164("+13135550100").unwrap();
    let by_number = |email: Option<&str>| Contact::Phone {
        phone: phone.clone(),
        email: email.map(|email| Email::parse(email).unwrap()),
    };
    let profile = FoundProfile { phone: Some("(313) 555-0100".into()), ..shown(ADA) };
    assert!(profile.belongs_to(&by_number(None), Some(us)));
    assert!(!profile.belongs_to(&by_number(None), None), "without a region the number cannot be read");
    let other = FoundProfile { phone: Some("+13135550199".into()), ..shown(ADA) };
    assert!(!other.belongs_to(&by_number(None), Some(us)));
    assert!(other.belongs_to(&by_number(Some(ADA)), Some(us)));
}
