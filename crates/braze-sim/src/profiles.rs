//! The profiles of a workspace, and which of them an identifier means (braze-docs, users/track, identifier resolution).

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// An alias's label and name. It is unique in the workspace and case-sensitive.
pub(crate) type AliasKey = (String, String);

/// A profile.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SimProfile {
    pub(crate) braze_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    #[serde(serialize_with = "as_objects")]
    pub(crate) user_aliases: Vec<AliasKey>,
    /// Braze's own fields: e-mail, phone, first name…
    #[serde(flatten)]
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) custom_attributes: Map<String, Value>,
    pub(crate) custom_events: BTreeMap<String, SimEventCount>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// The number of the workspace's write that last updated it. Of two profiles, the one with the larger number was updated later.
    #[serde(skip)]
    pub(crate) updated: u64,
}

/// How often an event was logged, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct SimEventCount {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) count: u64,
}

fn as_objects<S: serde::Serializer>(aliases: &[AliasKey], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(aliases.iter().map(alias_object))
}

pub(crate) fn alias_object((label, name): &AliasKey) -> Value {
    serde_json::json!({ "alias_label": label, "alias_name": name })
}

/// The identifier of the profile that an object is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SimIdentifier {
    ExternalId(String),
    Alias(AliasKey),
    BrazeId(String),
    Email(String),
    Phone(String),
}

/// All profiles, with an index for each kind of identifier.
#[derive(Debug, Default)]
pub(crate) struct ProfileStore {
    all: Vec<SimProfile>,
    by_external_id: HashMap<String, usize>,
    by_alias: HashMap<AliasKey, usize>,
    by_braze_id: HashMap<String, usize>,
    by_contact: HashMap<(&'static str, String), Vec<usize>>,
    writes: u64,
}

/// A form that is the same for two spellings of one address.
fn canonical(contact: &str) -> String {
    contact.trim().to_lowercase()
}

impl ProfileStore {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SimProfile> {
        self.all.iter()
    }

    /// Every profile with this e-mail address (kind `"email"`) or number (kind `"phone"`).
    pub(crate) fn with_contact(&self, kind: &'static str, contact: &str) -> Vec<&SimProfile> {
        let found = self.by_contact.get(&(kind, canonical(contact)));
        found.into_iter().flatten().filter_map(|&index| self.all.get(index)).collect()
    }

    pub(crate) fn get(&self, identifier: &SimIdentifier) -> Option<&SimProfile> {
        self.find(identifier).and_then(|index| self.all.get(index))
    }

    /// The profile that an identifier means. Of several with an address, it is the last updated one with an external id, or else the last
    /// updated one.
    fn find(&self, identifier: &SimIdentifier) -> Option<usize> {
        match identifier {
            SimIdentifier::ExternalId(id) => self.by_external_id.get(id).copied(),
            SimIdentifier::Alias(alias) => self.by_alias.get(alias).copied(),
            SimIdentifier::BrazeId(id) => self.by_braze_id.get(id).copied(),
            SimIdentifier::Email(email) => self.last_updated("email", email),
            SimIdentifier::Phone(phone) => self.last_updated("phone", phone),
        }
    }

    fn last_updated(&self, kind: &'static str, contact: &str) -> Option<usize> {
        let found = self.by_contact.get(&(kind, canonical(contact)))?;
        found.iter().copied().max_by_key(|&index| {
            self.all.get(index).map(|profile| (profile.external_id.is_some(), profile.updated))
        })
    }

    /// The profile that an identifier means. If there is none and `create` is set, it is created. Braze ids are assigned by Braze only.
    pub(crate) fn find_or_create(
        &mut self,
        identifier: &SimIdentifier,
        create: bool,
        now: Timestamp,
    ) -> Option<usize> {
        if let Some(index) = self.find(identifier) {
            return Some(index);
        }
        if !create || matches!(identifier, SimIdentifier::BrazeId(_)) {
            return None;
        }
        let index = self.add(now);
        match identifier {
            SimIdentifier::ExternalId(id) => self.set_external_id(index, id),
            SimIdentifier::Alias(alias) => self.add_alias(index, alias.clone()),
            SimIdentifier::Email(email) => self.set_field(index, "email", Value::from(canonical(email))),
            SimIdentifier::Phone(phone) => self.set_field(index, "phone", Value::from(phone.as_str())),
            SimIdentifier::BrazeId(_) => {}
        }
        Some(index)
    }

    /// Adds an empty profile and returns its index.
    pub(crate) fn add(&mut self, now: Timestamp) -> usize {
        let index = self.all.len();
        let braze_id = format!("{:024x}", index + 1);
        self.by_braze_id.insert(braze_id.clone(), index);
        self.all.push(SimProfile {
            braze_id,
            external_id: None,
            user_aliases: Vec::new(),
            fields: BTreeMap::new(),
            custom_attributes: Map::new(),
            custom_events: BTreeMap::new(),
            created_at: now,
            updated_at: now,
            updated: 0,
        });
        index
    }

    pub(crate) fn set_external_id(&mut self, index: usize, id: &str) {
        self.by_external_id.insert(id.to_owned(), index);
        if let Some(profile) = self.all.get_mut(index) {
            profile.external_id = Some(id.to_owned());
        }
    }

    pub(crate) fn add_alias(&mut self, index: usize, alias: AliasKey) {
        self.by_alias.insert(alias.clone(), index);
        if let Some(profile) = self.all.get_mut(index) {
            profile.user_aliases.push(alias);
        }
    }

    /// Sets one of Braze's own fields; `null` removes it.
    pub(crate) fn set_field(&mut self, index: usize, name: &str, value: Value) {
        let Some(profile) = self.all.get_mut(index) else { return };
        let kind = match name {
            "email" => Some("email"),
            "phone" => Some("phone"),
            _ => None,
        };
        let value = if name == "email" {
            value.as_str().map_or(value.clone(), |v| canonical(v).into())
        } else {
            value
        };
        let new = value.as_str().map(canonical);
        let old = match &value {
            Value::Null => profile.fields.remove(name),
            _ => profile.fields.insert(name.to_owned(), value),
        };
        let Some(kind) = kind else { return };
        if let Some(old) = old.as_ref().and_then(Value::as_str) {
            let holders = self.by_contact.entry((kind, canonical(old))).or_default();
            holders.retain(|&holder| holder != index);
        }
        if let Some(new) = new {
            self.by_contact.entry((kind, new)).or_default().push(index);
        }
    }

    /// The phone number of the profile at `index`.
    pub(crate) fn phone_of(&self, index: usize) -> Option<String> {
        self.all.get(index)?.fields.get("phone")?.as_str().map(str::to_owned)
    }

    /// The profile at `index`, marked as updated.
    pub(crate) fn update(&mut self, index: usize, now: Timestamp) -> Option<&mut SimProfile> {
        self.writes += 1;
        let profile = self.all.get_mut(index)?;
        profile.updated = self.writes;
        profile.updated_at = now;
        Some(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_alias_names_one_profile_and_its_case_counts() {
        let mut profiles = ProfileStore::default();
        let alias = |name: &str| SimIdentifier::Alias(("email".into(), name.into()));
        let first = profiles.find_or_create(&alias("a@example.com"), true, at(1)).unwrap();
        assert_eq!(profiles.find_or_create(&alias("a@example.com"), true, at(2)), Some(first));
        assert_ne!(profiles.find_or_create(&alias("A@example.com"), true, at(2)), Some(first));
    }

    #[test]
    fn an_address_means_the_last_updated_profile_with_an_external_id() {
        let mut profiles = ProfileStore::default();
        for external_id in [Some("u1"), Some("u2"), None] {
            let index = profiles.add(at(1));
            profiles.set_field(index, "email", "a@example.com".into());
            if let Some(id) = external_id {
                profiles.set_external_id(index, id);
            }
            profiles.update(index, at(1));
        }
        let by_email = SimIdentifier::Email("A@Example.com".into());
        assert_eq!(profiles.get(&by_email).unwrap().external_id.as_deref(), Some("u2"));
        profiles.update(0, at(2));
        assert_eq!(profiles.get(&by_email).unwrap().external_id.as_deref(), Some("u1"));
        assert_eq!(profiles.with_contact("email", "a@example.com").len(), 3);
    }

    #[test]
    fn a_changed_address_is_found_under_the_new_one_only() {
        let mut profiles = ProfileStore::default();
        let index = profiles.add(at(1));
        profiles.set_field(index, "email", "old@example.com".into());
        profiles.set_field(index, "email", "new@example.com".into());
        assert!(profiles.with_contact("email", "old@example.com").is_empty());
        assert_eq!(profiles.with_contact("email", "new@example.com").len(), 1);
    }
}
