//! The question to confirm in the write of the number: sent with it, read back, and put once more if it did not arrive.

use super::*;

fn created() -> Target {
    Target { profile: ProfileRef::Alias(Alias::new("email", "ada@example.com").unwrap()), create: true }
}

fn asked_by(target: Target) -> AskingWrite {
    AskingWrite { target, event_at: at(1) }
}

fn awaiting(asked_by: Option<AskingWrite>) -> SmsState {
    SmsState::AwaitingOptIn { since: at(1), asked_by }
}

fn enrolling(world: SmsWorld, event: EventProgress) -> SmsWorld {
    world.in_state(SmsState::Enrolling { target: created(), event })
}

#[test]
fn the_event_goes_into_the_write_that_creates_the_profile() {
    let first = world(by_event(), true);
    let step = first.next(&found(vec![]), at(1));
    let Step::Tell { state, command: Command::Write(write) } = step else { panic!("{step:?}") };
    assert!(write.create && write.phone.is_some() && !write.is_repeatable());
    assert_eq!(write.event.map(|event| (event.name, event.time)), Some(("opt_in".into(), at(1))));
    let attempted = EventProgress::Attempted { at: at(1), time: at(1) };
    assert_eq!(state, Open::Sms(SmsState::Enrolling { target: created(), event: attempted }));

    let state = Open::Sms(awaiting(Some(asked_by(created()))));
    let next = first.open(Open::Sms(SmsState::Enrolling { target: created(), event: attempted }));
    assert_eq!(next.next(&written(Written::Done), at(2)), Step::Wait { state, until: at(61) });
}

#[test]
fn a_profile_that_gets_the_number_is_asked_in_the_same_write_and_one_that_has_it_at_once() {
    let world = world(by_event(), true);
    let write = write_of(world.next(&found(vec![profile(None)]), at(1)));
    assert!(write.phone.is_some() && write.event.is_some());
    let write = write_of(world.next(&found(vec![profile(Some("+13135550100"))]), at(1)));
    assert!(write.phone.is_none() && write.event.is_some());
}

#[test]
fn brazes_own_logic_goes_into_the_write_too_and_is_requested_once_more() {
    let first = world(double(DoubleOptInStart::BrazeLogic), true);
    let write = write_of(first.next(&found(vec![]), at(1)));
    assert_eq!(write.subscribe, Some(NumberSubscription { group: group(), double_opt_in: true }));
    let next = enrolling(first, EventProgress::NotSent);
    let step = next.next(&written(Written::Done), at(1));
    assert_eq!(step, Step::Wait { state: Open::Sms(awaiting(Some(asked_by(created())))), until: at(61) });

    let asked = next.in_state(awaiting(Some(asked_by(created()))));
    assert!(matches!(asked.next(&not_subscribed(), at(61)), Step::Wait { .. }));
    assert_eq!(
        asked.next(&subscribed(), at(121)),
        Step::Done(Outcome::Credited),
        "nobody who answered is asked"
    );
    let again = asked.next(&not_subscribed(), at(121));
    assert!(subscribes(&again, true), "{again:?}");
    let Step::Tell { state, .. } = again else { unreachable!() };
    let facts = Facts { subscription: Some(Subscription::NotSubscribed), ..written(Written::Done) };
    assert_waits_for_the_consumer(&asked.open(state).next(&facts, at(121)));
}

fn assert_waits_for_the_consumer(step: &Step) {
    let waits =
        matches!(step, Step::Wait { state: Open::Sms(SmsState::AwaitingOptIn { asked_by: None, .. }), .. });
    assert!(waits, "{step:?}");
}

#[test]
fn an_event_that_arrived_is_not_sent_again() {
    let world = world(by_event(), true).in_state(awaiting(Some(asked_by(created()))));
    assert_eq!(world.next(&Facts::default(), at(121)), Step::Ask(Question::Subscription(group())));
    let next = world.next(&not_subscribed(), at(121));
    let Step::Ask(Question::EventRecorded { profile, since, .. }) = next else { panic!("{next:?}") };
    // Braze cuts the event's time at its own clock.
    assert_eq!((profile, since), (created().profile, at(1 - 86_400)));
    let arrived = Facts { recorded: Some(true), ..not_subscribed() };
    let state = Open::Sms(awaiting(None));
    assert_eq!(world.next(&arrived, at(121)), Step::Wait { state, until: at(181) });
}

#[test]
fn an_event_that_did_not_arrive_is_sent_once_more_to_the_profile_if_it_is_still_theirs() {
    let world = world(by_event(), true).in_state(awaiting(Some(asked_by(target()))));
    let missing = |confirmed| Facts { recorded: Some(false), confirmed, ..not_subscribed() };
    assert_eq!(world.next(&missing(None), at(121)), Step::Ask(Question::Confirm(target().profile)));
    let theirs = missing(confirmed(vec![profile(Some("+13135550100"))]).confirmed);
    let step = world.next(&theirs, at(121));
    let Step::Tell { state, command: Command::Write(write) } = step else { panic!("{step:?}") };
    assert_eq!(write.event.map(|event| event.time), Some(at(1)), "it is the same event");
    assert_waits_for_the_consumer(&world.open(state).next(&written(Written::Done), at(121)));
}

#[test]
fn while_the_profile_is_not_shown_the_event_is_not_sent_again_but_looked_for_at_the_next_poll() {
    let world = world(by_event(), true).in_state(awaiting(Some(asked_by(target()))));
    let gone = Facts { recorded: Some(false), ..confirmed(vec![]) };
    let gone = Facts { subscription: Some(Subscription::NotSubscribed), ..gone };
    let state = Open::Sms(awaiting(Some(asked_by(target()))));
    assert_eq!(world.next(&gone, at(121)), Step::Wait { state, until: at(181) });
}

#[test]
fn a_write_that_was_certainly_not_taken_is_sent_as_the_first_one() {
    let attempted = EventProgress::Attempted { at: at(1), time: at(1) };
    let next = enrolling(world(by_event(), true), attempted)
        .next(&written(Written::NotDone { retry_at: at(9) }), at(2));
    let event = EventProgress::NotSent;
    assert_eq!(
        next,
        Step::Wait { state: Open::Sms(SmsState::Enrolling { target: created(), event }), until: at(9) }
    );
}

#[test]
fn a_write_of_unknown_outcome_is_looked_for_before_it_is_repeated() {
    let attempted = EventProgress::Attempted { at: at(1), time: at(1) };
    let world = enrolling(world(by_event(), true), attempted);
    let unknown = written(Written::Unknown { retry_at: at(3) });
    assert!(matches!(world.next(&unknown, at(2)), Step::Wait { until, .. } if until == at(2) + SETTLE));
    assert!(matches!(world.next(&Facts::default(), at(122)), Step::Ask(Question::EventRecorded { .. })));
    let recorded = |there| Facts { recorded: Some(there), ..Facts::default() };
    assert!(matches!(
        world.next(&recorded(true), at(122)),
        Step::Wait { state: Open::Sms(SmsState::AwaitingOptIn { asked_by: None, .. }), .. }
    ));
    let write = write_of(world.next(&recorded(false), at(122)));
    assert!(write.create && write.event.is_some());
}

#[test]
fn a_stage_of_a_minute_or_more_is_polled_by_the_minute_and_a_shorter_one_is_not() {
    let mut world =
        world(by_event(), true).in_state(SmsState::AwaitingOptIn { since: at(0), asked_by: None });
    let Some(OptIn::Double { poll, .. }) = world.activation.sms.as_mut().map(|sms| &mut sms.opt_in) else {
        panic!("the opt-in is double")
    };
    poll[0].every = Duration::from_secs(59);
    let by_the_minute = |world: &SmsWorld, second: i64| {
        crate::decide::is_polled_by_the_minute(&world.participation, &world.activation, at(second))
    };
    assert_eq!([0, 599, 600, 90_000].map(|second| by_the_minute(&world, second)), [false, false, true, true]);
    let single =
        SmsWorld { activation: self::world(single(Subscribe::AfterProfile), true).activation, ..world };
    assert!(!by_the_minute(&single, 90_000), "nobody is asked to confirm");
}
