//! Profiles that are gone once a wait is over.

use super::*;

/// The profile that has the consumer's number now.
fn survivor() -> FoundProfile {
    FoundProfile { external_id: Some("u-2".into()), ..profile(Some("+13135550100")) }
}

fn there() -> FoundProfile {
    FoundProfile { email: Some("ada@example.com".into()), ..profile(Some("+13135550100")) }
}

#[test]
fn a_number_that_waited_to_be_written_goes_to_the_profile_that_is_the_consumers_now() {
    let world = world(single(Subscribe::AfterProfile), true)
        .in_state(SmsState::Enrolling { target: target(), event: EventProgress::NotSent });
    let known = target().profile;
    assert_eq!(write_of(world.next(&Facts::default(), at(599))).profile, known);
    assert_eq!(world.next(&Facts::default(), at(600)), Step::Ask(Question::Confirm(known.clone())));
    let ada = FoundProfile { email: Some("ada@example.com".into()), ..profile(None) };
    assert_eq!(write_of(world.next(&confirmed(vec![ada]), at(600))).profile, known);
    let gone = confirmed(Vec::new());
    assert_eq!(world.next(&gone, at(600)), Step::Ask(Question::FindProfile));
    let nobody = Facts { found: Some(Vec::new()), ..gone };
    assert!(write_of(world.next(&nobody, at(600))).create);
}

#[test]
fn the_question_to_confirm_goes_to_the_profile_that_is_the_consumers_now() {
    for state in [
        SmsState::Settling { target: target(), until: at(600) },
        SmsState::Subscribing { target: target(), event: EventProgress::NotTaken { time: at(1) } },
    ] {
        let world = world(by_event(), true).in_state(state);
        assert_eq!(world.next(&Facts::default(), at(600)), Step::Ask(Question::Confirm(target().profile)));
        assert_eq!(write_of(world.next(&confirmed(vec![there()]), at(600))).profile, target().profile);
        let gone = confirmed(Vec::new());
        assert_eq!(world.next(&gone, at(600)), Step::Ask(Question::FindProfile));
        let write = write_of(world.next(&Facts { found: Some(vec![survivor()]), ..gone }, at(600)));
        assert_eq!(write.profile, ProfileRef::ExternalId("u-2".into()));
        assert!(write.event.is_some());
    }
}

#[test]
fn an_attempt_at_the_question_is_looked_for_on_the_profile_that_a_merge_left() {
    let event = EventProgress::Attempted { at: at(1), time: at(1) };
    let world = world(by_event(), true).in_state(SmsState::Subscribing { target: target(), event });
    let facts = Facts { found: Some(vec![survivor()]), ..confirmed(Vec::new()) };
    let next = world.next(&facts, at(600));
    let Step::Ask(Question::EventRecorded { profile, since, .. }) = next else { panic!("{next:?}") };
    assert_eq!((profile, since), (ProfileRef::ExternalId("u-2".into()), at(1)));
    let recorded = Facts { recorded: Some(true), ..facts };
    assert!(matches!(
        world.next(&recorded, at(600)),
        Step::Wait { state: Open::Sms(SmsState::AwaitingOptIn { .. }), .. }
    ));
}

#[test]
fn without_a_profile_that_has_the_number_the_flow_begins_with_one() {
    let event = EventProgress::NotTaken { time: at(1) };
    let world = world(by_event(), true).in_state(SmsState::Subscribing { target: target(), event });
    let nobody = Facts { found: Some(Vec::new()), ..confirmed(Vec::new()) };
    assert!(write_of(world.next(&nobody, at(600))).create);
    let other = FoundProfile { phone: None, ..survivor() };
    let without = Facts { found: Some(vec![other]), ..confirmed(Vec::new()) };
    assert_eq!(write_of(world.next(&without, at(600))).phone, Some(phone()));
}

#[test]
fn a_profile_whose_address_the_consumer_changed_gets_the_number_and_keeps_its_address() {
    let world = world(single(Subscribe::AfterProfile), true)
        .in_state(SmsState::Enrolling { target: target(), event: EventProgress::NotSent });
    let moved = FoundProfile { email: Some("new@example.com".into()), ..profile(None) };
    let facts = confirmed(vec![moved]);
    assert_eq!(world.next(&facts, at(600)), Step::Ask(Question::FindProfile));
    let write = write_of(world.next(&Facts { found: Some(Vec::new()), ..facts }, at(600)));
    assert_eq!((write.create, write.email), (false, None));
}
