//! Answers of consumers who take part by mobile number.

use super::*;
use crate::answers::AnswerRules;
use crate::attributes::AttributeValue;

/// A consumer with a number who answered a question of an activation that lists it.
fn answered() -> SmsWorld {
    let mut world = world(single(Subscribe::AfterProfile), false);
    world.activation.answers = Some(AnswerRules::default());
    let mut answers = Attributes::default();
    answers.set("shoe_size", AttributeValue::Integer(40)).unwrap();
    let id = world.participation.id();
    let acceptance = Acceptance::new(id, (&world.brand, &world.activation), at(0));
    world.participation = acceptance.by_phone((phone(), None), None, answers);
    world
}

fn with_size(phone: Option<&str>) -> FoundProfile {
    FoundProfile {
        attributes: [("shoe_size".to_owned(), AttributeValue::Integer(38))].into(),
        ..profile(phone)
    }
}

#[test]
fn answers_go_out_with_the_number_unless_the_profile_has_them() {
    let world = answered();
    assert_eq!(write_of(world.next(&found(Vec::new()), at(1))).attributes.len(), 1);
    assert_eq!(write_of(world.next(&found(vec![profile(None)]), at(1))).attributes.len(), 1);
    assert_eq!(write_of(world.next(&found(vec![with_size(None)]), at(1))).attributes.len(), 0);
}

#[test]
fn a_profile_with_the_number_gets_the_answers_that_it_lacks_and_is_subscribed_at_once() {
    let world = answered();
    let has_all = found(vec![with_size(Some("+13135550100"))]);
    assert!(subscribes(&world.next(&has_all, at(1)), false), "there is nothing to write");
    let lacks = found(vec![profile(Some("+13135550100"))]);
    assert_eq!(write_of(world.next(&lacks, at(1))).attributes.len(), 1);
    let world = world.in_state(SmsState::Enrolling { target: target(), event: EventProgress::NotSent });
    let done = Facts { written: Some(Written::Done), ..lacks };
    assert!(subscribes(&world.next(&done, at(1)), false), "Braze has nothing to build");
}

#[test]
fn a_repeated_write_of_answers_reads_the_profile_again() {
    let world = answered().in_state(SmsState::Enrolling { target: target(), event: EventProgress::NotSent });
    let asked = world.next(&Facts::default(), at(1));
    assert_eq!(asked, Step::Ask(Question::Confirm(target().profile)));
    let confirmed = Confirmation { profile: target().profile, found: vec![with_size(None)] };
    let confirmed = Facts { confirmed: Some(confirmed), ..Facts::default() };
    assert_eq!(write_of(world.next(&confirmed, at(1))).attributes.len(), 0);
}
