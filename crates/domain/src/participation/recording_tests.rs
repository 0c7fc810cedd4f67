use super::super::tests::{accepted, at, by_email, by_phone};
use super::super::{Cause, EventProgress, Snapshot, Target};
use super::*;
use crate::attributes::Attributes;

fn target(id: &str) -> Target {
    Target { profile: ProfileRef::ExternalId(id.into()), create: false }
}

fn enrolling(id: &str) -> Open {
    Open::Enroll(EnrollState::Enrolling { target: target(id), event: EventProgress::NotSent })
}

fn tell(id: &str) -> Step {
    let write = ProfileWrite::of(target(id).profile, Attributes::default());
    Step::Tell { state: enrolling(id), command: Command::Write(write) }
}

fn codes(participation: &Participation) -> Vec<(Code, u32)> {
    participation.timeline().entries().iter().map(|entry| (entry.code, entry.times)).collect()
}

#[test]
fn the_steps_of_a_flow_are_its_timeline() {
    let mut participation = accepted(by_email(), false);
    participation.apply(&Step::Ask(Question::ProfileHint), at(1));
    participation.apply(&Step::Ask(Question::FindProfile), at(1));
    participation.answered(at(2));
    participation.apply(&tell("u-1"), at(2));
    participation.failed(Cause::Throttled, at(3));
    participation.apply(&Step::Wait { state: enrolling("u-1"), until: at(9) }, at(3));
    participation.apply(&tell("u-1"), at(9));
    participation.answered(at(10));
    participation.apply(&Step::Done(Outcome::Enrolled), at(10));
    participation.apply(&Step::Rest, at(10));
    let ended = [Code::LookedUp, Code::Updated, Code::Updated, Code::Credited, Code::Ended];
    assert_eq!(codes(&participation), ended.map(|code| (code, 1)));
    assert_eq!(participation.timeline().entries()[1].cause, Some(Cause::Throttled));
}

#[test]
fn a_credit_that_is_a_line_in_a_ledger_is_recorded_when_it_is_resolved() {
    let mut participation = accepted(by_email(), true);
    participation.apply(&Step::Done(Outcome::Enrolled), at(1));
    assert_eq!(codes(&participation), [(Code::Ended, 1)]);
    participation.apply(&Step::Resolve(Resolution::Credit), at(1));
    assert_eq!(codes(&participation), [(Code::Ended, 1), (Code::Credited, 1)]);
}

#[test]
fn polls_are_one_entry_between_the_question_and_the_answer() {
    let mut participation = accepted(by_phone(), true);
    let waits = |until| Step::Wait {
        state: Open::Sms(SmsState::AwaitingOptIn { since: at(1), asked_by: None }),
        until: at(until),
    };
    participation.apply(&waits(10), at(1));
    let group = crate::ids::SubscriptionGroup::parse("g-1").unwrap();
    for second in 1..=48 {
        participation.apply(&Step::Ask(Question::Subscription(group.clone())), at(second * 10));
        participation.answered(at(second * 10));
        participation.apply(&waits((second + 1) * 10), at(second * 10));
    }
    participation.apply(&Step::Done(Outcome::Credited), at(480));
    let expected = [(Code::Asked, 1), (Code::AskedSubscription, 48), (Code::OptedIn, 1), (Code::Ended, 1)];
    assert_eq!(codes(&participation), expected);
}

#[test]
fn a_flow_that_goes_on_with_another_profile_says_so() {
    let mut participation = accepted(by_email(), false);
    participation.apply(&tell("u-1"), at(1));
    participation.apply(&tell("u-2"), at(5));
    let expected = [(Code::Updated, 1), (Code::Moved, 1), (Code::Updated, 1)];
    assert_eq!(codes(&participation), expected);
}

#[test]
fn a_reward_after_the_end_of_the_flow_is_recorded_as_one() {
    let snapshot = accepted(by_email(), true).into_snapshot();
    let state = State::Ended(Outcome::Enrolled);
    let mut participation = Participation::restore(Snapshot { state, ..snapshot }).unwrap();
    let mut write = ProfileWrite::of(target("u-1").profile, Attributes::default());
    write.shows_reward = true;
    participation.apply(&Step::Show { shown: participation.shown(), write: write.clone() }, at(3));
    participation.answered(at(4));
    participation.shows(&write, None, at(4));
    participation.found_missing(super::super::Parts { reward: true, ..Default::default() }, at(60));
    participation.apply(&Step::Show { shown: participation.shown(), write: write.clone() }, at(61));
    let expected = [(Code::RewardWritten, 1), (Code::Missing, 1), (Code::WrittenAgain, 1)];
    assert_eq!(codes(&participation), expected);
    assert_eq!(participation.shown_at(), Some(at(4)), "the first time that Braze accepted it");
}

#[test]
fn nothing_of_a_consumers_timeline_is_left_when_the_consumer_is_forgotten() {
    let mut participation = accepted(by_email(), false);
    participation.apply(&tell("u-1"), at(1));
    participation.forget(Vec::new(), at(9));
    assert_eq!(codes(&participation), [(Code::Forgotten, 1)]);
}
