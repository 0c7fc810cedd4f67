//! What every step must keep, whatever is known.

use domain::Timestamp;
use domain::decide::{Command, ProfileWrite, Step, Subscription, Terms, decide};
use domain::participation::{EventProgress, Outcome, Participation, State};

use crate::cases::StateCase;
use crate::world::World;

/// Takes the step of a case, and checks it against every promise.
pub(crate) fn hold(world: &World, case: &StateCase) {
    let step = next(world, case);
    let context = format!("{:?} {:?}, {}: {step:?}", world.flow, case.participation.state(), case.known);
    let mut after = case.participation.clone();
    after.apply(&step, case.now);
    nothing_is_lost(&step, &after, case.now, &context);
    only_what_is_subscribed_is_credited(world, case, &step, &context);
    the_credit_is_earned_once(&case.participation, &after, &step, &context);
    if let Some(write) = written(&step) {
        no_second_profile(world, case, write, &context);
        no_event_is_sent_twice(case, write, &context);
        an_attempt_is_written_down_first(&after, write, &context);
    }
}

/// The step that `decide` returns.
pub(crate) fn next(world: &World, case: &StateCase) -> Step {
    let (brand, activation) = world.terms();
    decide(&case.participation, &Terms { brand, activation }, &case.facts, case.now)
}

fn written(step: &Step) -> Option<&ProfileWrite> {
    let (Step::Tell { command: Command::Write(write), .. } | Step::Show { write, .. }) = step else {
        return None;
    };
    Some(write)
}

/// Promise 1: an open participation is due at some time, a wait takes time, and an ended one stays ended and
/// says why.
fn nothing_is_lost(step: &Step, after: &Participation, now: Timestamp, context: &str) {
    if let Step::Wait { until, .. } | Step::Defer { until, .. } = step {
        assert!(*until >= now, "it waits for a moment in the past: {context}");
        assert_eq!(after.due_at(), Some(*until), "it is not due then: {context}");
    }
    assert!(after.state().is_end() || after.due_at().is_some(), "it is open and never due: {context}");
    if let Step::Done(outcome) = step {
        assert_eq!(after.state(), &State::Ended(outcome.clone()), "{context}");
        let successful = outcome.earns() || matches!(outcome, Outcome::Unverified | Outcome::Expired);
        assert!(successful || outcome.reason().is_some(), "it does not say why: {context}");
    }
}

/// Promise 3: SMS is credited only when Braze itself says `Subscribed`, and so is a consumer who was asked by e-mail.
fn only_what_is_subscribed_is_credited(world: &World, case: &StateCase, step: &Step, context: &str) {
    if world.flow.is_by_number() && *step == Step::Done(Outcome::Credited) {
        assert_eq!(case.facts.subscription, Some(Subscription::Subscribed), "{context}");
    }
    let asked = |participation: &Participation| participation.state().name() == "awaiting_opt_in";
    if asked(&case.participation) && *step == Step::Done(Outcome::Enrolled) {
        assert_eq!(case.facts.subscription, Some(Subscription::Subscribed), "{context}");
    }
}

/// Promise 2: the credit is earned once and stays earned, and a line in the ledger is resolved once.
fn the_credit_is_earned_once(before: &Participation, after: &Participation, step: &Step, context: &str) {
    if let Some(earned_at) = before.earned_at() {
        assert_eq!(after.earned_at(), Some(earned_at), "{context}");
    }
    let earns = matches!(step, Step::Done(outcome) if outcome.earns());
    assert!(before.earned_at() == after.earned_at() || earns, "nothing earned it: {context}");
}

/// Promise 4: a profile is created only for a consumer whom Braze does not have, and under an alias, which
/// Braze creates once.
fn no_second_profile(world: &World, case: &StateCase, write: &ProfileWrite, context: &str) {
    if !write.create {
        return;
    }
    let nobody = case.facts.found.as_ref().is_some_and(Vec::is_empty);
    let decided_before = !matches!(case.participation.state().name(), State::RECEIVED);
    assert!(nobody || decided_before, "it is created without a look-up: {context}");
    assert_eq!(write.profile, world.created().profile, "{context}");
    assert!(world.participation.event().is_none(), "an event never creates a profile: {context}");
}

/// Promise 2: while the outcome of an event is unknown, the event is not sent again.
fn no_event_is_sent_twice(case: &StateCase, write: &ProfileWrite, context: &str) {
    let open = case.participation.state().has_open_attempt();
    assert!(write.event.is_none() || !open || case.facts.recorded == Some(false), "{context}");
}

/// An event is never sent before the participation records the attempt.
fn an_attempt_is_written_down_first(after: &Participation, write: &ProfileWrite, context: &str) {
    let shown = matches!(after.shown().event, EventProgress::Attempted { .. });
    assert!(write.event.is_none() || after.state().has_open_attempt() || shown, "{context}");
}
