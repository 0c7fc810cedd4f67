//! Helpers that several modules use to read rows.

use domain::Timestamp;
use domain::award::Award;
use domain::ids::ParticipationId;
use domain::ledger::Counts;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row};
use stored::{Unencodable, Unreadable};

/// A stored time.
pub(crate) fn moment(milliseconds: Option<i64>) -> Option<Timestamp> {
    milliseconds.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
}

/// Reads one row, or none.
pub(crate) fn one<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    connection.prepare_cached(sql)?.query_row(parameters, read).optional()
}

/// Wraps the error of a record that cannot be read as an error of SQLite.
pub(crate) fn unreadable(error: Unreadable) -> Error {
    Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}

/// Wraps the error of a value that has no stored form as an error of SQLite.
pub(crate) fn unencodable(error: Unencodable) -> Error {
    Error::ToSqlConversionFailure(Box::new(error))
}

/// Reads a ledger line from the columns `id, award`.
pub(crate) fn award(row: &Row<'_>) -> Result<Award> {
    let (id, record): ([u8; 16], String) = (row.get(0)?, row.get(1)?);
    stored::award::decode(ParticipationId::from_bytes(id), &record).map_err(unreadable)
}

/// A ledger's counters, which are zero before its first line.
pub(crate) fn counts(connection: &Connection, ledger: &str) -> Result<Counts> {
    let stored: Option<String> =
        one(connection, "SELECT counts FROM ledgers WHERE ledger = ?", [ledger], |row| row.get(0))?;
    decode_counts(ledger, stored)
}

/// The counters of a ledger as they are stored.
pub(crate) fn decode_counts(ledger: &str, stored: Option<String>) -> Result<Counts> {
    let read = |stored: String| stored::counters::decode(ledger, &stored).map_err(unreadable);
    stored.map_or_else(|| Ok(Counts::default()), read)
}

/// The brands that have anything due in a column of a table, now or later.
pub(crate) fn brands_with_due(connection: &Connection, (table, column): (&str, &str)) -> Result<Vec<String>> {
    let mut next = connection.prepare_cached(&format!(
        "SELECT min(brand) FROM {table} WHERE {column} IS NOT NULL AND brand > ?1"
    ))?;
    let mut brands: Vec<String> = Vec::new();
    loop {
        let last = brands.last().map_or("", String::as_str);
        match next.query_row([last], |row| row.get::<_, Option<String>>(0))? {
            Some(brand) => brands.push(brand),
            None => return Ok(brands),
        }
    }
}
