//! The stored form of what is known of profiles.

use domain::contact::Email;
use domain::ids::ParticipationId;
use domain::profile::{Alias, KnownProfile, ProfileRef};
use serde::{Deserialize, Serialize};

use super::{corrupt, moment, text};
use crate::Result;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ProfileRecord {
    ExternalId(String),
    Alias { label: String, name: String },
    BrazeId(String),
    Email(String),
}

#[derive(Serialize, Deserialize)]
struct KnownRecord {
    profile: ProfileRecord,
    learned_at: i64,
    created: bool,
    by: String,
}

/// What is known of a profile, as it is stored.
#[must_use]
pub fn encode_known(known: &KnownProfile) -> String {
    text(&KnownRecord {
        profile: profile_record(&known.profile),
        learned_at: known.learned_at.as_millisecond(),
        created: known.created,
        by: known.by.to_string(),
    })
}

/// What is known of a profile, read back.
///
/// # Errors
/// [`crate::Error::Corrupt`] when the text is not what [`encode_known`] makes.
pub fn decode_known(text: &str) -> Result<KnownProfile> {
    let record: KnownRecord = serde_json::from_str(text).map_err(corrupt)?;
    Ok(KnownProfile {
        profile: profile(record.profile)?,
        learned_at: moment(record.learned_at)?,
        created: record.created,
        by: ParticipationId::parse(&record.by).map_err(corrupt)?,
    })
}

pub(super) fn profile_record(profile: &ProfileRef) -> ProfileRecord {
    match profile {
        ProfileRef::ExternalId(id) => ProfileRecord::ExternalId(id.clone()),
        ProfileRef::Alias(alias) => {
            ProfileRecord::Alias { label: alias.label().to_owned(), name: alias.name().to_owned() }
        }
        ProfileRef::BrazeId(id) => ProfileRecord::BrazeId(id.clone()),
        ProfileRef::Email(email) => ProfileRecord::Email(email.as_str().to_owned()),
    }
}

pub(super) fn profile(record: ProfileRecord) -> Result<ProfileRef> {
    Ok(match record {
        ProfileRecord::ExternalId(id) => ProfileRef::ExternalId(id),
        ProfileRecord::Alias { label, name } => {
            ProfileRef::Alias(Alias::new(&label, &name).ok_or_else(|| corrupt("an alias"))?)
        }
        ProfileRecord::BrazeId(id) => ProfileRef::BrazeId(id),
        ProfileRecord::Email(email) => ProfileRef::Email(Email::from_stored(&email).map_err(corrupt)?),
    })
}
