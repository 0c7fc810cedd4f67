//! Turns records into texts, and texts into records.

use std::fmt;

use domain::unknown::UnknownFields;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::choice;
use crate::error::{Unencodable, Unreadable, Why, without_values};
use crate::unknown;

/// The version of a record's form; this code can read versions up to `NEWEST`. The version is raised only if
/// older code must not read the new form; adding a field does not raise it. Records that were written before
/// versions existed have none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Version<const NEWEST: u16>(Option<u16>);

impl<const NEWEST: u16> Version<NEWEST> {
    /// The version that this code writes.
    pub(crate) const NEWEST: Self = Self(Some(NEWEST));

    pub(crate) fn is_absent(&self) -> bool {
        self.0.is_none()
    }
}

impl<'de, const NEWEST: u16> Deserialize<'de> for Version<NEWEST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version = u16::deserialize(deserializer)?;
        if version > NEWEST { Err(serde::de::Error::custom("newer")) } else { Ok(Self(Some(version))) }
    }
}

/// A kind of stored record.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// The name of the kind in errors.
    const WHAT: &'static str;
    /// The newest version of the form.
    const NEWEST: u16;
}

/// The record was written by a newer version, in a form that this code must not read.
#[derive(Debug, thiserror::Error)]
#[error("it has version {found} of its form, and this version of quikly-braze reads those up to {newest}")]
struct Newer {
    found: u16,
    newest: u16,
}

/// Writes a record, with the fields that only a newer version knows.
pub(crate) fn write<R: Record>(
    id: impl fmt::Display,
    record: Result<R, Why>,
    kept: &UnknownFields,
) -> Result<String, Unencodable> {
    let text = record.and_then(|record| match kept.text() {
        None => Ok(serde_json::to_string(&record)?),
        Some(kept) => Ok(unknown::put_back(serde_json::to_value(&record)?, kept)?.to_string()),
    });
    text.map_err(|source| Unencodable { what: R::WHAT, id: id.to_string(), source })
}

/// Reads a record and converts it to the domain's value.
pub(crate) fn read<R: Record, T>(
    id: impl fmt::Display,
    text: &str,
    made: impl FnOnce(R, UnknownFields) -> Result<T, Why>,
) -> Result<T, Unreadable> {
    parse(text)
        .and_then(|(record, unknown)| made(record, unknown))
        .map_err(|why| Unreadable::new(R::WHAT, why).of(id))
}

fn parse<R: Record>(text: &str) -> Result<(R, UnknownFields), Why> {
    match serde_json::from_str::<R>(text) {
        Ok(record) if is_written_as(&record, text) => Ok((record, UnknownFields::default())),
        Ok(record) => {
            let unknown = unknown::left_over(&serde_json::from_str(text)?, &serde_json::to_value(&record)?)?;
            Ok((record, unknown))
        }
        Err(error) => parse_leniently(text).unwrap_or_else(|| Err(without_values(&error).into())),
    }
}

/// Parses a record that does not parse directly: it may have a newer version's form, or fields next to the
/// one that makes a choice.
fn parse_leniently<R: Record>(text: &str) -> Option<Result<(R, UnknownFields), Why>> {
    let value: Value = serde_json::from_str(text).ok()?;
    // A number too large for a version is something else, such as a phone number that got there by mistake.
    if let Some(found) = value.get("v").and_then(Value::as_u64).and_then(|found| u16::try_from(found).ok())
        && found > R::NEWEST
    {
        return Some(Err(Newer { found, newest: R::NEWEST }.into()));
    }
    let plain = choice::without_others(&value)?;
    let record: R = serde_json::from_value(plain).ok()?;
    let known = serde_json::to_value(&record).ok()?;
    Some(unknown::left_over(&value, &known).map(|unknown| (record, unknown)))
}

/// Whether this version would write the same text, so that no field in it is unknown. Nearly every record is
/// like this.
fn is_written_as(record: &impl Serialize, text: &str) -> bool {
    let mut written = Vec::with_capacity(text.len());
    serde_json::to_writer(&mut written, record).is_ok() && written == text.as_bytes()
}
