//! Profile hints: what we remember of a contact's Braze profile. A hint is never changed, only replaced as a
//! whole, so fields that a newer version stores in it are not carried over.

use domain::ids::{ContactKey, ParticipationId};
use domain::profile::ProfileHint;
use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};

use crate::error::{Unencodable, Unreadable, Why};
use crate::form::{self, Version};
use crate::profile::{ProfileRecord, profile, profile_record};
use crate::values::moment;

/// The newest version of a hint's form.
const NEWEST: u16 = 1;

#[derive(Serialize, Deserialize)]
struct HintRecord {
    #[serde(default, skip_serializing_if = "Version::is_absent")]
    v: Version<NEWEST>,
    profile: ProfileRecord,
    learned_at: i64,
    created: bool,
    by: String,
}

impl form::Record for HintRecord {
    const WHAT: &'static str = "profile hint";
    const NEWEST: u16 = NEWEST;
}

/// Encodes a hint for storage. The contact's key is stored next to it.
///
/// # Errors
/// If the hint holds a value that has no stored form.
pub fn encode(contact: ContactKey, hint: &ProfileHint) -> Result<String, Unencodable> {
    let record = HintRecord {
        v: Version::NEWEST,
        profile: profile_record(&hint.profile),
        learned_at: hint.learned_at.as_millisecond(),
        created: hint.created,
        by: hint.by.to_string(),
    };
    form::write(contact, Ok(record), &UnknownFields::default())
}

/// Decodes a stored hint.
///
/// # Errors
/// If the text is in no form that a hint has had, or in a newer one.
pub fn decode(contact: impl std::fmt::Display, text: &str) -> Result<ProfileHint, Unreadable> {
    form::read(contact, text, |record: HintRecord, _| hint(record))
}

fn hint(record: HintRecord) -> Result<ProfileHint, Why> {
    Ok(ProfileHint {
        profile: profile(record.profile)?,
        learned_at: moment(record.learned_at)?,
        created: record.created,
        by: ParticipationId::parse(&record.by)?,
    })
}
