//! `POST /users/export/ids`.

use serde_json::{Map, Value, json};

use crate::contact::SimContact;
use crate::profiles::{ProfileStore, SimIdentifier, SimProfile, alias_object};
use crate::track::{PLAIN_FIELDS, alias_key};

const MOST_IDENTIFIERS: usize = 50;

/// Fields that can be exported in addition to Braze's plain ones.
const MORE_FIELDS: [&str; 6] =
    ["external_id", "braze_id", "user_aliases", "created_at", "custom_attributes", "custom_events"];

/// Documented fields that the simulation accepts but never has.
const EMPTY_FIELDS: [&str; 14] = [
    "apps",
    "attributed_ad",
    "attributed_adgroup",
    "attributed_campaign",
    "attributed_source",
    "campaigns_received",
    "canvases_received",
    "devices",
    "last_coordinates",
    "purchases",
    "push_tokens",
    "random_bucket",
    "total_revenue",
    "uninstalled_at",
];

/// Answers an export, or returns why it is refused.
pub(crate) fn answer(body: &Value, profiles: &ProfileStore) -> Result<Value, String> {
    let fields = fields(body)?;
    let mut found: Vec<&SimProfile> = Vec::new();
    let mut invalid: Vec<Value> = Vec::new();
    let (external_ids, aliases) = (list(body, "external_ids")?, list(body, "user_aliases")?);
    if external_ids.len() + aliases.len() > MOST_IDENTIFIERS {
        return Err("The max number of external_ids and aliases per request was exceeded".to_owned());
    }
    for id in &external_ids {
        let profile = id.as_str().and_then(|id| profiles.get(&SimIdentifier::ExternalId(id.to_owned())));
        profile.map_or_else(|| invalid.push(id.clone()), |profile| found.push(profile));
    }
    for alias in &aliases {
        let profile = alias_key(alias).and_then(|alias| profiles.get(&SimIdentifier::Alias(alias)));
        profile.map_or_else(|| invalid.push(alias["alias_name"].clone()), |profile| found.push(profile));
    }
    match (one(body, "email_address")?, one(body, "phone")?, one(body, "device_id")?) {
        (Some(email), None, None) => found.extend(profiles.with_contact(&SimContact::email(email))),
        (None, Some(phone), None) => found.extend(profiles.with_contact(&SimContact::phone(phone))),
        (None, None, _) => {}
        (_, _, _) => return Err("Only one of email_address, phone and device_id may be given".to_owned()),
    }
    if let Some(id) = one(body, "braze_id")? {
        found.extend(profiles.get(&SimIdentifier::BrazeId(id.to_owned())));
    }
    let users: Vec<Value> = found.into_iter().map(|profile| show(profile, &fields)).collect();
    let mut answer = json!({ "users": users, "message": "success" });
    if !invalid.is_empty() {
        answer["invalid_user_ids"] = Value::Array(invalid);
    }
    Ok(answer)
}

fn fields(body: &Value) -> Result<Vec<&str>, String> {
    let named =
        body.get("fields_to_export").and_then(Value::as_array).ok_or("fields_to_export is required")?;
    let known = |name: &&str| {
        PLAIN_FIELDS.contains(name) || MORE_FIELDS.contains(name) || EMPTY_FIELDS.contains(name)
    };
    let names: Option<Vec<&str>> = named.iter().map(Value::as_str).collect();
    let names = names.ok_or("fields_to_export holds strings")?;
    match names.iter().find(|name| !known(name)) {
        Some(name) => Err(format!("'{name}' is not a field that can be exported")),
        None => Ok(names),
    }
}

fn list(body: &Value, name: &str) -> Result<Vec<Value>, String> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items.clone()),
        Some(_) => Err(format!("{name} must be an array")),
    }
}

fn one<'a>(body: &'a Value, name: &str) -> Result<Option<&'a str>, String> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be a string")),
    }
}

/// The requested fields. A field that a profile does not have is left out.
fn show(profile: &SimProfile, fields: &[&str]) -> Value {
    let mut shown = Map::new();
    for &field in fields {
        let value = match field {
            "external_id" => profile.external_id.clone().map(Value::from),
            "braze_id" => Some(profile.braze_id.clone().into()),
            "user_aliases" => (!profile.user_aliases.is_empty())
                .then(|| profile.user_aliases.iter().map(alias_object).collect()),
            "created_at" => Some(profile.created_at.to_string().into()),
            "custom_attributes" => (!profile.custom_attributes.is_empty())
                .then(|| Value::Object(profile.custom_attributes.clone())),
            "custom_events" => (!profile.custom_events.is_empty()).then(|| events(profile)),
            plain => profile.fields.get(plain).cloned(),
        };
        shown.extend(value.map(|value| (field.to_owned(), value)));
    }
    Value::Object(shown)
}

fn events(profile: &SimProfile) -> Value {
    let events = profile.custom_events.iter();
    events
        .map(|(name, event)| {
            json!({
                "name": name, "first": event.first.to_string(), "last": event.last.to_string(), "count": event.count
            })
        })
        .collect()
}
