//! The settings of a connection, and moving its log into the file.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

/// How long to wait for another process that is writing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a connection with the settings that every thread uses.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    // Ids are hashes, so nearly every insert changes another page of their index, and every changed page is written to the log
    // whole. Small pages therefore make small commits, but a row with a line in a ledger would fill a page of 1 KiB alone. The setting
    // has no effect on an existing file.
    connection.pragma_update(None, "page_size", 2_048)?;
    connection.busy_timeout(PATIENCE)?;
    // The cache keeps its usual 2 MiB: when a page was split, SQLite looks through the whole cache at the commit.
    // Deleted content is overwritten, because it may be a consumer's address.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Checkpoints run on a thread of their own.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Moves the pages that can be moved without blocking anyone. The rest is moved the next time.
pub(crate) fn passive_checkpoint(connection: &Connection) {
    let _next_time = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}

/// Moves all pages into the file and truncates the log. Returns `false` at once if somebody is using the log.
pub(crate) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    let cut_off = || {
        connection.busy_timeout(Duration::ZERO)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
    };
    let is_busy: rusqlite::Result<bool> = cut_off();
    connection.busy_timeout(PATIENCE)?;
    is_busy.map(|is_busy| !is_busy)
}
