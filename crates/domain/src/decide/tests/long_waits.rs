//! Profiles that appear, or whose address changes, while a participation waits.

use super::*;

#[test]
fn a_profile_whose_address_the_consumer_changed_is_written_to_as_it_is() {
    let alias = Alias::for_email(&email());
    let moved = FoundProfile {
        aliases: vec![alias.clone()],
        email: Some("new@example.com".into()),
        ..FoundProfile::default()
    };
    let facts = known(ProfileRef::Alias(alias.clone()), at(0), false);
    let confirmed = Some(Confirmation { profile: ProfileRef::Alias(alias.clone()), found: vec![moved] });
    let facts = Facts { confirmed, ..facts };
    let next = |facts: &Facts| step(Identity::Alias, false, EnrollState::Received, facts, at(3_600));
    assert_eq!(next(&facts), Step::Ask(Question::FindProfile), "somebody else may have the address now");
    let (_, write) = told(next(&Facts { found: Some(Vec::new()), ..facts }));
    assert_eq!((write.profile, write.create, write.email), (ProfileRef::Alias(alias), false, None));
}

#[test]
fn a_profile_that_we_created_is_asked_for_once_it_is_built_before_its_address_is_set_again() {
    let alias = ProfileRef::Alias(Alias::for_email(&email()));
    let facts = known(alias.clone(), at(0), true);
    let next = |facts: &Facts| step(Identity::Alias, false, EnrollState::Received, facts, at(300));
    assert_eq!(next(&facts), Step::Ask(Question::Confirm(alias.clone())));
    let shown =
        |found| Facts { confirmed: Some(Confirmation { profile: alias.clone(), found }), ..facts.clone() };
    let (_, write) = told(next(&shown(vec![ada()])));
    assert_eq!((write.create, write.email), (false, None));
    let (_, write) = told(next(&shown(Vec::new())));
    assert_eq!((write.create, write.email), (true, Some(email())));
}

#[test]
fn a_profile_that_was_to_be_created_long_ago_is_looked_for_again() {
    for event in [false, true] {
        let state = EnrollState::Enrolling { target: alias_target(true), event: EventProgress::NotSent };
        let next = |facts: &Facts, second| step(Identity::Alias, event, state.clone(), facts, at(second));
        assert!(told(next(&nobody_known(), 599)).1.create);
        assert_eq!(next(&nobody_known(), 600), Step::Ask(Question::FindProfile));
        let found = |found| Facts { found: Some(found), ..nobody_known() };
        assert!(told(next(&found(Vec::new()), 600)).1.create);
        let (_, write) = told(next(&found(vec![ada()]), 600));
        assert_eq!((write.profile, write.create), (ProfileRef::BrazeId("b".into()), false));
    }
}
