//! Entries of the audit log.

use domain::audit::AuditEntry;
use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};

use crate::error::{Unencodable, Unreadable, Why};
use crate::form::{self, Version};
use crate::values::moment;

/// The newest version of an entry's form.
const NEWEST: u16 = 1;

#[derive(Serialize, Deserialize)]
struct AuditRecord {
    #[serde(default, skip_serializing_if = "Version::is_absent")]
    v: Version<NEWEST>,
    at: i64,
    who: String,
    action: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    about: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

impl form::Record for AuditRecord {
    const WHAT: &'static str = "audit entry";
    const NEWEST: u16 = NEWEST;
}

/// Encodes an entry for storage.
///
/// # Errors
/// If the entry holds a value that has no stored form.
pub fn encode(entry: &AuditEntry) -> Result<String, Unencodable> {
    let record = AuditRecord {
        v: Version::NEWEST,
        at: entry.at.as_millisecond(),
        who: entry.who.clone(),
        action: entry.action.clone(),
        about: entry.about.clone(),
        outcome: entry.outcome.clone(),
    };
    form::write(entry.at, Ok(record), &entry.unknown)
}

/// Decodes a stored entry. The key is the one that it is stored under.
///
/// # Errors
/// If the text is in no form that an entry has had, or in a newer one.
pub fn decode(key: impl std::fmt::Display, text: &str) -> Result<AuditEntry, Unreadable> {
    form::read(key, text, entry)
}

fn entry(record: AuditRecord, unknown: UnknownFields) -> Result<AuditEntry, Why> {
    Ok(AuditEntry {
        at: moment(record.at)?,
        who: record.who,
        action: record.action,
        about: record.about,
        outcome: record.outcome,
        unknown,
    })
}
