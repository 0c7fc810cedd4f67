//! A subscription that comes more than 15 minutes after the consent, and a consumer who has said STOP meanwhile.

use super::*;
use crate::consent::{ChannelConsent, ConsentProgress};
use crate::ids::Channel;

const LATE: i64 = 15 * 60;

fn said(subscription: Subscription) -> Facts {
    Facts { subscription: Some(subscription), ..Facts::default() }
}

fn found_and(subscription: Subscription, phone: Option<&str>) -> Facts {
    Facts { found: Some(vec![profile(phone)]), ..said(subscription) }
}

fn subscribing() -> SmsState {
    SmsState::Subscribing { target: target(), event: EventProgress::NotSent }
}

fn not_written() -> Step {
    Step::Consent(Channel::Sms, ConsentProgress::NotWritten)
}

#[test]
fn a_number_that_said_stop_is_not_subscribed_late_and_one_that_braze_does_not_know_is() {
    for with_profile in [Subscribe::AfterProfile, Subscribe::WithProfile] {
        let world = world(single(with_profile), true);
        let number = Some("+13135550100").filter(|_| with_profile == Subscribe::AfterProfile);
        let step = |subscription, second| world.next(&found_and(subscription, number), at(second));
        assert_eq!(step(Subscription::Unsubscribed, LATE), not_written());
        for (subscription, second) in
            [(Subscription::Unsubscribed, LATE - 1), (Subscription::NotSubscribed, LATE)]
        {
            let step = step(subscription, second);
            let is_subscribed = match &step {
                Step::Tell { command: Command::Subscribe { .. }, .. } => true,
                Step::Tell { command: Command::Write(write), .. } => write.subscribe.is_some(),
                _ => false,
            };
            assert!(is_subscribed, "{step:?}");
        }
    }
}

#[test]
fn a_late_subscription_is_never_repeated_without_asking_braze() {
    let later = world(single(Subscribe::AfterProfile), true).in_state(subscribing());
    assert_eq!(later.next(&Facts::default(), at(LATE)), Step::Ask(Question::Subscription(group())));
    assert_eq!(later.next(&said(Subscription::Subscribed), at(LATE)), Step::Done(Outcome::Credited));
    assert_eq!(later.next(&said(Subscription::Unsubscribed), at(LATE)), not_written());
    assert!(subscribes(&later.next(&said(Subscription::NotSubscribed), at(LATE)), false));
    assert!(subscribes(&later.next(&Facts::default(), at(LATE - 1)), false), "it is not late");

    let repeated = |second| {
        let state =
            SmsState::AwaitingSubscription { target: target(), since: at(second - 120), repeated: false };
        world(single(Subscribe::AfterProfile), true).in_state(state)
    };
    assert_eq!(repeated(LATE).next(&said(Subscription::Unsubscribed), at(LATE)), not_written());
    let early = repeated(LATE - 1).next(&said(Subscription::Unsubscribed), at(LATE - 1));
    assert!(subscribes(&early, false));
}

#[test]
fn whoever_said_stop_ends_without_a_credit_once_that_is_noted() {
    let mut world = world(single(Subscribe::AfterProfile), true).in_state(subscribing());
    world.participation.apply(&not_written(), at(LATE));
    let consent = world.participation.consent().unwrap();
    let sms = ChannelConsent { given: true, progress: ConsentProgress::NotWritten };
    assert_eq!((consent.sms, consent.word()), (Some(sms), Some("not_written")));
    let step = world.next(&said(Subscription::Unsubscribed), at(LATE));
    assert_eq!(step, Step::Done(Outcome::Unverified));
}

#[test]
fn a_double_opt_in_asks_whoever_said_stop_since_the_answer_is_a_new_consent() {
    let world = world(by_event(), true);
    let step = world.next(&found_and(Subscription::Unsubscribed, Some("+13135550100")), at(LATE));
    assert!(write_of(step).event.is_some());
}
