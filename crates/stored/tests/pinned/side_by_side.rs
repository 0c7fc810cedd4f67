//! Two versions that run at the same time: each reads what the other writes, and keeps the fields that it
//! does not know.

use std::num::NonZeroU64;

use domain::award::{Award, AwardStatus};
use domain::decide::Step;
use domain::id_key::IdKey;
use domain::incentive::{NoPrize, Offer};
use domain::participation::{Cause, EventProgress, Open, Outcome, Participation, SmsState, Target};
use domain::person::forget;
use domain::profile::ProfileRef;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use stored::{award, counters, participation};

use crate::fixture::Fixtures;
use crate::values::{at, id};
use crate::{awards, participations};

/// Whether everything in `part` is also in `whole`.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|whole| holds(whole, value)))
        }
        (whole, part) => whole == part,
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Earlier versions ignore fields that they do not know. So they can read what this version writes if it
/// keeps everything that they wrote.
#[test]
fn this_version_writes_everything_that_an_earlier_one_wrote() {
    let mut earlier_ones = 0;
    for kind in ["participation", "award", "counters", "callback", "hint", "outage", "limit"] {
        for (place, earlier, newest) in Fixtures::of(kind).earlier_and_newest() {
            assert!(holds(&parsed(&newest), &parsed(&earlier)), "{kind}/{place}");
            earlier_ones += 1;
        }
    }
    assert!(earlier_ones > 70, "{earlier_ones}");
}

fn participation_of(record: &Value) -> Participation {
    participation::decode(id(), 5, &record.to_string()).unwrap()
}

fn record_of(participation: &Participation) -> Value {
    parsed(&participation::encode(participation).unwrap())
}

fn award_of(record: &Value) -> Award {
    award::decode(id(), &record.to_string()).unwrap()
}

fn fixture(kind: &str, name: &str) -> Value {
    let texts = Fixtures::of(kind).newest_texts();
    parsed(&texts.iter().find(|(known, _)| known == name).unwrap().1)
}

#[test]
fn unknown_fields_stay_when_other_fields_change() {
    let mut record = fixture("participation", "way_sms");
    record["score"] = json!({ "of": [1, 2], "by": "them" });
    record["consent"]["shown_in"] = json!("fr");
    let mut read = participation_of(&record);
    assert!(!format!("{read:?}").contains("them"), "it may be a contact");
    read.failed(Cause::Throttled, at(2));
    read.failed(Cause::Throttled, at(2));
    let state = Open::Sms(SmsState::AwaitingOptIn { since: at(1), asked_by: None });
    read.apply(&Step::Wait { state, until: at(2) }, at(3));
    let written = record_of(&read);
    assert_eq!(written["score"], record["score"]);
    assert_eq!(written["consent"], record["consent"]);
    assert_eq!((&written["failures"], &written["state"]["name"]), (&json!(2), &json!("awaiting_opt_in")));
    assert_eq!(participation_of(&written), read);
}

#[test]
fn unknown_fields_of_a_state_are_dropped_with_the_state() {
    let mut record = fixture("participation", "state_subscribing");
    record["state"]["asked_by"] = json!("a newer version");
    record["state"]["profile"]["alias"]["since"] = json!(5);
    let mut read = participation_of(&record);
    read.failed(Cause::Throttled, at(2));
    assert_eq!(record_of(&read)["state"], record["state"]);
    let target = Target { profile: ProfileRef::BrazeId("b-1".into()), create: false };
    let state = Open::Sms(SmsState::Subscribing { target, event: EventProgress::Recorded });
    read.apply(&Step::Wait { state, until: at(4) }, at(3));
    let state = record_of(&read)["state"].clone();
    assert_eq!(state["asked_by"], "a newer version");
    assert_eq!(state["profile"], json!({ "braze_id": "b-1" }), "fields of the other profile are dropped");
    read.apply(&Step::Done(Outcome::Credited), at(9));
    assert_eq!(record_of(&read)["state"], json!({ "name": "credited" }));
}

#[test]
fn unknown_fields_may_be_next_to_a_choice() {
    let mut record = fixture("award", "reward_value");
    record["offer"]["odds"] = json!(0.25);
    record["offer"]["fixed"]["currency"] = json!("EUR");
    record["standing"]["rewarded"]["since"] = json!(3);
    record["standing"]["rewarded"]["reward"]["currency"] = json!("EUR");
    let mut read = award_of(&record);
    assert_eq!(read, Award { unknown: read.unknown.clone(), ..award_of(&fixture("award", "reward_value")) });
    read.due_at = Some(at(1));
    let mut expected = record.clone();
    expected["due_at"] = at(1).as_millisecond().into();
    assert_eq!(parsed(&award::encode(&read).unwrap()), expected);
    read.status = AwardStatus::NoPrize(NoPrize::Already);
    read.offer = Offer::Nothing(NoPrize::Already);
    let written = parsed(&award::encode(&read).unwrap());
    assert_eq!(written["standing"], json!({ "without": "already_rewarded" }));
    assert_eq!(written["offer"], json!({ "nothing": "already_rewarded" }));
}

#[test]
fn unknown_fields_of_counters_are_kept_when_they_count_on() {
    let mut record = fixture("counters", "counted");
    record["refused"] = json!(8);
    let mut read = counters::decode("spring", &record.to_string()).unwrap();
    read.arrivals += 1;
    let written = parsed(&counters::encode("spring", &read).unwrap());
    assert_eq!((&written["refused"], &written["arrivals"]), (&json!(8), &json!(70_001)));
}

#[test]
fn unknown_fields_of_a_forgotten_person_are_dropped() {
    let mut record = fixture("participation", "way_sms");
    record["nickname"] = json!("Ada");
    record["consent"]["signed"] = json!("Ada");
    let mut read = participation_of(&record);
    forget(&mut read, &IdKey::new([1; 32]), at(1));
    assert!(!record_of(&read).to_string().contains("Ada"));
}

/// Adds a field to every object at every depth, except in attributes, which are the brand's own.
fn put_everywhere(value: &mut Value, name: &str, put: &Value) {
    let Value::Object(object) = value else { return };
    for (name_of, value) in object.iter_mut() {
        if name_of != "attributes" {
            put_everywhere(value, name, put);
        }
    }
    object.insert(name.to_owned(), put.clone());
}

/// Any JSON that a newer version may write under a new name.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

proptest! {
    #[test]
    fn any_participation_with_unknown_fields_anywhere_is_written_back_as_it_was(
        number in 0..participations::all().len(),
        failures in 0_u32..5,
        moment in 0_i64..4_000_000_000_000,
        name in "new_[a-z]{1,8}",
        put in anything(),
    ) {
        let (_, mut one) = participations::all().swap_remove(number);
        let mut kept = one.into_snapshot();
        kept.failures = failures;
        kept.updated_at = domain::Timestamp::from_millisecond(moment).unwrap();
        one = Participation::restore(kept).unwrap();
        let plain = participation::encode(&one).unwrap();
        prop_assert_eq!(&participation::decode(id(), 5, &plain).unwrap(), &one);
        let mut record = parsed(&plain);
        put_everywhere(&mut record, &name, &put);
        prop_assert_eq!(record_of(&participation_of(&record)), record);
    }

    #[test]
    fn any_award_with_unknown_fields_anywhere_is_written_back_as_it_was(
        number in 0..awards::all().len(),
        arrival in 1..=u64::MAX,
        name in "new_[a-z]{1,8}",
        put in anything(),
    ) {
        let (_, mut one) = awards::all().swap_remove(number);
        one.arrival = one.arrival.and(NonZeroU64::new(arrival));
        let plain = award::encode(&one).unwrap();
        prop_assert_eq!(&award::decode(id(), &plain).unwrap(), &one);
        let mut record = parsed(&plain);
        put_everywhere(&mut record, &name, &put);
        let written = award::encode(&award_of(&record)).unwrap();
        prop_assert_eq!(parsed(&written), record);
    }
}
