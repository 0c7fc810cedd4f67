//! What the requests to `/users/identify`, `/users/merge`, `/users/delete`, `/users/alias/…` and `/users/external_ids/…` ask for.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::contact::SimContact;
use crate::endpoints::SimEndpoint;
use crate::identity::{Chosen, IdentityChange, Priority};
use crate::profiles::{AliasKey, ProfileStore, SimIdentifier};
use crate::track::alias_key;

/// The most objects in one request.
const MOST_OBJECTS: usize = 50;

const MERGES: &str = "'merge_updates' must be an array of objects";
const ONLY: &str = "'merge_updates' must only have 'identifier_to_merge' and 'identifier_to_keep'";
const IDENTIFIERS: &str = "identifiers must be objects with an 'external_id' property that is a string, 'user_alias' property that is an object, 'email' property that is a string, or 'phone' property that is a string";

/// An accepted request: its answer, and the changes to apply later.
#[derive(Debug)]
pub(crate) struct AcceptedChanges {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) changes: Vec<IdentityChange>,
}

impl AcceptedChanges {
    fn created(changes: Vec<IdentityChange>, mut body: Value) -> Self {
        body["message"] = "success".into();
        Self { status: StatusCode::CREATED, body, changes }
    }
}

/// Reads a request to one of these endpoints, or returns why it is refused.
pub(crate) fn read(
    endpoint: SimEndpoint,
    body: &Value,
    profiles: &ProfileStore,
) -> Result<AcceptedChanges, String> {
    match endpoint {
        SimEndpoint::Identify => identify(body),
        SimEndpoint::Merge => merge(body),
        SimEndpoint::Delete => delete(body),
        SimEndpoint::NewAlias => new_aliases(body),
        SimEndpoint::UpdateAlias => update_aliases(body),
        SimEndpoint::RenameIds => rename(body, profiles),
        SimEndpoint::RemoveIds => remove_ids(body, profiles),
        SimEndpoint::Track | SimEndpoint::ExportIds | SimEndpoint::StatusGet | SimEndpoint::StatusSet => {
            Err("not a request about identity".to_owned())
        }
    }
}

fn identify(body: &Value) -> Result<AcceptedChanges, String> {
    let aliases = objects(body, "aliases_to_identify")?;
    let emails = objects(body, "emails_to_identify")?;
    let phones = objects(body, "phone_numbers_to_identify")?;
    within(aliases.len() + emails.len() + phones.len(), "aliases_to_identify")?;
    let external_id = |object: &Value| text(object, "external_id").ok_or("'external_id' is required");
    let mut changes = Vec::new();
    for object in aliases {
        let alias = object.get("user_alias").and_then(alias_key).ok_or("'user_alias' is not valid")?;
        let who = SimIdentifier::Alias(alias);
        changes.push(IdentityChange::Identify { who, external_id: external_id(object)? });
    }
    for object in emails.iter().chain(phones) {
        let who = match (text(object, "email"), text(object, "phone")) {
            (Some(email), None) => SimIdentifier::Email(email),
            (None, Some(phone)) => SimIdentifier::Phone(phone),
            _ => return Err("'email' or 'phone' is required".to_owned()),
        };
        priorities(object)?;
        changes.push(IdentityChange::Identify { who, external_id: external_id(object)? });
    }
    Ok(AcceptedChanges::created(changes, json!({ "aliases_processed": aliases.len() })))
}

fn merge(body: &Value) -> Result<AcceptedChanges, String> {
    let updates = body.get("merge_updates").and_then(Value::as_array).ok_or(MERGES)?;
    if updates.len() > MOST_OBJECTS {
        return Err("a single request may not contain more than 50 merge updates".to_owned());
    }
    let change = |update: &Value| {
        let update: &Map<String, Value> = update.as_object().ok_or(MERGES)?;
        match (update.get("identifier_to_merge"), update.get("identifier_to_keep"), update.len()) {
            (Some(from), Some(into), 2) => {
                Ok(IdentityChange::Merge { from: chosen(from)?, into: chosen(into)? })
            }
            _ => Err(ONLY.to_owned()),
        }
    };
    let changes: Result<Vec<_>, String> = updates.iter().map(change).collect();
    Ok(AcceptedChanges { status: StatusCode::ACCEPTED, ..AcceptedChanges::created(changes?, json!({})) })
}

fn chosen(identifier: &Value) -> Result<Chosen, String> {
    if let Some(id) = text(identifier, "external_id") {
        return Ok(Chosen::One(SimIdentifier::ExternalId(id)));
    }
    if let Some(alias) = identifier.get("user_alias").and_then(alias_key) {
        return Ok(Chosen::One(SimIdentifier::Alias(alias)));
    }
    let contact = ["email", "phone"]
        .into_iter()
        .find_map(|field| text(identifier, field).and_then(|text| SimContact::of_field(field, &text)));
    Ok(Chosen::Of(contact.ok_or(IDENTIFIERS)?, priorities(identifier)?))
}

fn priorities(object: &Value) -> Result<Vec<Priority>, String> {
    let given = object.get("prioritization").cloned().ok_or("'prioritization' is required")?;
    serde_json::from_value(given).map_err(|error| format!("'prioritization' is not valid: {error}"))
}

fn delete(body: &Value) -> Result<AcceptedChanges, String> {
    let (ids, aliases) = (strings(body, "external_ids")?, objects(body, "user_aliases")?);
    let braze_ids = strings(body, "braze_ids")?;
    let kinds = [ids.is_empty(), aliases.is_empty(), braze_ids.is_empty()];
    if kinds.iter().filter(|empty| !**empty).count() != 1 {
        return Err("one of 'external_ids', 'user_aliases' and 'braze_ids' is required".to_owned());
    }
    let mut who: Vec<SimIdentifier> = ids.into_iter().map(SimIdentifier::ExternalId).collect();
    who.extend(braze_ids.into_iter().map(SimIdentifier::BrazeId));
    for alias in aliases {
        who.push(SimIdentifier::Alias(alias_key(alias).ok_or("'user_aliases' is not valid")?));
    }
    within(who.len(), "identifiers")?;
    let deleted = who.len();
    let changes = who.into_iter().map(IdentityChange::Delete).collect();
    Ok(AcceptedChanges::created(changes, json!({ "deleted": deleted })))
}

fn new_aliases(body: &Value) -> Result<AcceptedChanges, String> {
    let aliases = some_objects(body, "user_aliases")?;
    let change = |object: &Value| {
        let alias = alias_key(object).ok_or("'user_aliases' is not valid")?;
        Ok(IdentityChange::NewAlias { external_id: text(object, "external_id"), alias })
    };
    let changes: Result<Vec<_>, String> = aliases.iter().map(change).collect();
    Ok(AcceptedChanges::created(changes?, json!({ "aliases_processed": aliases.len() })))
}

fn update_aliases(body: &Value) -> Result<AcceptedChanges, String> {
    let updates = some_objects(body, "alias_updates")?;
    let change = |object: &Value| {
        let key = |name: &str| -> Option<AliasKey> {
            alias_key(&json!({ "alias_label": object.get("alias_label")?, "alias_name": object.get(name)? }))
        };
        match (key("old_alias_name"), key("new_alias_name")) {
            (Some(old), Some(new)) => Ok(IdentityChange::UpdateAlias { old, new }),
            _ => Err("'alias_updates' is not valid".to_owned()),
        }
    };
    let changes: Result<Vec<_>, String> = updates.iter().map(change).collect();
    Ok(AcceptedChanges::created(changes?, json!({ "aliases_processed": updates.len() })))
}

/// Renames are checked one by one, against the external ids of now.
fn rename(body: &Value, profiles: &ProfileStore) -> Result<AcceptedChanges, String> {
    let mut checked = CheckedIds::default();
    for (index, object) in some_objects(body, "external_id_renames")?.iter().enumerate() {
        let (Some(current), Some(new)) =
            (text(object, "current_external_id"), text(object, "new_external_id"))
        else {
            checked.refuse(index, "'current_external_id' and 'new_external_id' are required");
            continue;
        };
        let found = profiles.get(&SimIdentifier::ExternalId(current.clone()));
        if found.is_none_or(|profile| profile.external_id.as_ref() != Some(&current)) {
            checked.refuse(index, "'current_external_id' is not the primary external id of a user");
        } else if profiles.find(&SimIdentifier::ExternalId(new.clone())).is_some() {
            checked.refuse(index, "'new_external_id' is in use");
        } else {
            checked.accept(new.clone(), IdentityChange::Rename { current, new });
        }
    }
    Ok(checked.answer("external_ids", "rename_errors"))
}

fn remove_ids(body: &Value, profiles: &ProfileStore) -> Result<AcceptedChanges, String> {
    let ids = strings(body, "external_ids")?;
    within(ids.len(), "external_ids")?;
    let mut checked = CheckedIds::default();
    for (index, id) in ids.into_iter().enumerate() {
        let found = profiles.get(&SimIdentifier::ExternalId(id.clone()));
        if found.is_some_and(|profile| profile.external_id.as_ref() != Some(&id)) {
            checked.accept(id.clone(), IdentityChange::RemoveDeprecated(id));
        } else {
            checked.refuse(index, "only a deprecated external id can be removed");
        }
    }
    Ok(checked.answer("removed_ids", "removal_errors"))
}

/// The result of a request whose objects are accepted or refused one by one.
#[derive(Default)]
struct CheckedIds {
    done: Vec<String>,
    errors: Vec<Value>,
    changes: Vec<IdentityChange>,
}

impl CheckedIds {
    fn accept(&mut self, id: String, change: IdentityChange) {
        self.done.push(id);
        self.changes.push(change);
    }

    fn refuse(&mut self, index: usize, why: &str) {
        self.errors.push(json!([index, why]));
    }

    fn answer(self, done: &str, errors: &str) -> AcceptedChanges {
        AcceptedChanges::created(self.changes, json!({ done: self.done, errors: self.errors }))
    }
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn objects<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], String> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(objects)) => Ok(objects),
        Some(_) => Err(format!("'{name}' must be an array of objects")),
    }
}

/// At least one object, and not too many.
fn some_objects<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], String> {
    let objects = objects(body, name)?;
    within(objects.len(), name)?;
    Ok(objects)
}

fn strings(body: &Value, name: &str) -> Result<Vec<String>, String> {
    let strings = objects(body, name)?.iter().map(|id| id.as_str().map(str::to_owned));
    strings.collect::<Option<_>>().ok_or_else(|| format!("'{name}' must be an array of strings"))
}

fn within(count: usize, name: &str) -> Result<(), String> {
    match count {
        0 => Err(format!("'{name}' is required")),
        1..=MOST_OBJECTS => Ok(()),
        _ => Err(format!("a single request may not contain more than 50 of '{name}'")),
    }
}
