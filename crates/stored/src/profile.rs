//! How a Braze profile is addressed, as part of a record.

use domain::contact::{Email, Phone};
use domain::profile::{Alias, ProfileRef};
use serde::{Deserialize, Serialize};

use crate::error::Why;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProfileRecord {
    ExternalId(String),
    Alias { label: String, name: String },
    BrazeId(String),
    Email(String),
    Phone(String),
}

pub(crate) fn profile_record(profile: &ProfileRef) -> ProfileRecord {
    match profile {
        ProfileRef::ExternalId(id) => ProfileRecord::ExternalId(id.clone()),
        ProfileRef::Alias(alias) => {
            ProfileRecord::Alias { label: alias.label().to_owned(), name: alias.name().to_owned() }
        }
        ProfileRef::BrazeId(id) => ProfileRecord::BrazeId(id.clone()),
        ProfileRef::Email(email) => ProfileRecord::Email(email.as_str().to_owned()),
        ProfileRef::Phone(phone) => ProfileRecord::Phone(phone.as_str().to_owned()),
    }
}

pub(crate) fn profile(record: ProfileRecord) -> Result<ProfileRef, Why> {
    Ok(match record {
        ProfileRecord::ExternalId(id) => ProfileRef::ExternalId(id),
        ProfileRecord::Alias { label, name } => {
            ProfileRef::Alias(Alias::new(&label, &name).ok_or("not an alias")?)
        }
        ProfileRecord::BrazeId(id) => ProfileRef::BrazeId(id),
        ProfileRecord::Email(email) => ProfileRef::Email(Email::from_stored(&email)?),
        ProfileRecord::Phone(phone) => ProfileRef::Phone(Phone::from_e164(&phone)?),
    })
}
