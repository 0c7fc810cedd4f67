use proptest::prelude::*;

use super::*;
use crate::attributes::{Attributes, MOST_ITEMS};

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn rules(name: &str, kind: AnswerKind) -> AnswerRules {
    let by_name = BTreeMap::from([(name.to_owned(), AnswerRule { kind, required: false })]);
    AnswerRules { by_name, overwrite: false }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::Text(text.to_owned())
}

fn list(items: &[&str]) -> AttributeValue {
    AttributeValue::List(items.iter().map(|&item| item.to_owned()).collect())
}

/// The code with which a value is refused, or `None` if it is accepted.
fn code(name: &str, kind: &AnswerKind, value: AttributeValue) -> Option<&'static str> {
    rules(name, kind.clone()).check(name, Some(value), now()).err().map(|error| error.code())
}

fn written(name: &str, kind: AnswerKind, value: AttributeValue) -> AttributeValue {
    rules(name, kind).check(name, Some(value), now()).unwrap()
}

fn any_text() -> AnswerKind {
    AnswerKind::Text(TextRule::default())
}

fn one_of_each() -> Vec<AnswerKind> {
    vec![
        any_text(),
        AnswerKind::Number { min: None, max: None },
        AnswerKind::Boolean,
        AnswerKind::Date,
        AnswerKind::List { choices: vec!["a".to_owned(), "b".to_owned()], most: 2 },
    ]
}

#[test]
fn an_attribute_that_is_not_listed_is_unknown() {
    let refused = rules("shoe_size", any_text()).check("Shoe_size", Some(text("x")), now());
    assert_eq!(refused, Err(AnswerError::Unknown));
    assert_eq!(AnswerError::Unknown.code(), "unknown_attribute");
}

#[test]
fn a_value_is_accepted_by_its_own_type_only() {
    let values = [
        text("x"),
        AttributeValue::Integer(1),
        AttributeValue::Boolean(true),
        text("2026-11-23"),
        list(&["a"]),
    ];
    for (number, kind) in one_of_each().iter().enumerate() {
        for (other, value) in values.iter().enumerate() {
            let both_texts = number == 0 && other == 3;
            let expected = (number != other && !both_texts).then_some("attribute_type");
            assert_eq!(code("x", kind, value.clone()), expected, "{kind:?} {value:?}");
        }
        assert_eq!(rules("x", kind.clone()).check("x", None, now()).unwrap_err().code(), "attribute_type");
    }
}

#[test]
fn a_text_has_the_length_that_is_asked_for() {
    let kind = AnswerKind::Text(TextRule { min_length: 2, max_length: Some(3), ..TextRule::default() });
    for (value, expected) in [
        ("a", Some("attribute_range")),
        ("éé", None),
        (" éé\u{200b}", None),
        ("abc", None),
        ("abcd", Some("attribute_range")),
    ] {
        assert_eq!(code("x", &kind, text(value)), expected, "{value}");
    }
    assert_eq!(code("x", &any_text(), text(&"é".repeat(255))), None);
    assert_eq!(code("x", &any_text(), text(&"é".repeat(256))), Some("attribute_range"));
}

#[test]
fn a_text_is_written_without_the_space_around_it() {
    assert!(written("x", any_text(), text("\u{a0} Ada \u{feff}")) == text("Ada"));
}

#[test]
fn a_pattern_is_about_the_whole_text() {
    let pattern = Pattern::parse("[A-Z]{2}|[0-9]+").unwrap();
    for (value, matches) in
        [("AB", true), ("123", true), ("ABC", false), ("AB1", false), ("x12", false), ("", false)]
    {
        assert_eq!(pattern.matches(value), matches, "{value}");
    }
    let kind = AnswerKind::Text(TextRule { pattern: Some(pattern), ..TextRule::default() });
    assert_eq!(
        (code("x", &kind, text("AB")), code("x", &kind, text("AB1"))),
        (None, Some("attribute_range"))
    );
}

#[test]
fn a_pattern_that_cannot_be_used_says_why() {
    let why = |text: &str| Pattern::parse(text).unwrap_err().to_string();
    assert_eq!(why(""), "must have 1 to 1000 characters");
    assert_eq!(why(&"a".repeat(1_001)), "must have 1 to 1000 characters");
    assert!(
        why("[a-").starts_with("is not a regular expression: unclosed character class"),
        "{}",
        why("[a-")
    );
    assert!(why("a)|(b").starts_with("is not a regular expression: unopened group"), "{}", why("a)|(b"));
    assert!(why("(a{1000}){1000}").starts_with("is too complex"));
    assert!(Pattern::parse(r"(?i)\p{L}+ # a word").is_ok());
}

#[test]
fn a_text_with_choices_is_one_of_them() {
    let choices = vec!["teal".to_owned(), "plum".to_owned()];
    let kind = AnswerKind::Text(TextRule { choices, ..TextRule::default() });
    for (value, expected) in
        [("teal", None), ("Teal", Some("attribute_range")), ("red", Some("attribute_range"))]
    {
        assert_eq!(code("x", &kind, text(value)), expected, "{value}");
    }
}

#[test]
fn what_a_page_or_a_template_would_execute_is_refused() {
    let kinds = [any_text(), AnswerKind::List { choices: vec!["a".to_owned()], most: 2 }];
    for (bad, expected) in [
        ("a\u{0}b", "attribute_range"),
        ("a\nb", "attribute_range"),
        ("ab\n", "attribute_range"),
        ("\u{0}ab", "attribute_range"),
        ("a\u{85}b", "attribute_range"),
        ("<b>", "attribute_range"),
        ("a {{b", "unrendered-liquid"),
        ("{{${email_address}}}", "unrendered-liquid"),
    ] {
        assert_eq!(code("x", &kinds[0], text(bad)), Some(expected), "{bad:?}");
        assert_eq!(code("x", &kinds[1], list(&[bad])), Some(expected), "{bad:?}");
    }
}

#[test]
fn a_number_is_within_its_limits() {
    let kind = AnswerKind::Number { min: Some(30.0), max: Some(50.5) };
    for (value, accepted) in [(30.0, true), (50.5, true), (29.999, false), (50.6, false), (-40.0, false)] {
        let expected = (!accepted).then_some("attribute_range");
        assert_eq!(code("x", &kind, AttributeValue::Float(value)), expected, "{value}");
    }
    assert_eq!(code("x", &kind, AttributeValue::Integer(51)), Some("attribute_range"));
    let message = |min, max| {
        let kind = AnswerKind::Number { min, max };
        rules("x", kind).check("x", Some(AttributeValue::Integer(7)), now()).unwrap_err().to_string()
    };
    assert_eq!(message(Some(30.0), Some(50.5)), "must be from 30 to 50.5");
    assert_eq!(message(Some(30.0), None), "must be at least 30");
    assert_eq!(message(None, Some(5.0)), "must be at most 5");
}

#[test]
fn a_date_is_a_day_or_a_moment_with_an_offset() {
    for (value, expected) in [
        ("2026-11-23", "2026-11-23"),
        ("2028-02-29", "2028-02-29"),
        ("2026-11-23T11:00:00+01:00", "2026-11-23T10:00:00Z"),
        (" 2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
    ] {
        assert!(written("x", AnswerKind::Date, text(value)) == text(expected), "{value}");
    }
    for value in [
        "2026-02-29",
        "23.11.2026",
        "11/23/2026",
        "2026-11",
        "2026-11-23T10:00:00",
        "soon",
        "1795453020",
        "20261123",
    ] {
        assert_eq!(code("x", &AnswerKind::Date, text(value)), Some("attribute_type"), "{value}");
    }
    assert_eq!(code("x", &AnswerKind::Date, text("3000-12-31")), None);
    assert_eq!(code("x", &AnswerKind::Date, text("3001-01-01")), Some("attribute_range"));
}

#[test]
fn a_list_has_different_choices_and_not_too_many() {
    let choices = ["a", "b", "c"].map(str::to_owned).to_vec();
    let kind = AnswerKind::List { choices, most: 2 };
    for (items, expected) in [
        (&["a"][..], None),
        (&["c", "a"], None),
        (&["a", "a"], Some("attribute_range")),
        (&["a", "d"], Some("attribute_range")),
        (&["a", "b", "c"], Some("attribute_range")),
    ] {
        assert_eq!(code("x", &kind, list(items)), expected, "{items:?}");
    }
    assert!(written("x", kind, list(&["c", "a"])) == list(&["c", "a"]), "the order stays");
}

#[test]
fn braze_can_use_what_is_written_to_its_own_fields() {
    for (name, value, expected) in [
        ("first_name", "Zoë", "Zoë"),
        ("home_city", "São Paulo", "São Paulo"),
        ("country", "us", "US"),
        ("language", "EN", "en"),
        ("gender", "f", "F"),
        ("time_zone", "Europe/Paris", "Europe/Paris"),
        ("time_zone", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("time_zone", "UTC", "UTC"),
    ] {
        assert!(written(name, any_text(), text(value)) == text(expected), "{name} {value}");
    }
}

#[test]
fn what_braze_could_not_use_in_its_own_fields_is_refused() {
    for (name, value) in [
        ("country", "UK"),
        ("country", "USA"),
        ("language", "en-US"),
        ("language", "xx"),
        ("gender", "female"),
        ("time_zone", "CET+1"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "Europe/"),
        ("time_zone", "Europe/Paris/Nord/Est"),
    ] {
        assert_eq!(code(name, &any_text(), text(value)), Some("attribute_range"), "{name} {value}");
    }
}

#[test]
fn a_date_of_birth_is_a_day_in_the_past() {
    for (value, expected) in [
        ("1990-11-23", None),
        ("2026-11-24", None),
        ("2026-11-25", Some("attribute_range")),
        ("1899-12-31", Some("attribute_range")),
        ("1990-11-23T00:00:00Z", Some("attribute_type")),
    ] {
        assert_eq!(code("dob", &AnswerKind::Date, text(value)), expected, "{value}");
    }
}

#[test]
fn every_field_of_braze_is_known_by_its_name_and_only_the_date_of_birth_is_a_date() {
    for name in ProfileField::NAMES {
        assert_eq!(ProfileField::named(name).map(ProfileField::is_date), Some(name == "dob"), "{name}");
    }
    assert_eq!(ProfileField::named("shoe_size"), None);
}

#[test]
fn required_attributes_are_missing_unless_they_are_given() {
    let mut rules = rules("a", any_text());
    for (name, required) in [("b", true), ("c", true)] {
        rules.by_name.insert(name.to_owned(), AnswerRule { kind: any_text(), required });
    }
    assert_eq!(rules.missing(|name| name == "c").collect::<Vec<_>>(), ["b"]);
}

fn any_value() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        ".{0,20}".prop_map(AttributeValue::Text),
        "[-0-9]{0,11}".prop_map(AttributeValue::Text),
        any::<i64>().prop_map(AttributeValue::Integer),
        any::<f64>().prop_map(AttributeValue::Float),
        any::<bool>().prop_map(AttributeValue::Boolean),
        prop::collection::vec("[abc<]{0,2}", 0..30).prop_map(AttributeValue::List),
    ]
}

fn any_kind() -> impl Strategy<Value = AnswerKind> {
    let limit = || prop::option::of(-100.0..100.0_f64);
    prop_oneof![
        (0..4_usize, prop::option::of(4..10_usize)).prop_map(|(min_length, max_length)| {
            AnswerKind::Text(TextRule { min_length, max_length, ..TextRule::default() })
        }),
        (limit(), limit()).prop_map(|(min, max)| AnswerKind::Number { min, max }),
        Just(AnswerKind::Boolean),
        Just(AnswerKind::Date),
        (1..=MOST_ITEMS).prop_map(|most| AnswerKind::List {
            choices: ["a", "b", "c", "ab"].map(str::to_owned).to_vec(),
            most
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_accepted_can_be_written_and_is_accepted_again_unchanged(
        kind in any_kind(),
        value in any_value(),
        own in prop::option::of(prop::sample::select(&ProfileField::NAMES[..])),
    ) {
        let name = own.unwrap_or("x");
        let rules = rules(name, kind);
        if let Ok(value) = rules.check(name, Some(value), now()) {
            prop_assert!(Attributes::default().set(name, value.clone()).is_ok());
            prop_assert!(rules.check(name, Some(value.clone()), now()) == Ok(value.clone()));
            let texts = match value {
                AttributeValue::Text(text) => vec![text],
                AttributeValue::List(items) => items,
                AttributeValue::Integer(_) | AttributeValue::Float(_) | AttributeValue::Boolean(_) => vec![],
            };
            prop_assert!(!texts.iter().any(|text| text.contains('<') || text.contains("{{") || text.chars().any(char::is_control)));
        }
    }

    #[test]
    fn a_number_is_accepted_exactly_if_it_is_within_the_limits(number in -100.0..100.0_f64, min in -100.0..100.0_f64, max in -100.0..100.0_f64) {
        let kind = AnswerKind::Number { min: Some(min), max: Some(max) };
        let accepted = code("x", &kind, AttributeValue::Float(number)).is_none();
        prop_assert_eq!(accepted, (min..=max).contains(&number));
    }

    #[test]
    fn a_text_is_accepted_exactly_if_its_length_is_allowed(value in "[a-zé]{1,12}", least in 0..8_usize, more in 0..8_usize) {
        let kind = AnswerKind::Text(TextRule { min_length: least, max_length: Some(least + more), ..TextRule::default() });
        let accepted = code("x", &kind, text(&value)).is_none();
        prop_assert_eq!(accepted, (least..=least + more).contains(&value.chars().count()));
    }

    #[test]
    fn no_text_makes_a_pattern_panic(pattern in "\\PC{0,20}", value in "\\PC{0,20}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            let _matches_or_not = pattern.matches(&value);
        }
    }
}
