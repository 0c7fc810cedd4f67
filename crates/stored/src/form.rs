//! How a record becomes a text, and a text a record.

use std::fmt;
use std::io::{self, Write};

use domain::unknown::UnknownFields;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::choice;
use crate::error::{Unencodable, Unreadable, Why, without_values};
use crate::unknown;

/// The version of a record's form, of which this code knows those up to `NEWEST`. It is raised only when an older version must not read
/// the new form; a field that is added leaves it as it is. What was written before there were versions has none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Version<const NEWEST: u16>(Option<u16>);

impl<const NEWEST: u16> Version<NEWEST> {
    /// The one that this code writes.
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

/// A kind of record.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// What it is called in an error.
    const WHAT: &'static str;
    /// The newest version of its form.
    const NEWEST: u16;
}

/// A newer version has written it, in a form that this one must not read.
#[derive(Debug, thiserror::Error)]
#[error("it has version {found} of its form, and this version of quikly-braze reads those up to {newest}")]
struct Newer {
    found: u16,
    newest: u16,
}

/// Writes a record down, with what a newer version keeps of it.
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

/// Reads a record and makes of it what it stands for.
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

/// What cannot be read as it stands: it may be of a newer version's form, or have fields beside the one that a choice is made by.
fn parse_leniently<R: Record>(text: &str) -> Option<Result<(R, UnknownFields), Why>> {
    let value: Value = serde_json::from_str(text).ok()?;
    // A number that is too large for a version is something else, such as a phone number that came to stand there.
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

/// Whether this version would write the same text: then it knows all that stands in it. Nearly every record is such a one.
fn is_written_as(record: &impl Serialize, text: &str) -> bool {
    let mut rest = Same(text.as_bytes());
    serde_json::to_writer(&mut rest, record).is_ok() && rest.0.is_empty()
}

/// Takes what it expects, and refuses anything else.
struct Same<'a>(&'a [u8]);

impl Write for Same<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(written).ok_or(io::ErrorKind::InvalidData)?;
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
