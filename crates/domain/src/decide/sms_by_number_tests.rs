//! Writes by number, without look-ups.

use super::*;
use crate::brand::IdentityByPhone;
use crate::decide::Claim;

fn by_number(opt_in: OptIn) -> SmsWorld {
    let mut world = world(opt_in, true);
    world.brand.braze.identity_by_phone = IdentityByPhone::Phone;
    world
}

fn claimed(claim: Claim) -> Facts {
    Facts { claim: Some(claim), ..not_subscribed() }
}

fn target() -> Target {
    Target { profile: ProfileRef::Phone(phone()), create: true }
}

#[test]
fn a_number_is_written_by_itself_and_the_address_beside_it_is_not() {
    let world = by_number(single(Subscribe::WithProfile));
    assert_eq!(world.next(&not_subscribed(), at(1)), Step::Ask(Question::Claim));
    let write = write_of(world.next(&claimed(Claim::Ours), at(1)));
    assert_eq!((write.profile, write.create), (ProfileRef::Phone(phone()), true));
    assert_eq!((write.email, write.phone), (None, None), "of two, Braze would go by the address");
    assert!(write.subscribe.is_some());
}

#[test]
fn while_another_participation_creates_the_profile_this_one_waits() {
    let world = by_number(single(Subscribe::WithProfile));
    let theirs = claimed(Claim::Theirs { at: at(1) });
    assert!(matches!(world.next(&theirs, at(2)), Step::Wait { until, .. } if until == at(1) + SETTLE));
    assert_eq!(write_of(world.next(&theirs, at(1) + SETTLE)).profile, ProfileRef::Phone(phone()));
}

#[test]
fn a_write_of_unknown_outcome_is_not_repeated_before_braze_has_settled() {
    let event = EventProgress::NotSent;
    let world =
        by_number(single(Subscribe::WithProfile)).in_state(SmsState::Enrolling { target: target(), event });
    let wait =
        |written: Written| match world.next(&Facts { written: Some(written), ..Facts::default() }, at(1)) {
            Step::Wait { until, .. } => until,
            other => panic!("{other:?}"),
        };
    assert_eq!(wait(Written::Unknown { retry_at: at(3) }), at(1) + SETTLE);
    assert_eq!(wait(Written::NotDone { retry_at: at(3) }), at(3));
}

#[test]
fn the_profile_is_not_asked_for_and_an_event_is_not_read_back() {
    let settling = SmsState::Settling { target: target(), until: at(120) };
    let settling = by_number(single(Subscribe::AfterProfile)).in_state(settling);
    assert!(matches!(settling.next(&Facts::default(), at(30)), Step::Wait { until, .. } if until == at(120)));

    let event = EventProgress::Attempted { at: at(1), time: at(1) };
    let asked = by_number(by_event()).in_state(SmsState::Enrolling { target: target(), event });
    let state = Open::Sms(SmsState::AwaitingOptIn { since: at(1), asked_by: None });
    assert_eq!(asked.next(&written(Written::Done), at(1)), Step::Wait { state, until: at(61) });
}

#[test]
fn a_number_that_waited_is_written_to_whoever_has_it_now() {
    let event = EventProgress::NotSent;
    let target = Target { create: false, ..target() };
    let world = by_number(single(Subscribe::AfterProfile)).in_state(SmsState::Enrolling { target, event });
    assert_eq!(write_of(world.next(&Facts::default(), at(900))).profile, ProfileRef::Phone(phone()));
}
