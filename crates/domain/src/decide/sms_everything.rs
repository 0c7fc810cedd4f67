//! Every state with every fact, and whole runs from the beginning to the end.

use proptest::prelude::*;

use super::*;

fn states() -> Vec<SmsState> {
    let events = [
        EventProgress::NotSent,
        EventProgress::NotTaken { time: at(1) },
        EventProgress::Attempted { at: at(1), time: at(1) },
        EventProgress::Recorded,
    ];
    let mut states = vec![
        SmsState::Received,
        SmsState::Settling { target: target(), until: at(120) },
        SmsState::AwaitingSubscription { target: target(), since: at(1), repeated: true },
        SmsState::AwaitingSubscription { target: target(), since: at(1), repeated: false },
        SmsState::AwaitingOptIn { since: at(1), asked_by: None },
        SmsState::AwaitingOptIn { since: at(1), asked_by: Some(asking_write()) },
    ];
    states.extend(events.map(|event| SmsState::Enrolling { target: target(), event }));
    states.extend(events.map(|event| SmsState::Subscribing { target: target(), event }));
    states
}

fn opt_ins() -> Vec<OptIn> {
    vec![
        single(Subscribe::AfterProfile),
        single(Subscribe::WithProfile),
        by_event(),
        double(DoubleOptInStart::BrazeLogic),
    ]
}

/// Every fact by itself, and no fact at all.
fn all_facts() -> Vec<Facts> {
    vec![
        Facts::default(),
        subscribed(),
        not_subscribed(),
        found(vec![]),
        found(vec![profile(None)]),
        Facts { refused: Some("no".into()), ..Facts::default() },
        Facts { recorded: Some(true), ..Facts::default() },
        Facts { recorded: Some(false), ..Facts::default() },
        written(Written::Done),
        written(Written::Refused { reason: "no".into() }),
        written(Written::NotDone { retry_at: at(500) }),
        written(Written::Unknown { retry_at: at(500) }),
    ]
}

#[test]
fn every_state_and_fact_has_a_step_and_only_subscribed_credits() {
    for opt_in in opt_ins() {
        for state in states() {
            for facts in all_facts() {
                let world = world(opt_in.clone(), true).in_state(state.clone());
                let step = world.next(&facts, at(200));
                if step == Step::Done(Outcome::Credited) {
                    assert_eq!(facts.subscription, Some(Subscription::Subscribed), "{state:?} {facts:?}");
                }
                if let Step::Wait { until, .. } = step {
                    assert!(until > at(200), "{state:?} {facts:?} waits for nothing");
                }
            }
        }
    }
}

proptest! {
    /// Whatever Braze answers, and however long it takes, the participation ends, and is credited only after
    /// Braze said `Subscribed`.
    #[test]
    fn every_sms_participation_ends_and_is_credited_only_once_subscribed(
        which in 0_usize..4, email: bool, has_profile in 0_u8..4, answers in proptest::collection::vec(0_u8..6, 0..60),
        confirms: Option<u16>,
    ) {
        let mut world = world(opt_ins()[which].clone(), email);
        let mut facts = Facts::default();
        let mut now = at(0);
        let mut said_subscribed = false;
        let mut answers = answers.into_iter();
        for _ in 0..3_000 {
            let answer = answers.next().unwrap_or(0);
            let step = world.next(&facts, now);
            world.participation.apply(&step, now);
            match step {
                Step::Done(outcome) => {
                    prop_assert!(outcome != Outcome::Credited || said_subscribed);
                    prop_assert!(world.participation.state().is_end());
                    return Ok(());
                }
                Step::Wait { until, .. } => {
                    prop_assert!(until > now);
                    now = until;
                    facts = Facts::default();
                }
                Step::Ask(_) if answer == 1 => {
                    now += Duration::from_secs(1);
                    facts = Facts::default();
                }
                Step::Ask(Question::Subscription(_)) => {
                    let confirmed = confirms.is_some_and(|minutes| now >= at(i64::from(minutes) * 60));
                    said_subscribed |= confirmed;
                    facts.subscription =
                        Some(if confirmed { Subscription::Subscribed } else { Subscription::NotSubscribed });
                }
                Step::Ask(Question::FindProfile) => {
                    let number = ["+13135550100", "+13135550199"];
                    facts.found = Some(match has_profile {
                        0 => vec![],
                        1 => vec![profile(None)],
                        other => vec![profile(Some(number[usize::from(other) - 2]))],
                    });
                }
                Step::Ask(Question::EventRecorded { .. }) => facts.recorded = Some(answer % 2 == 0),
                Step::Ask(Question::Confirm(profile) | Question::Built(profile)) => {
                    let found = if answer == 2 { Vec::new() } else { vec![self::profile(None)] };
                    facts.confirmed = Some(Confirmation { profile, found });
                }
                Step::Ask(Question::ProfileHint | Question::Claim | Question::FindAlias(_) | Question::ConsentGroups { .. }) => prop_assert!(false, "not asked here"),
                Step::Resolve(_) | Step::Show { .. } | Step::Defer { .. } | Step::NoProfile { .. } | Step::GiveUp(_) | Step::StopWaiting | Step::Consent(..) | Step::Rest | Step::NotOffered(_) => {
                    prop_assert!(false, "nothing is won here");
                }
                Step::Tell { .. } => {
                    facts.before_a_command();
                    let retry_at = now + Duration::from_secs(2);
                    facts.written = Some(match answer {
                        2 => Written::NotDone { retry_at },
                        3 => Written::Unknown { retry_at },
                        4 => Written::Refused { reason: "no".into() },
                        _ => Written::Done,
                    });
                }
            }
        }
        prop_assert!(false, "did not end: {:?}", world.participation.state());
    }
}
