//! `POST /users/track`: checks objects when they arrive, and applies them when they have settled.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::contact::is_address;
use crate::profiles::{AliasKey, SimIdentifier};

/// The maximum length, in bytes, of an alias's parts and of an external id.
const LONGEST_ALIAS: usize = 236;
const LONGEST_EXTERNAL_ID: usize = 987;

/// Braze's own fields of the attributes object. Every other field is a custom attribute.
pub(crate) const PLAIN_FIELDS: [&str; 16] = [
    "country",
    "current_location",
    "date_of_first_session",
    "date_of_last_session",
    "dob",
    "email",
    "email_subscribe",
    "first_name",
    "gender",
    "home_city",
    "language",
    "last_name",
    "phone",
    "push_subscribe",
    "subscription_groups",
    "time_zone",
];

const NOBODY: &str = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required";
const TWO: &str = "only one of 'external_id', 'braze_id' or 'user_alias' may be given";

/// An accepted object.
#[derive(Debug, Clone)]
pub(crate) enum Object {
    Attributes { identifier: SimIdentifier, create: bool, fields: Map<String, Value> },
    Event { identifier: SimIdentifier, create: bool, name: String, time: Timestamp },
}

impl Object {
    /// Lets it create no profile if it is identified by a number.
    pub(crate) fn without_creation_by_phone(self) -> Self {
        match self {
            Self::Attributes { identifier: identifier @ SimIdentifier::Phone(_), fields, .. } => {
                Self::Attributes { identifier, create: false, fields }
            }
            Self::Event { identifier: identifier @ SimIdentifier::Phone(_), name, time, .. } => {
                Self::Event { identifier, create: false, name, time }
            }
            other => other,
        }
    }
}

/// A request after the check.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) accepted: Vec<Object>,
    pub(crate) errors: Vec<Value>,
    pub(crate) attributes: usize,
    pub(crate) events: usize,
    pub(crate) purchases: usize,
}

/// How many objects each array of a body has; `None` when one of them is not an array.
pub(crate) fn sizes(body: &Value) -> Option<[usize; 3]> {
    let mut sizes = [0; 3];
    for (size, name) in sizes.iter_mut().zip(["attributes", "events", "purchases"]) {
        *size = match body.get(name) {
            None | Some(Value::Null) => 0,
            Some(Value::Array(objects)) => objects.len(),
            Some(_) => return None,
        };
    }
    Some(sizes)
}

/// Checks every object on its own, so that a bad one does not hold up the others.
pub(crate) fn check(body: &Value, now: Timestamp) -> Checked {
    let mut checked = Checked::default();
    for (name, read) in [
        ("attributes", attributes as FieldReader),
        ("events", event as FieldReader),
        ("purchases", purchase as FieldReader),
    ] {
        let objects = body.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, object) in objects.iter().enumerate() {
            match read(object, now) {
                Ok(object) => {
                    checked.accepted.extend(object);
                    *match name {
                        "attributes" => &mut checked.attributes,
                        "events" => &mut checked.events,
                        _ => &mut checked.purchases,
                    } += 1;
                }
                Err(why) => checked.errors.push(json!({ "type": why, "input_array": name, "index": index })),
            }
        }
    }
    checked
}

type FieldReader = fn(&Value, Timestamp) -> Result<Option<Object>, &'static str>;

fn attributes(object: &Value, _now: Timestamp) -> Result<Option<Object>, &'static str> {
    let identifier = identifier(object)?;
    if let Some(email) = object.get("email") {
        let well_formed = email.is_null() || email.as_str().is_some_and(is_address);
        well_formed.then_some(()).ok_or("EMAIL_BAD_FORMAT")?;
    }
    if let Some(state) = object.get("email_subscribe") {
        let words = ["opted_in", "subscribed", "unsubscribed"];
        let known = state.is_null() || state.as_str().is_some_and(|state| words.contains(&state));
        known.then_some(()).ok_or("BAD_EMAIL_SUBSCRIPTION_STATE")?;
    }
    match object.get("subscription_groups") {
        None | Some(Value::Null) => {}
        Some(Value::Array(groups)) => groups.iter().try_for_each(group)?,
        Some(_) => return Err("BAD_SUBSCRIPTION_GROUP_ARRAY"),
    }
    let create = match (existing_only(object), &identifier) {
        (Some(only), _) => !only,
        // For an alias, Braze only updates an existing profile unless the object says otherwise.
        (None, SimIdentifier::Alias(_)) => false,
        (None, _) => true,
    };
    let mut fields = object.as_object().cloned().unwrap_or_default();
    for control in ["external_id", "user_alias", "braze_id", "_update_existing_only", "_merge_objects"] {
        fields.remove(control);
    }
    Ok(Some(Object::Attributes { identifier, create, fields }))
}

/// Checks an entry of `subscription_groups`.
fn group(entry: &Value) -> Result<(), &'static str> {
    let entry = entry.as_object().ok_or("BAD_SUBSCRIPTION_GROUP_HASH")?;
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    text("subscription_group_id").filter(|id| !id.is_empty()).ok_or("BAD_SUBSCRIPTION_GROUP_ID")?;
    match text("subscription_state") {
        Some("subscribed" | "unsubscribed") => Ok(()),
        Some(_) | None => Err("BAD_SUBSCRIPTION_GROUP_STATE"),
    }
}

fn event(object: &Value, now: Timestamp) -> Result<Option<Object>, &'static str> {
    let identifier = identifier(object)?;
    let name = object.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.ok_or("'name' is required")?.to_owned();
    let time = object.get("time").and_then(Value::as_str).ok_or("'time' is required")?;
    let time: Timestamp = time.parse().map_err(|_| "'time' is not a valid date")?;
    // Times are cut to whole seconds. Whether Braze keeps fractions is not documented, so a client must not depend on them.
    let time = Timestamp::from_second(time.as_second()).unwrap_or(time);
    // An event by alias never creates a profile.
    let create = !matches!(identifier, SimIdentifier::Alias(_)) && existing_only(object) != Some(true);
    Ok(Some(Object::Event { identifier, create, name, time: time.min(now) }))
}

/// Checks a purchase. Purchases are counted, but not stored.
fn purchase(object: &Value, _now: Timestamp) -> Result<Option<Object>, &'static str> {
    identifier(object)?;
    object.get("product_id").and_then(Value::as_str).ok_or("'product_id' is required")?;
    Ok(None)
}

fn existing_only(object: &Value) -> Option<bool> {
    object.get("_update_existing_only").and_then(Value::as_bool)
}

/// Reads the identifier. An object has at most one primary identifier; address and number are used only without one.
pub(crate) fn identifier(object: &Value) -> Result<SimIdentifier, &'static str> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut primary = Vec::new();
    if let Some(id) = text("external_id") {
        (id.len() <= LONGEST_EXTERNAL_ID).then_some(()).ok_or("EXTERNAL_USER_ID_TOO_LARGE")?;
        primary.push(SimIdentifier::ExternalId(id.to_owned()));
    }
    if let Some(alias) = object.get("user_alias").filter(|alias| !alias.is_null()) {
        primary.push(SimIdentifier::Alias(alias_key(alias).ok_or("'user_alias' is not valid")?));
    }
    if let Some(id) = text("braze_id") {
        primary.push(SimIdentifier::BrazeId(id.to_owned()));
    }
    match (primary.len(), text("email"), text("phone")) {
        (0, Some(email), _) => Ok(SimIdentifier::Email(email.to_owned())),
        (0, None, Some(phone)) => Ok(SimIdentifier::Phone(phone.to_owned())),
        (0, None, None) => Err(NOBODY),
        (1, _, _) => primary.pop().ok_or(NOBODY),
        (_, _, _) => Err(TWO),
    }
}

/// The key of a user alias object, if both parts are present and short enough.
pub(crate) fn alias_key(alias: &Value) -> Option<AliasKey> {
    let part = |name: &str| {
        let text = alias.get(name)?.as_str()?;
        (1..=LONGEST_ALIAS).contains(&text.len()).then(|| text.to_owned())
    };
    Some((part("alias_label")?, part("alias_name")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn error_types(body: &Value) -> Vec<String> {
        check(body, now()).errors.iter().map(|error| error["type"].as_str().unwrap().to_owned()).collect()
    }

    fn alias(name: &str) -> Value {
        json!({ "alias_label": "email", "alias_name": name })
    }

    #[test]
    fn bad_objects_are_refused_one_by_one() {
        let attributes = json!([
            { "external_id": "u", "user_alias": alias("a") },
            { "plan": "x" },
            { "external_id": "u", "email": "nonsense" },
            { "external_id": "u".repeat(988) },
            { "user_alias": { "alias_label": "email", "alias_name": "" } },
            { "external_id": "u", "plan": "x" },
        ]);
        let expected =
            [TWO, NOBODY, "EMAIL_BAD_FORMAT", "EXTERNAL_USER_ID_TOO_LARGE", "'user_alias' is not valid"];
        let body = json!({ "attributes": attributes });
        assert_eq!(error_types(&body), expected);
        assert_eq!(check(&body, now()).attributes, 1);
        assert_eq!(
            error_types(&json!({ "events": [{ "external_id": "u", "name": "e" }] })),
            ["'time' is required"]
        );
    }
}
