//! The tables. A change is a new step at the end; steps that were released are never edited.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

const STEPS: &[M<'_>] = &[M::up(
    // Ids are hashes. Rows are kept in the order in which they come, and only the index of ids is filled at random places:
    // a commit then touches few pages.
    "CREATE TABLE participations (
         id      BLOB NOT NULL UNIQUE,
         version INTEGER NOT NULL,
         brand   TEXT NOT NULL,
         due_at  INTEGER,
         record  TEXT NOT NULL
     );
     CREATE INDEX participations_due ON participations (due_at, brand) WHERE due_at IS NOT NULL;

     CREATE TABLE profiles (
         contact TEXT PRIMARY KEY,
         record  TEXT NOT NULL
     ) WITHOUT ROWID;

     CREATE TABLE messages (
         number     INTEGER PRIMARY KEY AUTOINCREMENT,
         queue      TEXT NOT NULL,
         brand      TEXT NOT NULL,
         visible_at INTEGER NOT NULL,
         ids        TEXT NOT NULL,
         name       TEXT UNIQUE
     );

     CREATE TABLE limits (
         lane     TEXT PRIMARY KEY,
         requests INTEGER NOT NULL,
         period   INTEGER NOT NULL,
         start    INTEGER NOT NULL,
         booked   INTEGER NOT NULL,
         probe_at INTEGER
     ) WITHOUT ROWID;

     CREATE TABLE settings (
         name  TEXT PRIMARY KEY,
         value TEXT NOT NULL
     ) WITHOUT ROWID;",
)];

/// Brings a file up to date.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), rusqlite_migration::Error> {
    Migrations::from_slice(STEPS).to_latest(connection)
}
