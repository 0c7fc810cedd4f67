//! Values that cannot be read or written are named in the error, and no contact is in it.

use std::error::Error;

use proptest::prelude::*;
use stored::Unreadable;

use crate::fixture::Fixtures;
use crate::values::{at, brand, contact, id, participation};

/// Formats an error with all its causes.
fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

fn refused(text: &str) -> Unreadable {
    stored::participation::decode(id(), 5, text).unwrap_err()
}

fn why(text: &str) -> String {
    in_full(&refused(text))
}

fn text() -> String {
    stored::participation::encode(&participation()).unwrap()
}

#[test]
fn an_unreadable_record_is_named_by_its_kind_and_id() {
    let error = refused("{}");
    assert_eq!((error.what(), error.id()), ("participation", Some(id().to_string().as_str())));
    let without_state = why(&text().replace("\"state\":{\"name\":\"received\"},", ""));
    let expected =
        format!("a stored participation cannot be read: {}: missing field `state` at line 1", id());
    assert!(without_state.starts_with(&expected), "{without_state}");
    let named = |error: Unreadable, what: &str, named: &str| {
        assert_eq!((error.what(), error.id()), (what, Some(named)));
    };
    named(stored::award::decode(id(), "{}").unwrap_err(), "award", &id().to_string());
    named(stored::counters::decode("spring first", "").unwrap_err(), "ledger's counters", "spring first");
    named(stored::callback::decode("ab-ended", "[]").unwrap_err(), "callback", "ab-ended");
    named(stored::hint::decode(contact(), "1").unwrap_err(), "profile hint", &contact().to_string());
    named(stored::outage::decode(&brand(), "{").unwrap_err(), "outage", "acme");
    named(stored::limits::decode("acme track", |_| Ok(None)).unwrap_err(), "limit", "acme track");
    named(stored::brand_file::decode("acme.toml", None).unwrap_err(), "brand file", "acme.toml");
}

#[test]
fn an_impossible_participation_is_refused() {
    let awaiting = r#""state":{"name":"awaiting_opt_in","since":1790000000012}"#;
    let by_email = text().replace(r#""state":{"name":"received"}"#, awaiting);
    assert!(
        why(&by_email).ends_with("a participation by email cannot be awaiting_opt_in"),
        "{}",
        why(&by_email)
    );
    let number = |more: &str| {
        text().replace(r#""accepted_at""#, &format!(r#""phone":"+13135550100",{more}"accepted_at""#))
    };
    assert!(why(&number("")).ends_with("a number without consent"));
    let refused = number(r#""consent":{"at":5,"refused":true},"#);
    assert!(why(&refused).ends_with("a participation by number whose consumer refused consent"));
    let credited = number(r#""consent":{"at":5},"#).replace(r#""due_at""#, r#""credited_at":7,"due_at""#);
    assert!(why(&credited).ends_with("a participation by number has earned its credit, but is received"));
    let never = text().replace(r#""due_at":1790000000004,"#, "");
    assert!(why(&never).ends_with("a participation that is received is never due"));
}

#[test]
fn an_attribute_that_is_neither_plain_nor_a_list_of_texts_is_refused() {
    let with = |value: &str| {
        text().replace(r#""accepted_at""#, &format!(r#""attributes":{{"a":{value}}},"accepted_at""#))
    };
    assert!(stored::participation::decode(id(), 5, &with(r#"["x","y"]"#)).is_ok());
    assert!(why(&with(r#"{"x":1}"#)).ends_with("a nested attribute"));
    for list in ["[1]", r#"["x",null]"#, r#"[["x"]]"#] {
        assert!(why(&with(list)).ends_with("a list with an item that is not a text"), "{list}");
    }
    let long = format!("[{}]", vec![r#""x""#; 26].join(","));
    assert!(why(&with(&long)).ends_with("a list may have at most 25 items"));
}

#[test]
fn a_newer_form_is_refused_by_its_version() {
    let newer = "it has version 2 of its form, and this version of quikly-braze reads those up to 1";
    assert!(why(&text().replace("\"v\":1", "\"v\":2")).ends_with(newer));
    assert!(why(r#"{"everything": "else", "v": 2}"#).ends_with(newer), "whatever else is in it");
    let a_phone_number = why(&text().replace("\"v\":1", "\"v\":13135550100"));
    assert!(!a_phone_number.contains("3135550100"), "{a_phone_number}");
    for kind in ["award", "counters", "callback", "hint", "outage"] {
        for (name, text) in Fixtures::of(kind).newest_texts() {
            let text = text.replace("\"v\":1", "\"v\":7");
            let error = match kind {
                "award" => stored::award::decode(id(), &text).unwrap_err(),
                "counters" => stored::counters::decode("spring", &text).unwrap_err(),
                "callback" => stored::callback::decode("id", &text).unwrap_err(),
                "hint" => stored::hint::decode(contact(), &text).unwrap_err(),
                _ => stored::outage::decode(&brand(), &text).unwrap_err(),
            };
            assert!(in_full(&error).contains("version 7"), "{kind}/{name}: {error:?}");
        }
    }
}

#[test]
fn an_unknown_name_is_in_the_error() {
    let unknown = why(&text().replace("received", "levitating"));
    assert!(unknown.contains("unknown variant `levitating`"), "{unknown}");
    let state = "unknown variant `ada@example.com`";
    assert!(!why(&text().replace("received", "ada@example.com")).contains(state));
}

#[test]
fn limits_out_of_range_are_refused() {
    let books =
        |start: i64| move |name| Ok((name != "probe_at").then_some(if name == "start" { start } else { 1 }));
    assert!(stored::limits::decode("acme track", books(at(0).as_millisecond())).is_ok());
    assert!(stored::limits::decode("acme track", books(i64::MAX)).is_err());
}

proptest! {
    /// Wherever a record is damaged and whatever the damage is, the error contains no contact.
    #[test]
    fn no_contact_is_in_an_error(place in 0_usize..4_000, put in "(\\{|\\}|\"|`|:|,|1|x|ada@example.com|\"ada@example.com\"|13135550100){1,3}") {
        for (name, text) in Fixtures::of("participation").newest_texts() {
            let at = place % text.len();
            if !text.is_char_boundary(at) {
                continue;
            }
            let damaged = format!("{}{put}{}", &text[..at], &text[at..]);
            if let Err(error) = stored::participation::decode(id(), 5, &damaged) {
                let said = in_full(&error);
                let shows_contact = said.contains('@') || said.contains("3135550100") || said.contains("Zo");
                prop_assert!(!shows_contact, "{name}: {said}");
            }
        }
    }
}
