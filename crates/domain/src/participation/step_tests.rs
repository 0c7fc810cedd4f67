use super::*;
use crate::attributes::{AttributeValue, Attributes};
use crate::contact::Phone;
use crate::profile::ProfileRef;

fn attribute(name: &str, value: i64) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.set(name, AttributeValue::Integer(value)).unwrap();
    attributes
}

fn plain_write(profile: &str, attributes: Attributes) -> ProfileWrite {
    ProfileWrite::of(ProfileRef::ExternalId(profile.to_owned()), attributes)
}

fn event() -> ProfileEvent {
    ProfileEvent {
        name: "joined".into(),
        time: Timestamp::UNIX_EPOCH,
        scope: "spring".into(),
        properties: Attributes::default(),
    }
}

fn subscription() -> NumberSubscription {
    NumberSubscription { group: SubscriptionGroup::parse("g-1").unwrap(), double_opt_in: false }
}

/// The write with one more part, for each part that a write can have.
fn with_one_more(write: &ProfileWrite) -> [ProfileWrite; 5] {
    [
        ProfileWrite { create: true, ..write.clone() },
        ProfileWrite { email: Email::parse("ada@example.com").ok(), ..write.clone() },
        ProfileWrite { phone: Phone::from_e164("+13135550100").ok(), ..write.clone() },
        ProfileWrite { subscribe: Some(subscription()), ..write.clone() },
        ProfileWrite { event: Some(event()), ..write.clone() },
    ]
}

#[test]
fn two_writes_to_a_profile_are_one_and_of_an_attribute_the_later_counts() {
    let earlier = plain_write("u-1", attribute("tier", 1).beneath(&attribute("visits", 7)));
    let joined = earlier.joined(&plain_write("u-1", attribute("tier", 2))).unwrap();
    assert_eq!(joined.attributes, attribute("tier", 2).beneath(&attribute("visits", 7)));
}

#[test]
fn parts_that_two_writes_share_are_in_the_joined_write() {
    for write in with_one_more(&plain_write("u-1", attribute("tier", 1))) {
        let joined = write.joined(&write);
        assert_eq!(joined, write.is_repeatable().then(|| write.clone()), "an event is counted each time");
    }
}

#[test]
fn the_one_that_two_writes_become_shows_the_reward_if_either_does() {
    let write = plain_write("u-1", attribute("tier", 1));
    let rewarding = ProfileWrite { shows_reward: true, ..write.clone() };
    for (one, other, shows) in [
        (&write, &write, false),
        (&write, &rewarding, true),
        (&rewarding, &write, true),
        (&rewarding, &rewarding, true),
    ] {
        assert_eq!(one.joined(other).map(|joined| joined.shows_reward), Some(shows));
    }
}

#[test]
fn writes_that_are_at_odds_or_log_events_stay_apart() {
    let write = plain_write("u-1", attribute("tier", 1));
    let other_profile = plain_write("u-2", attribute("tier", 1));
    for other in with_one_more(&write).iter().chain([&other_profile]) {
        assert!(write.joined(other).is_none() && other.joined(&write).is_none(), "{other:?}");
    }
}

#[test]
fn a_write_is_empty_if_it_has_no_part() {
    let nothing = plain_write("u-1", Attributes::default());
    assert!(nothing.is_empty());
    assert!(
        ProfileWrite { shows_reward: true, ..nothing.clone() }.is_empty(),
        "it says only what attributes are"
    );
    assert!(!plain_write("u-1", attribute("tier", 1)).is_empty());
    for write in with_one_more(&nothing) {
        assert!(!write.is_empty(), "{write:?}");
    }
}

#[test]
fn only_what_logs_an_event_is_not_repeatable() {
    let write = plain_write("u-1", attribute("tier", 1));
    for write in with_one_more(&write) {
        let repeatable = write.event.is_none();
        assert_eq!(write.is_repeatable(), repeatable);
        assert_eq!(Command::Write(write).is_repeatable(), repeatable);
    }
    let group = SubscriptionGroup::parse("g-1").unwrap();
    assert!(Command::Subscribe { group, double_opt_in: true }.is_repeatable());
}

#[test]
fn values_that_the_profile_showed_are_left_out_and_counted() {
    let shown = FoundProfile {
        external_id: Some("u-1".into()),
        attributes: [("tier".to_owned(), AttributeValue::Integer(1))].into(),
        ..FoundProfile::default()
    };
    let ours = attribute("tier", 1).beneath(&attribute("visits", 7));
    let mut write = plain_write("u-1", ours.clone());
    assert_eq!(write.leave_out_unchanged(std::slice::from_ref(&shown)), 1);
    assert_eq!(write.attributes, attribute("visits", 7));
    let mut to_another = plain_write("u-2", ours.clone());
    assert_eq!((to_another.leave_out_unchanged(&[shown]), &to_another.attributes), (0, &ours));
}
