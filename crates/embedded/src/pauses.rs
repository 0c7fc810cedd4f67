//! Paused activations, which are rows of the settings.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::Scope;
use ports::{Error, Pauses, Result};
use rusqlite::{Connection, params};

use crate::data_file::DataFile;
use crate::rows::{self, one};

/// The prefix of the name of a pause. The value is its beginning in milliseconds.
const PAUSE: &str = "paused ";

pub(crate) const READING: &str = "reading pauses";
pub(crate) const PAUSING: &str = "pausing an activation";
pub(crate) const RESUMING: &str = "resuming an activation";

fn name(scope: &Scope) -> String {
    format!("{PAUSE}{scope}")
}

/// Pauses an activation, unless it is paused. Returns the beginning of the pause as it is stored.
pub(crate) fn pause(connection: &Connection, scope: &Scope, now: Timestamp) -> rusqlite::Result<String> {
    connection.query_row(
        "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = value RETURNING value",
        params![name(scope), now.as_millisecond().to_string()],
        |row| row.get(0),
    )
}

/// Ends a pause.
pub(crate) fn resume(connection: &Connection, scope: &Scope) -> rusqlite::Result<Option<String>> {
    one(connection, "DELETE FROM settings WHERE name = ? RETURNING value", [name(scope)], |row| row.get(0))
}

/// Since when an activation is paused.
pub(crate) fn since(connection: &Connection, scope: &Scope) -> rusqlite::Result<Option<Timestamp>> {
    let value = since_of(connection, scope)?;
    Ok(rows::moment(value.and_then(|value| value.parse().ok())))
}

/// The beginning of a pause as it is stored.
pub(crate) fn since_of(connection: &Connection, scope: &Scope) -> rusqlite::Result<Option<String>> {
    one(connection, "SELECT value FROM settings WHERE name = ?", [name(scope)], |row| row.get(0))
}

/// All pauses as they are stored.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut settings = connection.prepare_cached(
        "SELECT substr(name, length(?1) + 1), value FROM settings WHERE substr(name, 1, length(?1)) = ?1",
    )?;
    settings.query_map([PAUSE], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The beginning of a pause.
pub(crate) fn moment(value: &str) -> Result<Timestamp> {
    let milliseconds: i64 = value.parse().map_err(|error| Error::corrupt("pause", error))?;
    Timestamp::from_millisecond(milliseconds).map_err(|error| Error::corrupt("pause", error))
}

/// The beginnings of pauses.
pub(crate) fn moments(rows: Vec<(String, String)>) -> Result<BTreeMap<Scope, Timestamp>> {
    let decoded = |(scope, value): (String, String)| {
        let scope = Scope::parse(&scope).map_err(|error| Error::corrupt("pause", error))?;
        Ok((scope, moment(&value)?))
    };
    rows.into_iter().map(decoded).collect()
}

#[async_trait]
impl Pauses for DataFile {
    async fn pause(&self, scope: &Scope, now: Timestamp) -> Result<Timestamp> {
        let scope = scope.clone();
        moment(&self.writer.write(PAUSING, move |group| pause(group, &scope, now)).await?)
    }

    async fn resume(&self, scope: &Scope) -> Result<Option<Timestamp>> {
        let scope = scope.clone();
        let ended = self.writer.write(RESUMING, move |group| resume(group, &scope)).await?;
        ended.as_deref().map(moment).transpose()
    }

    async fn paused_since(&self, scope: &Scope) -> Result<Option<Timestamp>> {
        let scope = scope.clone();
        let since = self.reader.read(READING, move |connection| since_of(connection, &scope)).await?;
        since.as_deref().map(moment).transpose()
    }

    async fn paused(&self) -> Result<BTreeMap<Scope, Timestamp>> {
        moments(self.reader.read(READING, all).await?)
    }
}
