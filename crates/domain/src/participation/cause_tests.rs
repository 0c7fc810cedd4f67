use std::collections::BTreeSet;

use super::super::tests::{accepted, at, by_email, by_phone, ended};
use super::super::{Cause, HeldUp, Outcome, Snapshot};
use super::*;

#[test]
fn each_cause_has_two_letters_and_a_name_of_its_own() {
    let letters: BTreeSet<[u8; 2]> = Cause::ALL.into_iter().map(Cause::letters).collect();
    let names: BTreeSet<&str> = Cause::ALL.into_iter().map(Cause::name).collect();
    assert_eq!((letters.len(), names.len()), (Cause::ALL.len(), Cause::ALL.len()));
    assert!(Cause::ALL.into_iter().all(|cause| Cause::of_letters(cause.letters()) == cause));
    assert_eq!(Cause::of_letters(*b"zz"), Cause::Unknown(*b"zz"));
}

#[test]
fn it_waits_for_the_last_reason_since_the_first_failure_in_a_row() {
    let mut participation = accepted(by_email(), false);
    assert_eq!(participation.waits(), None);
    participation.failed(Cause::Unreachable, at(1));
    participation.failed(Cause::Throttled, at(2));
    assert_eq!(participation.waits(), Some(HeldUp { cause: Cause::Throttled, since: at(1) }));
    participation.answered(at(3));
    assert_eq!(participation.waits(), None);
}

#[test]
fn a_wait_for_a_slot_after_a_failure_keeps_the_reason_of_the_failure() {
    let mut participation = accepted(by_email(), false);
    participation.held_up(Cause::NoSlot, at(1));
    assert_eq!(participation.waits(), Some(HeldUp { cause: Cause::NoSlot, since: at(1) }));
    participation.failed(Cause::KeyRefused, at(2));
    participation.held_up(Cause::NoSlot, at(3));
    assert_eq!(participation.waits(), Some(HeldUp { cause: Cause::KeyRefused, since: at(1) }));
}

#[test]
fn a_consumer_who_was_asked_is_waited_for_since_then() {
    let snapshot = accepted(by_phone(), false).into_snapshot();
    let state = SmsState::AwaitingOptIn { since: at(5), asked_by: None };
    let state = State::Open(Open::Sms(state));
    let participation = Participation::restore(Snapshot { state, ..snapshot }).unwrap();
    assert_eq!(participation.waits(), Some(HeldUp { cause: Cause::Asked, since: at(5) }));
}

#[test]
fn what_rests_waits_for_nothing() {
    let mut snapshot = ended(by_email(), Outcome::Enrolled).into_snapshot();
    snapshot.held_up = Some(HeldUp { cause: Cause::Unreachable, since: at(1) });
    snapshot.due_at = None;
    assert_eq!(Participation::restore(snapshot).unwrap().waits(), None);
}

#[test]
fn a_look_that_only_wrote_to_the_timeline_has_changed_nothing() {
    let read = accepted(by_email(), false);
    let mut looked_at = read.clone();
    looked_at.held_up(Cause::NoSlot, at(1));
    looked_at.happens(super::super::Code::LookedWhetherBuilt, at(2));
    assert!(!looked_at.has_changed_since(&read) && looked_at != read);
    looked_at.put_off(at(9), at(2));
    assert!(looked_at.has_changed_since(&read));
}
