//! Applies what `/users/track` accepted, and says what each object did: whether it had an effect, and on which profile.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::contacts::{self, EMAIL_STATE};
use crate::effects::Effect;
use crate::profiles::{ProfileStore, SimEventCount};
use crate::track::{Object, PLAIN_FIELDS};

/// A callback for every object of a write at the moment at which it is applied.
pub type OnApplied = Arc<dyn Fn(&AppliedObject) + Send + Sync>;

/// An object of a write that was applied. It shows contacts as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedObject {
    /// When it was applied.
    pub at: Timestamp,
    /// The attributes that it sets.
    pub attributes: Map<String, Value>,
    /// The name of the event that it logs.
    pub event: Option<String>,
    /// The profile afterwards; `None` if the object named no profile, and so had no effect.
    pub profile: Option<Value>,
    /// If it created the profile: since when each other profile has had the same address, or the same number if it
    /// has no address.
    pub rivals: Vec<Timestamp>,
    /// If it had no effect: since when its identifier names no profile any more.
    pub gone_since: Option<Timestamp>,
    /// The address of the profile that it replaces.
    pub replaced_address: Option<String>,
    created: bool,
}

impl AppliedObject {
    pub(crate) fn before(profiles: &ProfileStore, object: &Object, at: Timestamp) -> Self {
        let (identifier, attributes, event) = match object {
            Object::Attributes { identifier, fields, .. } => (identifier, fields.clone(), None),
            Object::Event { identifier, name, .. } => (identifier, Map::new(), Some(name.clone())),
        };
        let created = profiles.find(identifier).is_none();
        let gone_since = profiles.gone_since(identifier);
        let address = profiles.get(identifier).and_then(|profile| profile.fields.get("email"));
        let replaced = address.filter(|had| attributes.get("email").is_some_and(|sets| sets != *had));
        let replaced_address = replaced.and_then(Value::as_str).map(str::to_owned);
        let (profile, rivals) = (None, Vec::new());
        Self { at, attributes, event, profile, rivals, gone_since, replaced_address, created }
    }

    pub(crate) fn after(mut self, profiles: &ProfileStore, index: Option<usize>) -> Self {
        let Some(index) = index else { return self };
        self.gone_since = None;
        self.profile = profiles.at(index).and_then(|profile| serde_json::to_value(profile).ok());
        if self.created {
            let contact = profiles.contact_of(index, "email").or_else(|| profiles.contact_of(index, "phone"));
            let holders = contact.iter().flat_map(|contact| profiles.holders(contact));
            let others = holders.filter(|holder| *holder != index).filter_map(|holder| profiles.at(holder));
            self.rivals = others.map(|other| other.has_contacts_since).collect();
        }
        self
    }
}

/// Applies the objects of one request, attributes first, then events, and shows each to the witness.
pub(crate) fn apply(
    profiles: &mut ProfileStore,
    objects: Vec<Object>,
    now: Timestamp,
    witness: Option<&OnApplied>,
) -> Vec<Effect> {
    let (attributes, events): (Vec<_>, Vec<_>) =
        objects.into_iter().partition(|object| matches!(object, Object::Attributes { .. }));
    let mut effects = Vec::new();
    for object in attributes.into_iter().chain(events) {
        let seen = witness.map(|witness| (witness, AppliedObject::before(profiles, &object, now)));
        let index = apply_one(profiles, object, now, &mut effects);
        if let Some((witness, seen)) = seen {
            witness(&seen.after(profiles, index));
        }
    }
    effects
}

/// Applies an object, and returns the place of the profile that it named or created.
fn apply_one(
    profiles: &mut ProfileStore,
    object: Object,
    now: Timestamp,
    effects: &mut Vec<Effect>,
) -> Option<usize> {
    match object {
        Object::Attributes { identifier, create, mut fields } => {
            let created = profiles.find(&identifier).is_none();
            let index = profiles.find_or_create(&identifier, create, now)?;
            let groups = fields.remove("subscription_groups");
            effects.extend(set(profiles, index, fields, now));
            let contacts = profiles.contacts_of(index);
            effects.extend(contacts.iter().cloned().map(Effect::Has));
            if let Some(Value::Array(groups)) = groups {
                effects.push(Effect::Groups { contacts, groups, created });
            }
            Some(index)
        }
        Object::Event { identifier, create, name, time } => {
            let index = profiles.find_or_create(&identifier, create, now)?;
            log(profiles, index, &name, time, now);
            let contacts = profiles.contacts_of(index);
            effects.extend(contacts.iter().cloned().map(Effect::Has));
            effects.push(Effect::Event { name, contacts });
            Some(index)
        }
    }
}

fn log(profiles: &mut ProfileStore, index: usize, name: &str, time: Timestamp, now: Timestamp) {
    let Some(profile) = profiles.update(index, now) else { return };
    let count = profile.custom_events.entry(name.to_owned());
    let count = count.or_insert(SimEventCount { first: time, last: time, count: 0 });
    count.first = count.first.min(time);
    count.last = count.last.max(time);
    count.count += 1;
}

fn set(
    profiles: &mut ProfileStore,
    index: usize,
    mut fields: Map<String, Value>,
    now: Timestamp,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    for contact in ["email", "phone"] {
        if let Some(value) = fields.remove(contact) {
            effects.extend(contacts::set(profiles, index, contact, value));
        }
    }
    for (name, value) in fields {
        if name == EMAIL_STATE {
            contacts::set_email_state(profiles, index, &value);
        } else if PLAIN_FIELDS.contains(&name.as_str()) {
            profiles.set_field(index, &name, value);
        } else if let Some(profile) = profiles.update(index, now) {
            set_custom(&mut profile.custom_attributes, name.trim(), value);
        }
    }
    profiles.update(index, now);
    effects
}

/// Sets a custom attribute: a value, `null` to remove it, or one of the operators `inc`, `add` and `remove`.
fn set_custom(attributes: &mut Map<String, Value>, name: &str, value: Value) {
    let operator =
        value.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
    let new = match (operator, attributes.get(name)) {
        (Some((operator, by)), old) if operator == "inc" && by.is_i64() => {
            let old = old.and_then(Value::as_i64).unwrap_or(0);
            Value::from(old.saturating_add(by.as_i64().unwrap_or(0)))
        }
        (Some((operator, Value::Array(items))), old) if operator == "add" || operator == "remove" => {
            let mut list = old.and_then(Value::as_array).cloned().unwrap_or_default();
            list.retain(|item| !items.contains(item));
            if operator == "add" {
                list.extend(items.iter().cloned());
            }
            Value::Array(list)
        }
        (_, _) => value,
    };
    if new.is_null() {
        attributes.remove(name);
    } else {
        attributes.insert(name.to_owned(), new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::contact::SimContact;
    use crate::track::check;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn applied(bodies: &[Value]) -> ProfileStore {
        let mut profiles = ProfileStore::default();
        for body in bodies {
            let checked = check(body, now());
            assert!(checked.errors.is_empty(), "{:?}", checked.errors);
            apply(&mut profiles, checked.accepted, now(), None);
        }
        profiles
    }

    fn alias(name: &str) -> Value {
        json!({ "alias_label": "email", "alias_name": name })
    }

    #[test]
    fn an_alias_creates_nothing_unless_the_object_asks_for_it() {
        assert_eq!(applied(&[json!({ "attributes": [{ "user_alias": alias("a") }] })]).iter().count(), 0);
        let asked = json!({ "attributes": [{ "user_alias": alias("a"), "_update_existing_only": false }] });
        assert_eq!(applied(&[asked]).iter().count(), 1);
    }

    #[test]
    fn an_event_by_alias_creates_nothing_but_finds_what_the_same_request_creates() {
        let event = json!({ "user_alias": alias("a"), "name": "e", "time": "2026-01-01T00:00:00Z" });
        assert_eq!(applied(&[json!({ "events": [event] })]).iter().count(), 0);
        let attributes = json!({ "user_alias": alias("a"), "_update_existing_only": false });
        let profiles = applied(&[json!({ "events": [event, event], "attributes": [attributes] })]);
        let profile = profiles.iter().next().unwrap();
        assert_eq!(profile.custom_events["e"].count, 2, "events are not de-duplicated");
    }

    #[test]
    fn a_primary_identifier_without_a_match_creates_a_second_profile_for_an_address() {
        let first = json!({ "attributes": [{ "external_id": "u1", "email": "a@example.com" }] });
        let second = json!({ "attributes": [{ "user_alias": alias("a"), "_update_existing_only": false, "email": "a@example.com" }] });
        assert_eq!(applied(&[first, second]).with_contact(&SimContact::email("a@example.com")).len(), 2);
    }

    #[test]
    fn an_address_finds_a_profile_or_creates_one_without_an_alias() {
        let write = json!({ "attributes": [{ "email": "a@example.com", "plan": "x" }] });
        let profiles = applied(&[write.clone(), write]);
        let profile = profiles.iter().next().unwrap();
        assert_eq!(profiles.iter().count(), 1);
        assert!(profile.user_aliases.is_empty() && profile.external_id.is_none());
    }

    #[test]
    fn operators_change_the_existing_value_and_null_removes_it() {
        let write = |fields: Value| {
            let mut object = fields;
            object["external_id"] = "u".into();
            json!({ "attributes": [object] })
        };
        let profiles = applied(&[
            write(json!({ "visits": { "inc": 2 }, "tags": ["a", "b"], "old": 1 })),
            write(json!({ "visits": { "inc": 3 }, "tags": { "add": ["c"] }, "old": null })),
            write(json!({ "tags": { "remove": ["a"] } })),
        ]);
        let custom = &profiles.iter().next().unwrap().custom_attributes;
        assert_eq!(Value::Object(custom.clone()), json!({ "visits": 5, "tags": ["b", "c"] }));
    }
}
