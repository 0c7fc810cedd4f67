//! Which profile an event or a reward is written to, and when the tries end.

use super::*;
use crate::brand::LookUp;
use crate::decide::Claim;
use crate::participation::{GivenUp, Parts, Unplaced};

fn told(step: Step) -> ProfileWrite {
    match step {
        Step::Tell { command: Command::Write(write), .. } => write,
        other => panic!("expected a write, got {other:?}"),
    }
}

#[test]
fn what_an_event_leaves_on_a_profile_shows_the_reward_only_if_there_is_one() {
    let profile = || vec![FoundProfile { external_id: Some("u".into()), ..FoundProfile::default() }];
    let mut rewarded = RewardWorld::rewarded(true);
    (rewarded.facts.known, rewarded.facts.found) = (Some(None), Some(profile()));
    assert!(told(rewarded.next(at(1))).shows_reward);
    let mut waiting = RewardWorld::new(true, AwardStatus::Waiting).settled();
    (waiting.facts.known, waiting.facts.found) = (Some(None), Some(profile()));
    let mut attributes = Attributes::default();
    attributes.set("q_signed_in", AttributeValue::Boolean(true)).unwrap();
    waiting.activation.events.get_mut("signed_in").unwrap().attributes = attributes;
    assert!(!told(waiting.next(at(1))).shows_reward);
}

#[test]
fn by_address_an_event_is_written_at_once_and_claims_no_creation() {
    let mut world = RewardWorld::rewarded(true);
    world.brand.braze.identity = Identity::Email;
    world.facts.claim = Some(Claim::Theirs { at: at(0) });
    let write = told(world.next(at(1)));
    assert_eq!((write.profile, write.create), (ProfileRef::Email(email()), false));
}

#[test]
fn a_write_by_address_that_creates_nothing_is_repeated_as_soon_as_it_may_be() {
    let mut world = RewardWorld::rewarded(true);
    let target = Target { profile: ProfileRef::Email(email()), create: false };
    let state = EnrollState::Enrolling { target, event: EventProgress::NotSent };
    world.change(|snapshot| snapshot.state = State::Open(Open::Enroll(state.clone())));
    world.facts.written = Some(Written::Unknown { retry_at: at(5) });
    assert_eq!(world.next(at(1)), Step::Wait { state: Open::Enroll(state), until: at(5) });
}

fn u1() -> ProfileRef {
    ProfileRef::ExternalId("u-1".into())
}

/// Braze named the profile when it reported the event.
fn named(world: RewardWorld) -> RewardWorld {
    let mut world = world;
    world.change(|snapshot| {
        let Way::Event { event, .. } = &mut snapshot.way else { panic!("an event") };
        event.profile = Some(u1());
    });
    world
}

fn confirmed(found: Vec<FoundProfile>) -> Option<Confirmation> {
    Some(Confirmation { profile: u1(), found })
}

#[test]
fn a_profile_that_braze_named_is_written_to_at_once_and_confirmed_after_a_wait() {
    let mut world = named(RewardWorld::rewarded(true));
    assert_eq!(told(world.next(at(599))).profile, u1());
    assert_eq!(world.next(at(600)), Step::Ask(Question::Confirm(u1())));
    let elsewhere = FoundProfile { email: Some("new@example.com".into()), ..ada() };
    world.facts.confirmed = confirmed(vec![elsewhere]);
    assert_eq!(told(world.next(at(600))).profile, u1(), "it is the consumer's, whatever its address is now");
    world.facts.confirmed = confirmed(Vec::new());
    assert_eq!(world.next(at(600)), Step::Ask(Question::FindProfile));
    world.facts.found = Some(vec![ada()]);
    assert_eq!(told(world.next(at(600))).profile, ProfileRef::BrazeId("b".into()));
}

#[test]
fn a_reward_that_comes_later_goes_to_the_profile_that_braze_named_unless_that_is_gone() {
    let mut world = named(RewardWorld::rewarded(true).ended(Outcome::Credited));
    assert_eq!(shown(world.next(at(599))).1.profile, u1());
    assert_eq!(world.next(at(600)), Step::Ask(Question::Confirm(u1())));
    world.facts.confirmed = confirmed(vec![ada()]);
    assert_eq!(shown(world.next(at(600))).1.profile, u1());
    world.facts.confirmed = confirmed(Vec::new());
    assert_eq!(
        world.next(at(600)),
        Step::Ask(Question::FindProfile),
        "a hint would need a confirmation, too"
    );
    world.facts.found = Some(vec![ada()]);
    assert_eq!(shown(world.next(at(600))).1.profile, ProfileRef::BrazeId("b".into()));
}

#[test]
fn where_the_brand_says_so_the_alias_is_looked_up_first_and_then_the_address() {
    let mut world = RewardWorld::rewarded(false).ended(Outcome::Enrolled);
    world.brand.braze.look_up = LookUp::ByAliasFirst;
    world.facts.known = Some(None);
    assert_eq!(world.next(at(1)), Step::Ask(Question::FindAlias(Alias::for_email(&email()))));
    world.change(|snapshot| snapshot.no_such_alias = true);
    assert_eq!(world.next(at(1)), Step::Ask(Question::FindProfile));
}

#[test]
fn a_reward_is_written_to_a_profile_that_is_looked_up_again_after_a_month() {
    let world = RewardWorld::rewarded(false).ended(Outcome::Enrolled).knows(false);
    assert_eq!(world.next(at(31 * 86_400)), Step::Ask(Question::FindProfile));
}

#[test]
fn a_reward_is_given_up_where_braze_refuses_the_consumer_or_has_failed_for_two_weeks() {
    let ready = || RewardWorld::rewarded(false).ended(Outcome::Enrolled).knows(false);
    let reward = Parts { reward: true, ..Parts::default() };
    let mut refused = ready();
    refused.facts.refused = Some("no such user".into());
    assert_eq!(refused.next(at(1)), Step::GiveUp(reward));
    refused.change(|snapshot| snapshot.shown.attributes = true);
    assert_eq!(refused.next(at(1)), Step::Rest, "it is shown already");
    let mut failing = ready();
    failing.change(|snapshot| snapshot.failures = MOST_FAILURES - 1);
    assert!(matches!(failing.next(at(1)), Step::Show { .. }));
    failing.change(|snapshot| snapshot.failures = MOST_FAILURES);
    assert_eq!(failing.next(at(1)), Step::GiveUp(reward));
    failing.participation.apply(&Step::GiveUp(reward), at(1));
    let given_up = GivenUp { since: at(1), reported: false };
    assert_eq!(failing.participation.unplaced(), Unplaced { reward: Some(given_up), flow_event: None });
    assert!(
        matches!(failing.next(at(1)), Step::Defer { until, .. } if until == at(1)),
        "it is reported first"
    );
    failing.participation.reported();
    assert_eq!(failing.next(at(1)), Step::Rest);
}

#[test]
fn an_event_that_is_seen_on_the_profile_is_noted_where_nothing_else_is_to_be_written() {
    let mut world = RewardWorld::rewarded(false).ended(Outcome::Enrolled).knows(false);
    world.activation.rewards.event = Some("q_rewarded".into());
    let attempted = EventProgress::Attempted { at: at(1), time: at(1) };
    world.change(|snapshot| snapshot.shown = Shown { attributes: true, event: attempted, flow_event: None });
    world.facts.recorded = Some(true);
    let shown = Shown { attributes: true, event: EventProgress::Recorded, flow_event: None };
    assert_eq!(world.next(at(1 + SETTLE)), Step::Defer { shown, until: at(1 + SETTLE) });
}
