use std::collections::BTreeMap;

use super::*;
use crate::attributes::AttributeValue;
use crate::award::AwardStatus;
use crate::participation::{Outcome, ReadBack};
use crate::profile::Alias;

use super::reward::tests::{RewardWorld, at, email};

const REWARD: Parts = Parts { flow: false, flow_event: false, reward: true, event: None, consent: false };

fn alias() -> ProfileRef {
    ProfileRef::Alias(Alias::for_email(&email()))
}

fn sent(profile: ProfileRef, parts: Parts) -> SentParts {
    SentParts { profile, braze_id: None, at: at(10), parts, missing_before: 0 }
}

/// A profile that was created by alias and shows this reward.
fn profile(code: Option<&str>) -> FoundProfile {
    let shown = |code: &str| {
        [
            ("q_reward".to_owned(), AttributeValue::Text(code.to_owned())),
            ("q_position".to_owned(), AttributeValue::Integer(7)),
        ]
    };
    FoundProfile {
        aliases: vec![Alias::for_email(&email())],
        braze_id: Some("b".into()),
        attributes: code.map(shown).into_iter().flatten().collect(),
        ..FoundProfile::default()
    }
}

fn world() -> RewardWorld {
    RewardWorld::rewarded(false).ended(Outcome::Enrolled)
}

fn missing_of(world: &RewardWorld, sent: &SentParts, found: &[FoundProfile]) -> Parts {
    let terms = Terms { brand: &world.brand, activation: &world.activation };
    missing(&world.participation, sent, &terms, world.facts.award.as_ref(), found)
}

#[test]
fn what_was_sent_is_due_once_braze_has_settled() {
    let mut world = world();
    world.change(|kept| kept.read_back = Some(ReadBack::Due(sent(alias(), REWARD))));
    let terms = Terms { brand: &world.brand, activation: &world.activation };
    let is_due = |second| due(&world.participation, &terms, at(second)).is_some();
    assert_eq!([129, 130].map(is_due), [false, true]);
}

#[test]
fn a_reward_is_missing_where_the_profile_is_gone_or_does_not_show_it() {
    let (world, sent) = (world(), sent(alias(), REWARD));
    assert_eq!(missing_of(&world, &sent, &[]), REWARD);
    assert_eq!(missing_of(&world, &sent, &[profile(None)]), REWARD);
    assert_eq!(missing_of(&world, &sent, &[profile(Some("SPRING20"))]), Parts::default());
}

#[test]
fn a_reward_that_a_later_one_replaced_on_the_same_profile_is_not_missing() {
    let later = profile(Some("SUMMER30"));
    assert_eq!(missing_of(&world(), &sent(alias(), REWARD), std::slice::from_ref(&later)), Parts::default());
    let known = SentParts { braze_id: Some("b".into()), ..sent(alias(), REWARD) };
    assert_eq!(missing_of(&world(), &known, &[later]), Parts::default());
}

#[test]
fn a_reward_is_missing_where_a_merge_gave_the_alias_to_a_profile_with_an_earlier_one() {
    let survivor = FoundProfile { external_id: Some("crm-1".into()), ..profile(Some("WINTER10")) };
    assert_eq!(missing_of(&world(), &sent(alias(), REWARD), std::slice::from_ref(&survivor)), REWARD);
    let known = SentParts { braze_id: Some("another".into()), ..sent(alias(), REWARD) };
    assert_eq!(missing_of(&world(), &known, &[profile(Some("WINTER10"))]), REWARD);
    let by_id = sent(ProfileRef::ExternalId("crm-1".into()), REWARD);
    assert_eq!(missing_of(&world(), &by_id, &[survivor]), Parts::default(), "a merge keeps no other id");
}

/// A profile with an event of the reward that was logged last at this time.
fn with_event(last: Option<Timestamp>) -> FoundProfile {
    let events: BTreeMap<String, Option<Timestamp>> = [("q_won".to_owned(), last)].into();
    FoundProfile { events, ..profile(Some("SPRING20")) }
}

/// The event that is missing on this profile, by its time.
fn missing_event(found: FoundProfile) -> Option<Timestamp> {
    let mut world = world();
    world.activation.rewards.event = Some("q_won".into());
    missing_of(&world, &sent(alias(), Parts { event: Some(at(10)), ..REWARD }), &[found]).event
}

#[test]
fn an_event_is_missing_unless_the_profile_has_one() {
    assert_eq!(missing_event(profile(Some("SPRING20"))), Some(at(10)));
    assert_eq!([Some(at(10)), None].map(|last| missing_event(with_event(last))), [None, None]);
}

#[test]
fn an_earlier_event_of_the_same_profile_may_be_ours_by_brazes_clock_and_that_of_another_is_not() {
    let earlier = with_event(Some(at(9)));
    assert_eq!(missing_event(earlier.clone()), None);
    let survivor = FoundProfile { external_id: Some("crm-1".into()), ..earlier };
    assert_eq!(missing_event(survivor), Some(at(10)));
}

#[test]
fn where_a_part_of_the_flow_is_missing_all_of_it_is() {
    let mut world = world();
    world.activation.email.as_mut().unwrap().event = Some("q_took_part".into());
    let flow = Parts { flow: true, flow_event: true, ..REWARD };
    let sent = sent(alias(), flow);
    assert_eq!(missing_of(&world, &sent, &[]), flow);
    let without_event = missing_of(&world, &sent, &[profile(Some("SPRING20"))]);
    assert_eq!(without_event, Parts { reward: false, ..flow });
    let events = [("q_took_part".to_owned(), Some(at(0)))].into();
    let whole = FoundProfile { events, ..profile(Some("SPRING20")) };
    assert_eq!(missing_of(&world, &sent, &[whole]), Parts::default());
}

#[test]
fn what_is_not_to_be_shown_any_more_is_not_missing() {
    let mut world = world();
    world.facts.award.as_mut().unwrap().status = AwardStatus::Released;
    assert_eq!(missing_of(&world, &sent(alias(), REWARD), &[]), Parts::default());
    let mut silent = self::world();
    silent.activation.rewards = crate::brand::RewardsToBraze::default();
    assert_eq!(missing_of(&silent, &sent(alias(), REWARD), &[]), Parts::default());
}
