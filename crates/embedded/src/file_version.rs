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

/// Whether limits are kept with everything that this version shows of them.
pub(crate) fn has_hours_of_limits(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(steps(connection)? >= 13)
}

/// What a file is, as far as its tables say.
pub(crate) enum FileSchema {
    /// A file of another program, or one that no version has migrated.
    OfAnother,
    /// A data file of a version that had no ledgers.
    WithoutLedgers,
    /// A data file.
    WithLedgers,
}

/// What this file is.
pub(crate) fn of_file(connection: &Connection) -> rusqlite::Result<FileSchema> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = ?";
    let has = |table: &str| connection.query_row(sql, [table], |row| row.get::<_, bool>(0));
    Ok(match (has("participations")? && has("profiles")?, has("notices")?) {
        (false, _) => FileSchema::OfAnother,
        (true, false) => FileSchema::WithoutLedgers,
        (true, true) => FileSchema::WithLedgers,
    })
}
