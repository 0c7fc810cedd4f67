use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::samples;

fn write(events: usize) -> TrackWrite {
    samples::write(true, events)
}

fn answer(status: u16, body: &Value, writes: &[TrackWrite]) -> Result<Vec<WriteOutcome>, Error> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    of_track(response, writes, &Redactor::new("key"))
}

fn attributes(outcomes: &[WriteOutcome]) -> Vec<&'static str> {
    let name = |outcome: &ObjectOutcome| match outcome {
        ObjectOutcome::Done => "done",
        ObjectOutcome::Refused(_) => "refused",
        ObjectOutcome::NotDone => "not done",
        ObjectOutcome::Unknown => "unknown",
    };
    outcomes.iter().filter_map(|outcome| outcome.attributes.as_ref()).map(name).collect()
}

#[test]
fn an_entry_with_array_and_index_refuses_that_object_only() {
    let entry = json!({"type": "EMAIL_BAD_FORMAT", "input_array": "attributes", "index": 1});
    let body =
        json!({"message": "success", "errors": [entry], "attributes_processed": 2, "events_processed": 3});
    let outcomes = answer(201, &body, &vec![write(1); 3]).unwrap();
    assert_eq!(attributes(&outcomes), ["done", "refused", "done"]);
    assert!(outcomes.iter().all(|outcome| outcome.events == [ObjectOutcome::Done]));
}

#[test]
fn an_entry_without_an_index_leaves_its_array_unknown() {
    let entry = json!({"type": "odd", "input_array": "events"});
    let outcomes =
        answer(201, &json!({"message": "success", "errors": [entry]}), &vec![write(1); 2]).unwrap();
    assert_eq!(attributes(&outcomes), ["done", "done"]);
    assert!(outcomes.iter().all(|outcome| outcome.events == [ObjectOutcome::Unknown]));
}

#[test]
fn an_entry_without_an_array_leaves_everything_unknown_except_certain_refusals() {
    let placed = json!({"type": "bad", "input_array": "attributes", "index": 0});
    let outcomes = answer(
        201,
        &json!({"message": "success", "errors": [placed, "something went wrong"]}),
        &vec![write(1); 2],
    )
    .unwrap();
    assert_eq!(attributes(&outcomes), ["refused", "unknown"]);
}

#[test]
fn an_index_out_of_range_does_not_identify_an_object() {
    let entry = json!({"type": "bad", "input_array": "attributes", "index": 7});
    assert_eq!(
        attributes(
            &answer(201, &json!({"message": "success", "errors": [entry]}), &vec![write(0); 2]).unwrap()
        ),
        ["unknown"; 2]
    );
}

#[test]
fn an_error_without_an_index_is_about_the_only_object() {
    let outcomes =
        answer(201, &json!({"message": "success", "errors": ["something went wrong"]}), &[write(0)]).unwrap();
    assert_eq!(attributes(&outcomes), ["refused"]);
}

#[test]
fn fewer_objects_processed_than_sent_are_unknown() {
    let outcomes =
        answer(201, &json!({"message": "success", "attributes_processed": 1}), &vec![write(0); 2]).unwrap();
    assert_eq!(attributes(&outcomes), ["unknown"; 2]);
}

#[test]
fn a_400_that_names_its_objects_leaves_the_others_not_done() {
    let entry = json!({"type": "bad", "input_array": "attributes", "index": 0});
    let body = json!({"message": "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.", "errors": [entry]});
    assert_eq!(attributes(&answer(400, &body, &vec![write(0); 2]).unwrap()), ["refused", "not done"]);
    assert!(answer(400, &json!({"message": "no"}), &[write(0)]).is_err());
}

#[test]
fn a_success_that_cannot_be_read_is_unknown() {
    let mut response = Response::new(Bytes::from_static(b"<html>"));
    *response.status_mut() = StatusCode::CREATED;
    let error = of_track(response, &[write(0)], &Redactor::new("key")).unwrap_err();
    assert_eq!(error.next(), crate::AfterError::Unknown);
}

fn entries() -> impl Strategy<Value = Value> {
    let array = prop_oneof![
        Just(json!("attributes")),
        Just(json!("events")),
        Just(json!("other")),
        Just(Value::Null)
    ];
    let entry = (array, prop::option::of(0_u64..6), any::<bool>()).prop_map(|(array, index, plain)| {
        if plain { json!("text") } else { json!({"type": "t", "input_array": array, "index": index}) }
    });
    proptest::collection::vec(entry, 0..5).prop_map(Value::Array)
}

proptest! {
    #[test]
    fn nothing_is_called_done_in_an_array_with_an_unplaced_error(errors in entries(), count in 2_usize..5) {
        let writes = vec![write(1); count];
        let outcomes = answer(201, &json!({"message": "success", "errors": errors}), &writes).unwrap();
        let unplaced = |array: &str| errors.as_array().unwrap().iter().any(|entry| {
            let of = entry.get("input_array").and_then(Value::as_str);
            let placed = of.is_some_and(|of| of == "attributes" || of == "events")
                && entry.get("index").and_then(Value::as_u64).is_some_and(|index| index < count as u64);
            !placed && of.is_none_or(|of| of == array || of == "other")
        });
        for outcome in &outcomes {
            prop_assert!(!unplaced("attributes") || outcome.attributes != Some(ObjectOutcome::Done));
            prop_assert!(!unplaced("events") || outcome.events != [ObjectOutcome::Done]);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(status in 200_u16..600, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut response = Response::new(Bytes::from(bytes));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let _either = of_track(response, &[write(1)], &Redactor::new("key"));
    }
}
