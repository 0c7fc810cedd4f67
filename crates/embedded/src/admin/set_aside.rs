//! Participations that were set aside because they cannot be read.

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use ports::error::in_full;
use ports::operations::{Dead, RECORD};
use ports::{Error, Result};
use rusqlite::{Connection, Row, Transaction, params};

use super::failed;
use crate::file_version::has_lines_in_rows;

const DOING: &str = "reading what was set aside";

/// An open participation gets a time to expire only when it is set aside.
pub(super) const SET_ASIDE: &str = "SELECT id, brand, version, record, award FROM participations
    WHERE due_at IS NOT NULL AND expires_at IS NOT NULL ORDER BY id";

/// A row as it is stored.
struct SetAsideRow {
    id: ParticipationId,
    brand: String,
    version: u64,
    record: Option<String>,
    award: Option<String>,
}

impl SetAsideRow {
    /// A text that is no text is no record either.
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: ParticipationId::from_bytes(row.get(0)?),
            brand: row.get(1)?,
            version: row.get(2)?,
            record: row.get::<_, String>(3).ok(),
            award: row.get::<_, Option<String>>(4).ok().flatten(),
        })
    }

    /// Why it cannot be read; `None` if it can be by now.
    fn why(&self) -> Option<Error> {
        let Some(record) = &self.record else {
            return Some(Error::corrupt("participation", "its record is no text"));
        };
        let participation = stored::participation::decode(self.id, self.version, record);
        let award = || self.award.as_deref().map(|award| stored::award::decode(self.id, award));
        participation.err().or_else(|| award()?.err()).map(Error::from)
    }
}

/// The participations that cannot be read, with why. A file of an earlier version shows none.
pub(super) fn records(connection: &Connection) -> Result<Vec<Dead>> {
    let read = |error| failed(DOING, error);
    if !has_lines_in_rows(connection).map_err(read)? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(SET_ASIDE).map_err(read)?;
    let rows: rusqlite::Result<Vec<SetAsideRow>> =
        statement.query_map([], SetAsideRow::of).and_then(Iterator::collect);
    let dead = |row: SetAsideRow| {
        let why = row.why()?;
        Some(Dead {
            id: row.id.to_string(),
            kind: RECORD.to_owned(),
            brand: BrandId::parse(&row.brand).ok(),
            participations: vec![row.id],
            attempts: None,
            last_answer: None,
            why: Some(in_full(&why)),
        })
    };
    Ok(rows.map_err(read)?.into_iter().filter_map(dead).collect())
}

/// Has one read again now.
pub(super) fn read_again(transaction: &Transaction<'_>, dead: &Dead, now: Timestamp) -> Result<()> {
    let sql = "UPDATE participations SET due_at = ?2
               WHERE id = ?1 AND due_at IS NOT NULL AND expires_at IS NOT NULL";
    for id in &dead.participations {
        let done = transaction.execute(sql, params![id.to_bytes(), now.as_millisecond()]);
        done.map_err(|error| failed(DOING, error))?;
    }
    Ok(())
}
