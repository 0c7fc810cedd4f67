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
    ProfileWrite {
        profile: ProfileRef::ExternalId(profile.to_owned()),
        create: false,
        email: None,
        phone: None,
        subscribe: None,
        attributes,
        event: None,
        shows_reward: false,
    }
}

#[test]
fn two_writes_to_a_profile_are_one_and_of_an_attribute_the_later_counts() {
    let earlier = plain_write("u-1", attribute("tier", 1).beneath(&attribute("visits", 7)));
    let joined = earlier.joined(&plain_write("u-1", attribute("tier", 2))).unwrap();
    assert_eq!(joined.attributes, attribute("tier", 2).beneath(&attribute("visits", 7)));
}

#[test]
fn writes_that_are_at_odds_or_log_events_stay_apart() {
    let write = plain_write("u-1", attribute("tier", 1));
    let phone = Phone::from_e164("+13135550100").ok();
    let event = ProfileEvent {
        name: "joined".into(),
        time: Timestamp::UNIX_EPOCH,
        scope: "spring".into(),
        properties: Attributes::default(),
    };
    let others = [
        plain_write("u-2", attribute("tier", 1)),
        ProfileWrite { create: true, ..write.clone() },
        ProfileWrite { phone, ..write.clone() },
        ProfileWrite { event: Some(event), ..write.clone() },
    ];
    for other in others {
        assert!(write.joined(&other).is_none() && other.joined(&write).is_none(), "{other:?}");
    }
}
