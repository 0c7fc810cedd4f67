//! Why a data file cannot be opened.

use rusqlite::ErrorCode;

/// Why a data file cannot be used. Each text is one sentence for the operator and includes the cause.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or the file cannot be written. SQLite keeps files beside it, even for reading.
    #[error(
        "cannot be written: {0}; give this user write access to it and its directory, or copy it elsewhere"
    )]
    NotWritable(std::io::Error),
    /// Users other than its owner may read or write it.
    #[error(
        "can be read or written by users other than its owner, and it contains contacts; run this first: {0}"
    )]
    OpenToOthers(String),
    /// Another process has locked it.
    #[error("is in use by another process")]
    InUse,
    /// It is a file of another kind.
    #[error("is not a data file of quikly-braze")]
    NotADataFile,
    /// Its contents are inconsistent: a failing disk or an improper copy damaged it.
    #[error("is damaged; restore it from a copy, or save what can be read with `sqlite3 FILE .recover`: {0}")]
    Damaged(String),
    /// Another program has locked it for longer than this one waits.
    #[error("is locked by another program; run this again when that program has ended")]
    Locked,
    /// It was written by a newer version.
    #[error("was written by a newer version of quikly-braze; update this program")]
    Newer,
    /// It was written by a version that had no ledgers yet.
    #[error("is of an earlier version; start `serve` on it once, which upgrades it")]
    Earlier,
    /// Any other error from SQLite.
    #[error("cannot be opened: {0}")]
    Sqlite(rusqlite::Error),
    /// The threads that read and write the file cannot be started.
    #[error("cannot be served: {0}")]
    Threads(Box<dyn std::error::Error + Send + Sync>),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADataFile,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotWritable(std::io::Error::other(error))
            }
            _ => Self::Sqlite(error),
        }
    }
}

impl From<rusqlite_migration::Error> for OpenError {
    fn from(error: rusqlite_migration::Error) -> Self {
        use rusqlite_migration::{Error, MigrationDefinitionError};
        match error {
            Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => Self::Newer,
            Error::RusqliteError { err, .. } => err.into(),
            // A file with tables of its own at version 0 belongs to another program.
            _ => Self::NotADataFile,
        }
    }
}
