//! Profiles to start with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::profiles::ProfileStore;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedFile {
    profiles: Vec<SeedProfile>,
}

#[derive(Deserialize)]
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

#[derive(Deserialize)]
struct SeedAlias {
    alias_label: String,
    alias_name: String,
}

/// Adds the profiles of a seed and returns how many there were. A seed with an error adds none.
pub(crate) fn plant(text: &str, profiles: &mut ProfileStore, now: Timestamp) -> Result<usize, SeedError> {
    let seed: SeedFile = serde_json::from_str(text)
        .map_err(|error| SeedError::Malformed { line: error.line(), message: without_place(&error) })?;
    for (index, profile) in seed.profiles.iter().enumerate() {
        if let Some(field) = profile.fields.keys().find(|field| !PLAIN_FIELDS.contains(&field.as_str())) {
            return Err(SeedError::UnknownField { number: index + 1, field: field.clone() });
        }
    }
    let planted = seed.profiles.len();
    for seed in seed.profiles {
        let index = profiles.add(seed.created_at.unwrap_or(now));
        if let Some(id) = &seed.external_id {
            profiles.set_external_id(index, id);
        }
        for alias in seed.user_aliases {
            profiles.add_alias(index, (alias.alias_label, alias.alias_name));
        }
        for (name, value) in seed.fields {
            profiles.set_field(index, &name, value);
        }
        if let Some(profile) = profiles.update(index, now) {
            profile.custom_attributes = seed.custom_attributes;
        }
    }
    Ok(planted)
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
    fn a_wrong_seed_says_where_it_is_wrong_and_adds_nothing() {
        let mut profiles = ProfileStore::default();
        let malformed = plant("{\n\"profiles\": [}", &mut profiles, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(malformed.to_string(), "line 2: expected value");
        let unknown = r#"{"profiles": [{"email": "a@example.com"}, {"colour": "red"}]}"#;
        let error = plant(unknown, &mut profiles, Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(error.to_string().starts_with("profile 2: colour"), "{error}");
        assert_eq!(profiles.iter().count(), 0);
    }
}
