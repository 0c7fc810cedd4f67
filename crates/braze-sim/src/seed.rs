//! Profiles to start with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::contacts;
use crate::effects::Effect;
use crate::profiles::{ProfileStore, SimIdentifier};
use crate::track::PLAIN_FIELDS;

/// Why a seed is refused.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// It is not JSON of the expected form.
    #[error("line {line}: {message}")]
    Malformed {
        /// The line of the seed file, counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It names a field that profiles do not have.
    #[error("profile {number}: {field} is not a profile field; custom ones go into custom_attributes")]
    UnknownField {
        /// The profile's number in the seed, counted from 1.
        number: usize,
        /// The unknown field.
        field: String,
    },
}

/// Profiles to add.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedFile {
    profiles: Vec<SeedProfile>,
}

#[derive(Debug, Clone, Deserialize)]
struct SeedProfile {
    external_id: Option<String>,
    #[serde(default)]
    user_aliases: Vec<SeedAlias>,
    created_at: Option<Timestamp>,
    #[serde(default)]
    custom_attributes: Map<String, Value>,
    #[serde(flatten)]
    fields: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct SeedAlias {
    alias_label: String,
    alias_name: String,
}

impl SeedFile {
    pub(crate) fn read(text: &str) -> Result<Self, SeedError> {
        let seed: Self = serde_json::from_str(text)
            .map_err(|error| SeedError::Malformed { line: error.line(), message: without_place(&error) })?;
        for (index, profile) in seed.profiles.iter().enumerate() {
            if let Some(field) = profile.fields.keys().find(|field| !PLAIN_FIELDS.contains(&field.as_str())) {
                return Err(SeedError::UnknownField { number: index + 1, field: field.clone() });
            }
        }
        Ok(seed)
    }

    /// How many profiles it has.
    pub(crate) fn count(&self) -> usize {
        self.profiles.len()
    }

    /// Adds the profiles. One whose external id exists is updated instead.
    pub(crate) fn plant(self, profiles: &mut ProfileStore, now: Timestamp) -> Vec<Effect> {
        self.profiles.into_iter().flat_map(|profile| profile.plant(profiles, now)).collect()
    }
}

impl SeedProfile {
    fn plant(self, profiles: &mut ProfileStore, now: Timestamp) -> Vec<Effect> {
        let known = self.external_id.clone().and_then(|id| profiles.find(&SimIdentifier::ExternalId(id)));
        let index = known.unwrap_or_else(|| profiles.add(self.created_at.unwrap_or(now)));
        if let (None, Some(id)) = (known, &self.external_id) {
            profiles.set_external_id(index, id);
        }
        for alias in self.user_aliases {
            profiles.add_alias(index, (alias.alias_label, alias.alias_name));
        }
        let mut effects = Vec::new();
        for (name, value) in self.fields {
            if name == "email" || name == "phone" {
                effects.extend(contacts::set(profiles, index, &name, value));
            } else {
                profiles.set_field(index, &name, value);
            }
        }
        if let Some(profile) = profiles.update(index, now) {
            profile.custom_attributes.extend(self.custom_attributes);
        }
        effects
    }
}

/// The message of a JSON error without its position, which the caller shows in front of it.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_seed_says_where_it_is_wrong() {
        let malformed = SeedFile::read("{\n\"profiles\": [}").unwrap_err();
        assert_eq!(malformed.to_string(), "line 2: expected value");
        let unknown = r#"{"profiles": [{"email": "a@example.com"}, {"colour": "red"}]}"#;
        let error = SeedFile::read(unknown).unwrap_err();
        assert!(error.to_string().starts_with("profile 2: colour"), "{error}");
    }
}
