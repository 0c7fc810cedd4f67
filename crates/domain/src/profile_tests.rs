use proptest::prelude::*;

use super::*;

fn found(external_id: Option<&str>, braze_id: &str, created: i64) -> FoundProfile {
    FoundProfile {
        external_id: external_id.map(str::to_owned),
        braze_id: Some(braze_id.to_owned()),
        aliases: Vec::new(),
        email: None,
        phone: None,
        created_at: Some(Timestamp::from_second(created).unwrap()),
        ..FoundProfile::default()
    }
}

#[test]
fn an_identified_profile_comes_before_a_newer_anonymous_one() {
    let profiles = [found(None, "b1", 900), found(Some("u1"), "b2", 100), found(Some("u2"), "b3", 200)];
    assert_eq!(choose(&profiles, None), Some(ProfileRef::ExternalId("u2".into())));
}

#[test]
fn among_anonymous_profiles_the_newest_is_chosen() {
    assert_eq!(
        choose(&[found(None, "b1", 100), found(None, "b2", 300), found(None, "b3", 200)], None),
        Some(ProfileRef::BrazeId("b2".into()))
    );
}

#[test]
fn a_profile_is_addressed_by_its_email_alias_before_others() {
    let mut profile = found(None, "b1", 100);
    profile.aliases = vec![Alias::new("crm", "77").unwrap(), Alias::new("email", "a@example.com").unwrap()];
    assert_eq!(profile.reference(), Some(ProfileRef::Alias(profile.aliases[1].clone())));
    profile.aliases.truncate(1);
    assert_eq!(profile.reference(), Some(ProfileRef::Alias(profile.aliases[0].clone())));
}

#[test]
fn a_profile_that_carries_the_number_comes_first() {
    let phone = Phone::from_e164("+13135550100").unwrap();
    let with = |braze_id: &str, phone: Option<&str>| FoundProfile {
        phone: phone.map(str::to_owned),
        ..found(None, braze_id, 100)
    };
    let other = with("other", Some("+13135550199"));
    let none = with("none", None);
    let same = with("same", Some("(313) 555-0100"));
    let chosen = |profiles: &[&FoundProfile]| {
        let profiles: Vec<FoundProfile> = profiles.iter().map(|profile| (*profile).clone()).collect();
        choose_for(&profiles, (&phone, Region::parse("US").unwrap()), None)
    };
    let by_id = |id: &str, number| Some((ProfileRef::BrazeId(id.into()), number));
    assert_eq!(chosen(&[&other, &none, &same]), by_id("same", Number::Same));
    assert_eq!(chosen(&[&other, &none]), by_id("none", Number::None));
    assert_eq!(chosen(&[&other]), by_id("other", Number::Other));
    assert_eq!(chosen(&[]), None);
}

fn at_address(external_id: Option<&str>, braze_id: &str, created: i64, email: &str) -> FoundProfile {
    FoundProfile { email: Some(email.to_owned()), ..found(external_id, braze_id, created) }
}

#[test]
fn a_profile_that_carries_the_address_comes_before_every_other() {
    let ada = Email::parse("ada@example.com").unwrap();
    let theirs = [
        at_address(Some("1"), "b1", 100, "ada@example.com"),
        found(Some("123"), "b2", 900),
        FoundProfile::default(),
    ];
    let id = |id: &str| Some(ProfileRef::ExternalId(id.into()));
    for turn in 0..3 {
        let mut profiles = theirs.clone();
        profiles.rotate_left(turn);
        assert_eq!(choose(&profiles, Some(&ada)), id("1"));
    }
    let spelt = [
        at_address(None, "b1", 100, " Ada@EXAMPLE.com"),
        at_address(Some("9"), "b2", 900, "bob@example.com"),
    ];
    assert_eq!(choose(&spelt, Some(&ada)), Some(ProfileRef::BrazeId("b1".into())));
    let two =
        [at_address(None, "b1", 900, "ada@example.com"), at_address(Some("2"), "b2", 100, "ada@example.com")];
    assert_eq!(choose(&two, Some(&ada)), id("2"), "then the old rules");
    assert_eq!(choose(&[found(Some("7"), "b7", 1)], Some(&ada)), id("7"), "better than nobody");
}

#[test]
fn by_number_too_the_address_that_was_given_comes_first() {
    let us = Region::parse("US").unwrap();
    let (ada, phone) = (Email::parse("ada@example.com").unwrap(), Phone::from_e164("+13135550100").unwrap());
    let number = |profile: FoundProfile, phone: &str| FoundProfile { phone: Some(phone.into()), ..profile };
    let stranger = number(found(Some("2"), "b2", 900), "+13135550100");
    let hers = at_address(Some("1"), "b1", 100, "ada@example.com");
    let chosen = choose_for(&[stranger.clone(), hers], (&phone, us), Some(&ada));
    assert_eq!(chosen, Some((ProfileRef::ExternalId("1".into()), Number::None)));
    let hers = number(at_address(None, "b3", 100, "ada@example.com"), "+13135550100");
    let without = at_address(Some("4"), "b4", 900, "ada@example.com");
    let chosen = choose_for(&[stranger, without, hers], (&phone, us), Some(&ada));
    assert_eq!(chosen, Some((ProfileRef::BrazeId("b3".into()), Number::Same)));
}

#[test]
fn a_profile_without_any_identifier_is_nobody() {
    assert_eq!(choose(&[FoundProfile::default()], None), None);
    assert_eq!(choose(&[], None), None);
}

#[test]
fn an_address_too_long_for_an_alias_gets_a_digest_for_a_name() {
    let domain = format!("{}.{}.{}.com", "b".repeat(63), "c".repeat(63), "d".repeat(60));
    let long = Email::parse(&format!("{}@{domain}", "a".repeat(60))).unwrap();
    assert!(long.as_str().len() > LONGEST_ALIAS);
    let alias = Alias::for_email(&long);
    assert!(alias.name().starts_with("sha256:") && alias.name().len() == 71);
    assert_eq!(alias, Alias::for_email(&long));
}

proptest! {
    #[test]
    fn every_address_has_an_alias_that_braze_takes(local in "[a-z0-9]{1,64}", label in "[a-z]{1,63}") {
        let email = Email::parse(&format!("{local}@{label}.{label}.{label}.com"));
        prop_assume!(email.is_ok());
        let alias = Alias::for_email(&email.unwrap());
        prop_assert!(Alias::new(alias.label(), alias.name()).is_some());
    }
}

fn hint(created: bool) -> ProfileHint {
    ProfileHint {
        profile: ProfileRef::BrazeId("b-1".into()),
        learned_at: Timestamp::from_second(1_000_000).unwrap(),
        created,
        by: ParticipationId::from_bytes([7; 16]),
    }
}

#[test]
fn what_was_learnt_is_trusted_for_thirty_days() {
    let after = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
    let month = 30 * 86_400;
    assert!(hint(false).is_trusted(after(month - 1)) && !hint(false).is_trusted(after(month)));
    assert_eq!(hint(false).trusted_until(), after(month));
}

#[test]
fn a_profile_that_we_created_is_fresh_for_ten_minutes_and_one_that_was_found_never() {
    let after = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
    assert!(hint(true).is_fresh(after(599)) && !hint(true).is_fresh(after(600)));
    assert!(!hint(false).is_fresh(after(0)));
}

#[test]
fn what_names_a_profile_does_not_print_itself() {
    let alias = Alias::new("email", "ada@example.com").unwrap();
    assert_eq!((alias.label(), format!("{alias:?}")), ("email", "Alias(email, …)".to_owned()));
    let references = [
        ProfileRef::ExternalId("ada".into()),
        ProfileRef::Alias(alias),
        ProfileRef::BrazeId("b-1".into()),
        ProfileRef::Email(Email::parse("ada@example.com").unwrap()),
    ];
    let shown = references.map(|reference| format!("{reference:?}"));
    assert_eq!(shown, ["ExternalId(…)", "Alias(…)", "BrazeId(…)", "Email(…)"]);
    let found = FoundProfile { email: Some("ada@example.com".into()), ..found(Some("u1"), "b1", 0) };
    let shown = "FoundProfile(Some(ExternalId(…)), created Some(1970-01-01T00:00:00Z))";
    assert_eq!(format!("{found:?}"), shown);
}
