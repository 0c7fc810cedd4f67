//! The profiles of a workspace, and which of them an identifier means (braze-docs, users/track, identifier resolution).

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::contact::SimContact;

/// An alias's label and name. It is unique in the workspace and case-sensitive.
pub(crate) type AliasKey = (String, String);

/// A profile.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SimProfile {
    pub(crate) braze_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    /// Earlier external ids, which still name the profile until they are removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) deprecated_external_ids: Vec<String>,
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
    /// Since when it has its address and its number.
    #[serde(skip)]
    pub(crate) has_contacts_since: Timestamp,
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// A place for each profile that ever was; empty when the profile was removed.
    all: Vec<Option<SimProfile>>,
    by_external_id: HashMap<String, usize>,
    by_alias: HashMap<AliasKey, usize>,
    by_braze_id: HashMap<String, usize>,
    by_contact: HashMap<SimContact, Vec<usize>>,
    writes: u64,
    /// The moment of the change that is being applied.
    now: Timestamp,
    /// Since when an identifier names no profile any more.
    gone: HashMap<SimIdentifier, Timestamp>,
}

impl ProfileStore {
    /// What changes from now on changes at this moment.
    pub(crate) fn is_at(&mut self, now: Timestamp) {
        self.now = now;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SimProfile> {
        self.all.iter().flatten()
    }

    /// Since when an identifier that named a profile names none any more.
    pub(crate) fn gone_since(&self, identifier: &SimIdentifier) -> Option<Timestamp> {
        self.gone.get(identifier).copied()
    }

    /// The profile at `index`, unless it was removed.
    pub(crate) fn at(&self, index: usize) -> Option<&SimProfile> {
        self.all.get(index)?.as_ref()
    }

    fn at_mut(&mut self, index: usize) -> Option<&mut SimProfile> {
        self.all.get_mut(index)?.as_mut()
    }

    /// The places of the profiles with this contact.
    pub(crate) fn holders(&self, contact: &SimContact) -> Vec<usize> {
        self.by_contact.get(contact).cloned().unwrap_or_default()
    }

    /// Every profile with this contact.
    pub(crate) fn with_contact(&self, contact: &SimContact) -> Vec<&SimProfile> {
        self.by_contact.get(contact).into_iter().flatten().filter_map(|&index| self.at(index)).collect()
    }

    /// All contacts that some profile has.
    pub(crate) fn contacts(&self) -> Vec<SimContact> {
        let held = self.by_contact.iter().filter(|(_, holders)| !holders.is_empty());
        let mut contacts: Vec<_> = held.map(|(contact, _)| contact.clone()).collect();
        contacts.sort();
        contacts
    }

    pub(crate) fn get(&self, identifier: &SimIdentifier) -> Option<&SimProfile> {
        self.find(identifier).and_then(|index| self.at(index))
    }

    /// The place of the profile that an identifier means. Of several with an address, it is the last updated one with an external id, or
    /// else the last updated one.
    pub(crate) fn find(&self, identifier: &SimIdentifier) -> Option<usize> {
        match identifier {
            SimIdentifier::ExternalId(id) => self.by_external_id.get(id).copied(),
            SimIdentifier::Alias(alias) => self.by_alias.get(alias).copied(),
            SimIdentifier::BrazeId(id) => self.by_braze_id.get(id).copied(),
            SimIdentifier::Email(email) => self.last_updated(&SimContact::email(email)),
            SimIdentifier::Phone(phone) => self.last_updated(&SimContact::phone(phone)),
        }
    }

    pub(crate) fn last_updated(&self, contact: &SimContact) -> Option<usize> {
        let found = self.by_contact.get(contact)?;
        found.iter().copied().max_by_key(|&index| {
            self.at(index).map(|profile| (profile.external_id.is_some(), profile.updated))
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
            SimIdentifier::Alias(alias) => {
                self.add_alias(index, alias.clone());
            }
            SimIdentifier::Email(email) => self.set_field(index, "email", Value::from(email.as_str())),
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
        self.all.push(Some(SimProfile {
            braze_id,
            external_id: None,
            deprecated_external_ids: Vec::new(),
            user_aliases: Vec::new(),
            fields: BTreeMap::new(),
            custom_attributes: Map::new(),
            custom_events: BTreeMap::new(),
            created_at: now,
            updated_at: now,
            updated: 0,
            has_contacts_since: now,
        }));
        index
    }

    /// Removes a profile with all that names it.
    pub(crate) fn remove(&mut self, index: usize) -> Option<SimProfile> {
        let removed = self.all.get_mut(index)?.take()?;
        self.by_braze_id.remove(&removed.braze_id);
        self.gone.insert(SimIdentifier::BrazeId(removed.braze_id.clone()), self.now);
        for id in removed.external_id.iter().chain(&removed.deprecated_external_ids) {
            self.by_external_id.remove(id);
            self.gone.insert(SimIdentifier::ExternalId(id.clone()), self.now);
        }
        for alias in &removed.user_aliases {
            self.by_alias.remove(alias);
            self.gone.insert(SimIdentifier::Alias(alias.clone()), self.now);
        }
        for (field, value) in &removed.fields {
            if let Some(contact) = value.as_str().and_then(|text| SimContact::of_field(field, text)) {
                self.let_go(index, &contact);
            }
        }
        Some(removed)
    }

    fn let_go(&mut self, index: usize, contact: &SimContact) {
        if let Some(holders) = self.by_contact.get_mut(contact) {
            holders.retain(|&holder| holder != index);
        }
    }

    pub(crate) fn set_external_id(&mut self, index: usize, id: &str) {
        self.by_external_id.insert(id.to_owned(), index);
        self.gone.remove(&SimIdentifier::ExternalId(id.to_owned()));
        if let Some(profile) = self.at_mut(index) {
            profile.external_id = Some(id.to_owned());
        }
    }

    /// Gives a profile a new external id. The current one still names it, as a deprecated one.
    pub(crate) fn rename(&mut self, current: &str, new: &str) {
        let by_id = SimIdentifier::ExternalId(current.to_owned());
        let Some(index) = self.find(&by_id) else { return };
        if self.by_external_id.contains_key(new) {
            return;
        }
        if let Some(profile) =
            self.at_mut(index).filter(|profile| profile.external_id.as_deref() == Some(current))
        {
            profile.deprecated_external_ids.push(current.to_owned());
            self.set_external_id(index, new);
        }
    }

    /// Removes a deprecated external id.
    pub(crate) fn remove_deprecated(&mut self, id: &str) {
        let index = self.by_external_id.get(id).copied();
        let Some(profile) = index.and_then(|index| self.at_mut(index)) else { return };
        if profile.deprecated_external_ids.iter().any(|deprecated| deprecated == id) {
            profile.deprecated_external_ids.retain(|deprecated| deprecated != id);
            self.by_external_id.remove(id);
            self.gone.insert(SimIdentifier::ExternalId(id.to_owned()), self.now);
        }
    }

    /// Adds an alias, unless it names a profile already, or the profile has one with its label. Returns whether it was added.
    pub(crate) fn add_alias(&mut self, index: usize, alias: AliasKey) -> bool {
        if self.by_alias.contains_key(&alias) {
            return false;
        }
        let Some(profile) = self.at_mut(index) else { return false };
        if profile.user_aliases.iter().any(|(label, _)| *label == alias.0) {
            return false;
        }
        profile.user_aliases.push(alias.clone());
        self.gone.remove(&SimIdentifier::Alias(alias.clone()));
        self.by_alias.insert(alias, index);
        true
    }

    /// Changes the name of an alias, unless the new one names a profile already.
    pub(crate) fn update_alias(&mut self, old: &AliasKey, new: AliasKey) {
        if self.by_alias.contains_key(&new) {
            return;
        }
        let Some(index) = self.by_alias.remove(old) else { return };
        if let Some(profile) = self.at_mut(index) {
            profile.user_aliases.retain(|alias| alias != old);
            profile.user_aliases.push(new.clone());
        }
        self.by_alias.insert(new, index);
    }

    /// Sets one of Braze's own fields; `null` removes it.
    pub(crate) fn set_field(&mut self, index: usize, name: &str, value: Value) {
        let new = value.as_str().and_then(|text| SimContact::of_field(name, text));
        let value = match &new {
            Some(SimContact::Email(email)) => email.as_str().into(),
            _ => value,
        };
        let (old, now) = (self.contact_of(index, name), self.now);
        let Some(profile) = self.at_mut(index) else { return };
        if old != new {
            profile.has_contacts_since = now;
        }
        match value {
            Value::Null => profile.fields.remove(name),
            value => profile.fields.insert(name.to_owned(), value),
        };
        if let Some(old) = old {
            self.let_go(index, &old);
        }
        if let Some(new) = new {
            self.by_contact.entry(new).or_default().push(index);
        }
    }

    /// The contact in a field of the profile at `index`.
    pub(crate) fn contact_of(&self, index: usize, field: &str) -> Option<SimContact> {
        SimContact::of_field(field, self.at(index)?.fields.get(field)?.as_str()?)
    }

    /// The contacts of the profile at `index`.
    pub(crate) fn contacts_of(&self, index: usize) -> Vec<SimContact> {
        ["email", "phone"].into_iter().filter_map(|field| self.contact_of(index, field)).collect()
    }

    /// The profile at `index`, marked as updated.
    pub(crate) fn update(&mut self, index: usize, now: Timestamp) -> Option<&mut SimProfile> {
        self.writes += 1;
        let writes = self.writes;
        let profile = self.at_mut(index)?;
        profile.updated = writes;
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
        assert_eq!(profiles.with_contact(&SimContact::email("a@example.com")).len(), 3);
    }

    #[test]
    fn a_changed_address_is_found_under_the_new_one_only() {
        let mut profiles = ProfileStore::default();
        let index = profiles.add(at(1));
        profiles.set_field(index, "email", "old@example.com".into());
        profiles.set_field(index, "email", "new@example.com".into());
        assert!(profiles.with_contact(&SimContact::email("old@example.com")).is_empty());
        assert_eq!(profiles.with_contact(&SimContact::email("new@example.com")).len(), 1);
    }
}
