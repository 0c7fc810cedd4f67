//! What a data file has, according to the steps of the schema that it has been through. Commands that read a file do not upgrade it.

use rusqlite::Connection;

/// How many steps of the schema a file has been through.
pub(crate) fn steps(connection: &Connection) -> rusqlite::Result<usize> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whether lines are in the rows of their participations, as this version reads and writes them.
pub(crate) fn has_lines_in_rows(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(steps(connection)? >= 14)
}

/// Whether rows say when their callbacks were delivered.
pub(crate) fn has_times_of_callbacks(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(steps(connection)? >= 19)
}
