//! The stored forms of profile hints, batches of calls, batches to read back, limits, outages and brand files.

use std::time::Duration;

use domain::audit::AuditEntry;
use domain::brand_file::BrandFile;
use domain::call::{BrazeCall, CallBatch, Endpoint};
use domain::ids::ParticipationId;
use domain::outage::Outage;
use domain::participation::Cause;
use domain::profile::ProfileHint;
use domain::read_back::ReadBackBatch;
use domain::reservation::{BacklogEnd, HourCount, Learning, Resuming, Slot, WindowsRecord};
use serde_json::{Map, Value};
use stored::{brand_file, limits};

use crate::every;
use crate::fixture::Fixtures;
use crate::values::{at, brand, contact, id, profiles};

#[test]
fn every_form_that_a_profile_hint_ever_had_is_read_and_the_newest_is_written() {
    let hint = |profile| ProfileHint { profile, learned_at: at(70), created: false, by: id() };
    let mut values: Vec<(&str, ProfileHint)> =
        profiles().into_iter().map(|(name, profile)| (name, hint(profile))).collect();
    values.push(("created", ProfileHint { created: true, ..hint(profiles()[0].1.clone()) }));
    let encode = |one: &ProfileHint| stored::hint::encode(contact(), one).unwrap();
    Fixtures::of("hint").pin(&values, encode, |text| stored::hint::decode(contact(), text).unwrap());
}

#[test]
fn every_form_that_an_outage_ever_had_is_read_and_the_newest_is_written() {
    let outage = Outage {
        since: at(80),
        tries: 3,
        last_try: at(81),
        next_try: None,
        waiting: 17,
        why: "no answer within 10 s".into(),
    };
    let values = [("seen", outage.clone()), ("tried_again", Outage { next_try: Some(at(82)), ..outage })];
    let encode = |one: &Outage| stored::outage::encode(&brand(), one).unwrap();
    Fixtures::of("outage").pin(&values, encode, |text| stored::outage::decode(&brand(), text).unwrap());
}

#[test]
fn every_form_that_a_batch_of_calls_ever_had_is_read_and_the_newest_is_written() {
    let looked_up = BrazeCall {
        at: at(83),
        endpoint: Endpoint::ExportIds,
        objects: 1,
        refused: 0,
        status: Some(200),
        cause: None,
        took: Duration::from_millis(143),
        left: Some(249),
        message: None,
        participations: vec![id()],
    };
    let failed = BrazeCall {
        endpoint: Endpoint::Track,
        objects: 75,
        refused: 2,
        status: None,
        cause: Some(Cause::AnswerLost),
        left: None,
        message: Some("EMAIL_BAD_FORMAT".into()),
        participations: vec![id(), ParticipationId::from_bytes([9; 16])],
        ..looked_up.clone()
    };
    let batch = |calls| CallBatch { brand: brand(), kept_at: at(84), calls };
    let values = every!(Endpoint:
        Endpoint::ExportIds => "looked_up" batch(vec![looked_up.clone()]),
        Endpoint::Track => "failed" batch(vec![looked_up.clone(), failed]),
        Endpoint::StatusGet => "read" batch(vec![BrazeCall { endpoint: Endpoint::StatusGet, ..looked_up.clone() }]),
        Endpoint::StatusSet => "set" batch(vec![BrazeCall { endpoint: Endpoint::StatusSet, ..looked_up }]),
    );
    let encode = |one: &CallBatch| stored::calls::encode(one).unwrap();
    Fixtures::of("calls").pin(&values, encode, |text| stored::calls::decode(&brand(), text).unwrap());
}

#[test]
fn every_form_that_an_audit_entry_ever_had_is_read_and_the_newest_is_written() {
    let entry = AuditEntry::new(at(88), "ada", "person forget");
    let full =
        entry.clone().about(["07070707070707070707070707070707".to_owned()]).with("erased 1 participations");
    let values = [("plain", entry), ("full", full)];
    let encode = |one: &AuditEntry| stored::audit::encode(one).unwrap();
    Fixtures::of("audit").pin(&values, encode, |text| stored::audit::decode(1, text).unwrap());
}

#[test]
fn every_form_that_a_batch_to_read_back_ever_had_is_read_and_the_newest_is_written() {
    let other = ParticipationId::from_bytes([9; 16]);
    let batch = ReadBackBatch { brand: brand(), due_at: at(85), ids: vec![id(), other], slot: None };
    let slot = Some(Slot { from: at(86), until: at(87) });
    let values = [("due", batch.clone()), ("with_a_slot", ReadBackBatch { slot, ..batch.clone() })];
    let encode = |one: &ReadBackBatch| stored::read_back::encode(one).unwrap();
    Fixtures::of("read_back")
        .pin(&values, encode, |text| stored::read_back::decode(batch.key(), text).unwrap());
}

fn books() -> WindowsRecord {
    WindowsRecord {
        requests: 2_500,
        period: Duration::from_secs(60),
        start: at(90),
        booked: 40,
        probe_at: None,
        learning: Learning::Done,
        by_contract: false,
        touched: None,
        resuming: None,
        named: None,
        hour: None,
        opens: None,
        backlog: None,
    }
}

/// The counters as named numbers, in the form of a fixture.
fn numbers(books: &WindowsRecord) -> String {
    let named = limits::encode("acme track", books).unwrap();
    let there = named.into_iter().filter_map(|(name, number)| Some((name.to_owned(), number?.into())));
    Value::Object(there.collect()).to_string()
}

fn books_of(text: &str) -> WindowsRecord {
    let there: Map<String, Value> = serde_json::from_str(text).unwrap();
    let number = |name| Ok(there.get(name).map(|number| number.as_i64().unwrap()));
    limits::decode("acme track", number).unwrap()
}

#[test]
fn every_form_that_limits_ever_had_is_read_and_the_newest_is_written() {
    let by_contract = |learning| WindowsRecord { learning, by_contract: true, ..books() };
    let mut values = every!(Learning:
        Learning::Done => "booked" books(),
        Learning::Begun => "not_answered_yet" by_contract(Learning::Begun),
        Learning::Seen(_) => "learning" by_contract(Learning::Seen(at(91))),
    );
    let resuming = |resuming| WindowsRecord { touched: Some(at(93)), resuming: Some(resuming), ..books() };
    values.extend(every!(Resuming:
        Resuming::NotAsked => "taken_over_and_not_asked" resuming(Resuming::NotAsked),
        Resuming::Asked(_) => "taken_over" resuming(Resuming::Asked(at(94))),
    ));
    values.push(("refused", WindowsRecord { probe_at: Some(at(92)), ..books() }));
    values.push(("touched", WindowsRecord { touched: Some(at(93)), ..books() }));
    values.push(("named_by_braze", WindowsRecord { named: Some(2_000), ..books() }));
    values.push(("learned_without_headers", by_contract(Learning::Done)));
    let hour = |named| Some(HourCount { named, ends: at(95), booked: 41 });
    values.push(("in_an_hour", WindowsRecord { hour: hour(None), ..books() }));
    values.push(("in_an_hour_named_by_braze", WindowsRecord { hour: hour(Some(50_000)), ..books() }));
    values.push(("closed_by_braze", WindowsRecord { opens: Some(at(96)), ..books() }));
    let backlog = Some(BacklogEnd { start: at(97), waiting: 42 });
    values.push(("with_a_backlog", WindowsRecord { backlog, ..books() }));
    Fixtures::of("limit").pin(&values, numbers, books_of);
}

#[test]
fn a_brand_file_is_a_name_and_a_text() {
    let values = [("acme", BrandFile { name: "acme.toml".into(), text: "id = \"acme\"\n".into() })];
    let encode = |file: &BrandFile| {
        let row = brand_file::encode(file).map(|(name, text)| (name.to_owned(), text.into()));
        Value::Object(row.into_iter().collect()).to_string()
    };
    let decode = |text: &str| {
        let row: Value = serde_json::from_str(text).unwrap();
        brand_file::decode(row["name"].as_str().unwrap(), row["file"].as_str()).unwrap()
    };
    Fixtures::of("brand_file").pin(&values, encode, decode);
}
