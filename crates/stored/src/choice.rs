//! Choices: a name, or an object with one field whose name is the choice, such as `{"held": 3}`.
//!
//! A newer version may add other fields to that object. Serde accepts exactly one field, so the others are
//! set apart first.

use serde_json::{Map, Value};

const REWARD: &[&str] = &["code", "value"];
const PROFILE: &[&str] = &["external_id", "alias", "braze_id", "email", "phone"];
const PROGRESS: &[&str] = &["not_taken", "attempted_at", "attempted"];

/// The fields whose values are choices, and the choices that have a value. The tests in `side_by_side.rs`
/// fail if one is missing.
const CHOICES: &[(&str, &[&str])] = &[
    ("offer", &["fixed", "codes", "nothing"]),
    ("fixed", REWARD),
    ("reward", REWARD),
    ("standing", &["held", "rewarded", "without"]),
    ("profile", PROFILE),
    ("gave_number_to", PROFILE),
    ("event", PROGRESS),
    ("shows_event", PROGRESS),
    ("shows_flow_event", PROGRESS),
    ("read_back", &["due", "missing", "unplaced"]),
];

/// The choice in an object at a field of this name, if the field's value is a choice.
pub(crate) fn chosen<'a>(field: &str, object: &'a Map<String, Value>) -> Option<&'a str> {
    let (_, names) = CHOICES.iter().find(|(name, _)| *name == field)?;
    let mut there = object.keys().filter(|name| names.contains(&name.as_str()));
    let chosen = there.next()?;
    there.next().is_none().then_some(chosen)
}

/// The value with only the chosen field in each choice; `None` if the value contains no choice.
pub(crate) fn without_others(value: &Value) -> Option<Value> {
    let mut plain = value.clone();
    strip(&mut plain).then_some(plain)
}

fn strip(value: &mut Value) -> bool {
    let Value::Object(object) = value else { return false };
    let mut stripped = false;
    for (name, value) in object {
        if let Value::Object(inner) = value
            && let Some(chosen) = chosen(name, inner).map(str::to_owned)
            && inner.len() > 1
        {
            inner.retain(|name, _| *name == chosen);
            stripped = true;
        }
        stripped |= strip(value);
    }
    stripped
}
