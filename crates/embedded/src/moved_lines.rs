//! Moves the ledger lines of an older file into the rows of their participations, when the file is opened.
//!
//! Up to step 13 of the schema, a line was a row of the table `awards`. The lines move in portions, each in a transaction of its own. So
//! the move can be interrupted at any moment, and the next start continues with the lines that are left. When none is left, the table is
//! dropped.

use domain::ids::ParticipationId;
use rusqlite::{Connection, Result, TransactionBehavior};

use crate::connection::passive_checkpoint;
use crate::schema::LINES_ARE_IN_ROWS;

/// How many lines move in one transaction. A start that is interrupted loses the work of one transaction. The ids are hashes, so every
/// transaction changes most pages of the index that the lines leave; few large transactions therefore write much less than many small ones.
const AT_ONCE: u32 = 100_000;

/// The cache of pages while lines move, in KiB.
const CACHE: i64 = 128 * 1_024;

/// Moves every line that is not in its participation's row yet.
pub(crate) fn move_lines(connection: &mut Connection) -> Result<()> {
    if lines_are_in_rows(connection)? {
        return Ok(());
    }
    let of: u64 = connection.query_row("SELECT count(*) FROM awards", [], |row| row.get(0))?;
    let usual: i64 = connection.query_row("PRAGMA cache_size", [], |row| row.get(0))?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    let mut moved = 0;
    loop {
        match move_some(connection, AT_ONCE)? {
            0 => break,
            some => moved += some,
        }
        // No thread checkpoints the log while the file is being opened.
        passive_checkpoint(connection);
        tracing::warn!(
            event = "embedded.moving_lines",
            moved,
            of,
            "The ledger lines of an earlier version are moved into their participations' rows. Participations are accepted when that is done."
        );
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(LINES_ARE_IN_ROWS)?;
    transaction.commit()?;
    passive_checkpoint(connection);
    connection.pragma_update(None, "cache_size", usual)
}

/// Moves the first lines that are left, and returns how many there were.
fn move_some(connection: &mut Connection, most: u32) -> Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let last = "SELECT max(rowid) FROM (SELECT rowid FROM awards ORDER BY rowid LIMIT ?1)";
    let last: Option<i64> = transaction.query_row(last, [most], |row| row.get(0))?;
    let moved = transaction.execute(
        "UPDATE participations
         SET ledger = line.ledger, participant = line.participant, arrival = line.arrival, standing = line.standing,
             place = line.place, credited = line.credited, award_due_at = line.due_at, award = line.record
         FROM (SELECT * FROM awards WHERE rowid <= ?1) AS line WHERE participations.id = line.id",
        [last],
    )?;
    let left = transaction.execute("DELETE FROM awards WHERE rowid <= ?1", [last])?;
    transaction.commit()?;
    if moved < left {
        // No version writes or deletes one without the other.
        let lines = left.abs_diff(moved);
        tracing::error!(
            event = "embedded.lines_without_participation",
            lines,
            "Ledger lines whose participations do not exist were dropped."
        );
    }
    Ok(u64::try_from(left).unwrap_or(u64::MAX))
}

/// Whether every line is in its participation's row. In a file that an earlier version serves, the lines are in a table of their own.
pub(crate) fn lines_are_in_rows(connection: &Connection) -> Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'awards')";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Whether a participation has a line in a ledger, wherever the file has it.
pub(crate) fn has_line(connection: &Connection, id: ParticipationId) -> Result<bool> {
    let in_row = "SELECT EXISTS (SELECT 1 FROM participations WHERE id = ? AND award IS NOT NULL)";
    let in_table = "SELECT EXISTS (SELECT 1 FROM awards WHERE id = ?)";
    let has = |sql: &str| connection.query_row(sql, [id.to_bytes()], |row| row.get(0));
    Ok((!lines_are_in_rows(connection)? && has(in_table)?) || (rows_have_lines(connection)? && has(in_row)?))
}

/// Whether the rows of participations have columns for a line.
fn rows_have_lines(connection: &Connection) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('participations') WHERE name = 'award')";
    connection.query_row(sql, [], |row| row.get(0))
}

#[cfg(test)]
mod tests;
