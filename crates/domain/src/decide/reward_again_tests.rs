//! What is written again when a profile did not show it.

use super::*;
use crate::answers::AnswerRules;
use crate::participation::{GivenUp, Parts, ReadBack, SentParts};

const FLOW: Parts = Parts { flow: true, flow_event: true, reward: true, event: None, consent: false };

/// A participation that has ended, whose reward and event were missing when they were read back at 200.
fn missing(parts: Parts) -> RewardWorld {
    let mut world = RewardWorld::rewarded(false).ended(Outcome::Enrolled).knows(false);
    world.activation.email.as_mut().unwrap().event = Some("q_took_part".into());
    let profile = ProfileRef::ExternalId("u-1".into());
    let sent = SentParts { profile, braze_id: None, at: at(10), parts, missing_before: 0 };
    world.change(|kept| {
        kept.shown = Shown { attributes: true, event: EventProgress::NotSent, flow_event: None };
        kept.read_back = Some(ReadBack::Due(sent));
    });
    world.participation.found_missing(parts, at(200));
    world
}

fn since(given_up: Option<GivenUp>) -> Option<Timestamp> {
    given_up.map(|given_up| given_up.since)
}

fn found(mut world: RewardWorld, profiles: Vec<FoundProfile>) -> RewardWorld {
    world.facts.found = Some(profiles);
    world
}

#[test]
fn the_profile_is_looked_up_by_address_whatever_is_remembered() {
    let reward = Parts { reward: true, ..Parts::default() };
    let mut world = missing(reward);
    assert_eq!(world.next(at(200)), Step::Ask(Question::FindProfile));
    world.brand.braze.look_up = crate::brand::LookUp::ByAliasFirst;
    assert_eq!(world.next(at(200)), Step::Ask(Question::FindProfile));
    let (_, write) = shown(found(world, vec![ada()]).next(at(200)));
    assert_eq!((write.profile.clone(), write.create), (ProfileRef::BrazeId("b".into()), false));
    assert_eq!((names(&write), write.shows_reward), (vec!["q_position", "q_reward"], true));
}

#[test]
fn a_flow_that_was_missing_is_written_again_with_its_reward_in_one_write() {
    let mut world = found(missing(FLOW), vec![ada()]);
    let Step::Ask(Question::EventRecorded { profile, event, since }) = world.next(at(200)) else {
        panic!("a merge may have moved the event")
    };
    assert_eq!((profile, event.as_str(), since), (ProfileRef::BrazeId("b".into()), "q_took_part", at(0)));
    world.facts.recorded = Some(false);
    let (progress, write) = shown(world.next(at(200)));
    assert_eq!(names(&write), ["p", "q_position", "q_reward"]);
    assert_eq!(write.event.map(|event| (event.name, event.time)), Some(("q_took_part".into(), at(0))));
    assert_eq!(progress.flow_event, Some(EventProgress::Attempted { at: at(200), time: at(0) }));
}

#[test]
fn an_event_that_a_merge_moved_along_is_not_sent_again_and_the_reward_is() {
    let mut world = found(missing(FLOW), vec![ada()]);
    world.facts.recorded = Some(true);
    let Step::Defer { shown: progress, until } = world.next(at(200)) else { panic!("nothing is sent") };
    assert_eq!((progress.flow_event, progress.attributes, until), (None, false, at(200)));
    world.participation.apply(&Step::Defer { shown: progress, until }, at(200));
    world.facts.recorded = None;
    let (_, write) = shown(world.next(at(201)));
    assert_eq!((names(&write), write.event.is_none()), (vec!["p", "q_position", "q_reward"], true));
}

#[test]
fn an_event_whose_outcome_is_unknown_is_asked_for_once_it_has_settled() {
    let mut world = found(missing(FLOW), vec![ada()]);
    world.facts.recorded = Some(false);
    let (progress, write) = shown(world.next(at(200)));
    world.participation.apply(&Step::Show { shown: progress, write }, at(200));
    world.facts.before_a_command();
    world.facts.written = Some(Written::Unknown { retry_at: at(210) });
    assert_eq!(world.next(at(201)), Step::Defer { shown: progress, until: at(201 + SETTLE) });
}

#[test]
fn after_the_flows_event_the_rewards_event_follows_in_a_round_of_its_own() {
    let mut world = found(missing(FLOW), vec![ada()]);
    world.activation.rewards.event = Some("q_won".into());
    world.facts.recorded = Some(false);
    let (progress, write) = shown(world.next(at(200)));
    world.participation.apply(&Step::Show { shown: progress, write: write.clone() }, at(200));
    world.participation.shows(&write, None, at(200));
    world.facts = Facts { award: world.facts.award.take(), written: Some(Written::Done), ..Facts::default() };
    let Step::Defer { shown: progress, until } = world.next(at(200)) else { panic!("a round of its own") };
    world.participation.apply(&Step::Defer { shown: progress, until }, at(200));
    world.facts.written = None;
    let (_, write) = shown(world.next(at(201)));
    assert_eq!(write.event.map(|event| event.name).as_deref(), Some("q_won"));
    assert_eq!(write.profile, ProfileRef::BrazeId("b".into()), "the profile that was found a moment ago");
}

#[test]
fn answers_that_the_other_profile_has_already_are_kept() {
    let mut world = missing(FLOW);
    let mut answers = Attributes::default();
    answers.set("shoe_size", AttributeValue::Integer(40)).unwrap();
    world.change(|kept| kept.attributes = answers);
    world.activation.answers = Some(AnswerRules::default());
    let attributes = [("shoe_size".to_owned(), AttributeValue::Integer(38))].into();
    let mut world = found(world, vec![FoundProfile { attributes, ..ada() }]);
    world.facts.recorded = Some(false);
    assert_eq!(names(&shown(world.next(at(200))).1), ["p", "q_position", "q_reward"]);
}

#[test]
fn while_no_profile_carries_the_address_it_is_looked_for_again() {
    for parts in [FLOW, Parts { reward: true, ..Parts::default() }] {
        let world = found(missing(parts), Vec::new());
        assert_eq!(world.next(at(200)), Step::NoProfile { until: at(200 + SETTLE) });
    }
}

#[test]
fn a_reward_without_a_profile_is_looked_for_three_times_and_then_given_up() {
    let mut world = RewardWorld::rewarded(true).ended(Outcome::Credited);
    (world.facts.known, world.facts.found) = (Some(None), Some(Vec::new()));
    for now in [at(1), at(1 + SETTLE), at(1 + 2 * SETTLE)] {
        assert!(world.participation.unplaced().is_empty());
        let step = world.next(now);
        assert!(matches!(step, Step::NoProfile { .. }), "{step:?}");
        world.participation.apply(&step, now);
    }
    let given_up = at(1 + 2 * SETTLE);
    assert_eq!(since(world.participation.unplaced().reward), Some(given_up));
    assert!(
        matches!(world.next(given_up), Step::Defer { until, .. } if until == given_up),
        "it is reported first"
    );
    world.participation.reported();
    assert_eq!(world.next(given_up), Step::Rest);
}

#[test]
fn a_reward_that_comes_after_its_flows_event_was_given_up_is_looked_for_three_times_and_then_given_up() {
    let mut world = missing(Parts { reward: false, ..FLOW });
    world.change(|kept| kept.shown.attributes = false);
    (world.facts.known, world.facts.found) = (Some(None), Some(Vec::new()));
    let mut now = at(200);
    while world.participation.unplaced().reward.is_none() {
        let step = world.next(now);
        world.participation.apply(&step, now);
        world.participation.reported();
        now = match step {
            Step::NoProfile { until } | Step::Defer { until, .. } => until,
            other => panic!("{other:?}"),
        };
    }
    let unplaced = world.participation.unplaced();
    assert_eq!(since(unplaced.flow_event), Some(at(200 + SETTLE)));
    assert!(since(unplaced.reward) > since(unplaced.flow_event));
}

#[test]
fn an_event_that_braze_refuses_when_it_is_sent_again_is_given_up() {
    let mut world = found(missing(Parts { reward: false, ..FLOW }), vec![ada()]);
    world.facts.recorded = Some(false);
    let (progress, write) = shown(world.next(at(200)));
    world.participation.apply(&Step::Show { shown: progress, write }, at(200));
    world.facts.written = Some(Written::Refused { reason: "no such event".to_owned() });
    let step = world.next(at(201));
    assert!(matches!(step, Step::GiveUp(Parts { flow_event: true, .. })), "{step:?}");
}
