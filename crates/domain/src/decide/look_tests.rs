use super::*;
use crate::accept::Acceptance;
use crate::attributes::Attributes;
use crate::brand::{Identity, SmsActivation};
use crate::contact::{Contact, Phone, Region, Regions, Texting};
use crate::decide::tests::{brand, closed_to_all, in_state};
use crate::id_key::IdKey;
use crate::ids::{Scope, SubscriptionGroup};
use crate::participation::Target;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn activation(subscribe: Subscribe) -> Activation {
    let region = Region::parse("US").unwrap();
    let sms = SmsActivation {
        group: SubscriptionGroup::parse("g-1").unwrap(),
        region,
        texting: Texting { regions: Regions::Only(vec![region]), fixed_lines: false },
        opt_in: OptIn::Single { subscribe },
        incentive: None,
    };
    Activation { sms: Some(sms), ..closed_to_all() }
}

/// A participation that is put off in this state at the beginning, until two minutes later.
fn waiting(state: SmsState, activation: &Activation) -> Participation {
    let phone = Phone::from_e164("+13135550100").unwrap();
    let contact = Contact::Phone { phone: phone.clone(), email: None };
    let id = IdKey::new([1; 32]).participation(&Scope::parse("spring").unwrap(), &contact);
    let terms = brand(Identity::Alias);
    let accepted =
        Acceptance::new(id, (&terms, activation), at(0)).by_phone((phone, None), None, Attributes::default());
    let mut participation = in_state(accepted, Open::Sms(state));
    participation.put_off(at(120), at(0));
    participation
}

fn target() -> Target {
    Target { profile: ProfileRef::ExternalId("u-1".into()), create: false }
}

fn looks(state: SmsState, subscribe: Subscribe) -> Vec<i64> {
    let activation = activation(subscribe);
    let participation = waiting(state, &activation);
    let next = |now: &Timestamp| next_look(&participation, &activation, *now);
    std::iter::successors(next(&at(0)), next).map(|moment| moment.as_second() - at(0).as_second()).collect()
}

#[test]
fn a_profile_that_is_being_built_is_looked_at_from_3_s_on_and_less_and_less_often() {
    let settling = SmsState::Settling { target: target(), until: at(120) };
    assert_eq!(looks(settling, Subscribe::AfterProfile), [3, 7, 11, 16, 23, 34, 51, 77]);
}

#[test]
fn a_subscription_is_looked_at_sooner_where_the_profile_comes_with_it() {
    let waiting = || SmsState::AwaitingSubscription { target: target(), since: at(0), repeated: false };
    assert_eq!(looks(waiting(), Subscribe::AfterProfile), [5, 30, 60]);
    assert_eq!(looks(waiting(), Subscribe::WithProfile), [4, 11, 30, 60]);
    let again = SmsState::AwaitingSubscription { target: target(), since: at(0), repeated: true };
    assert_eq!(looks(again, Subscribe::WithProfile), []);
}

#[test]
fn nobody_is_looked_at_before_the_first_look_nor_in_another_state() {
    let activation = activation(Subscribe::AfterProfile);
    let settling = waiting(SmsState::Settling { target: target(), until: at(120) }, &activation);
    assert!(!may_look(&settling, &activation, at(2)) && may_look(&settling, &activation, at(3)));
    let asked = waiting(SmsState::AwaitingOptIn { since: at(0), asked_by: None }, &activation);
    assert!(!may_look(&asked, &activation, at(60)));
    let by_braze_id = Target { profile: ProfileRef::BrazeId("b-1".into()), create: false };
    let alone = waiting(SmsState::Settling { target: by_braze_id, until: at(120) }, &activation);
    assert!(!may_look(&alone, &activation, at(60)), "it would need a request of its own");
}
