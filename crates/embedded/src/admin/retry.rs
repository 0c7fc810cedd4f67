//! Ending the waits after failures, while another process serves the file.

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use ports::Result;
use ports::store::Saved;
use rusqlite::{Connection, params};
use stored::participation::decode;

use super::{AdminConnection, failed};
use crate::outages;
use crate::store::ParticipationRow;

const DOING: &str = "ending a wait";

/// The most participations in one transaction. The process that serves the file waits for it.
const AT_ONCE: i64 = 500;

/// Whether the file holds anything of the brand.
fn is_known(connection: &Connection, brand: &BrandId) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM limits WHERE lane LIKE ?1 || ' %')
        OR EXISTS (SELECT 1 FROM participations WHERE brand = ?1 AND due_at IS NOT NULL)
        OR EXISTS (SELECT 1 FROM participations WHERE brand = ?1)";
    connection.query_row(sql, [brand.as_str()], |row| row.get(0))
}

/// Makes due every participation that waits after a failure, and leaves a request to retry for the process that serves the file.
pub(super) fn now(admin: &AdminConnection, brand: &BrandId, now: Timestamp) -> Result<Option<u64>> {
    if !is_known(&admin.lock(), brand).map_err(|error| failed(DOING, error))? {
        return Ok(None);
    }
    let (mut ended, mut last) = (0, (now.as_millisecond(), 0));
    loop {
        let (some, next) = admin.change(DOING, |transaction| some(transaction, brand, now, last))?;
        ended += some;
        match next {
            Some(next) => last = next,
            None => break,
        }
    }
    admin.change(DOING, |transaction| {
        let lanes = "UPDATE limits SET probe_at = ?2 WHERE lane LIKE ?1 || ' %' AND probe_at > ?2";
        let opened = transaction.execute(lanes, params![brand.as_str(), now.as_millisecond()]);
        opened.and_then(|_| outages::wish_to_retry(transaction, brand)).map_err(|error| failed(DOING, error))
    })?;
    Ok(Some(ended))
}

/// A row's position: its due time and its number.
type RowPlace = (i64, i64);

/// A row: its position, id, version and record.
type RetryRow = (RowPlace, [u8; 16], u64, String);

/// Processes the next rows behind `last`. Returns how many waits it ended, and the position to continue from.
fn some(
    connection: &Connection,
    brand: &BrandId,
    now: Timestamp,
    last: RowPlace,
) -> Result<(u64, Option<RowPlace>)> {
    let mut statement = connection
        .prepare_cached(
            "SELECT due_at, rowid, id, version, record FROM participations
             WHERE brand = ?1 AND due_at >= ?2 AND (due_at, rowid) > (?2, ?3) ORDER BY due_at, rowid LIMIT ?4",
        )
        .map_err(|error| failed(DOING, error))?;
    let rows = statement.query_map(params![brand.as_str(), last.0, last.1, AT_ONCE], |row| {
        Ok(((row.get(0)?, row.get(1)?), row.get(2)?, row.get(3)?, row.get(4)?))
    });
    let rows: rusqlite::Result<Vec<RetryRow>> = rows.and_then(Iterator::collect);
    let rows = rows.map_err(|error| failed(DOING, error))?;
    let next = rows.last().map(|(place, ..)| *place);
    let mut ended = 0;
    for (_, id, version, record) in rows {
        // A record that cannot be read keeps waiting until it is repaired, and holds up no other.
        let Ok(mut found) = decode(ParticipationId::from_bytes(id), version, &record) else { continue };
        if found.retries_now(now) {
            let saved =
                ParticipationRow::of(&found)?.save(connection).map_err(|error| failed(DOING, error))?;
            ended += u64::from(saved == Saved::Saved);
        }
    }
    Ok((ended, next))
}
