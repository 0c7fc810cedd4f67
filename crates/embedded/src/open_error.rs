//! Why a data file cannot be opened.

use rusqlite::ErrorCode;

/// Why a data file cannot be used. Each is one sentence for whoever started the program, its cause included.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or the file cannot be written.
    #[error("cannot be written: {0}")]
    NotWritable(std::io::Error),
    /// Others than its owner may read or write it.
    #[error("can be reached by others than its owner, and there are contacts in it; run this first: {0}")]
    OpenToOthers(String),
    /// Another process has it.
    #[error("is in use by another process")]
    InUse,
    /// It is something else.
    #[error("is not a data file of quikly-braze")]
    NotADataFile,
    /// What is in it does not fit together: the disk, or whoever copied it, did harm.
    #[error("is damaged; restore it from a copy, or save what can be read with `sqlite3 FILE .recover`: {0}")]
    Damaged(String),
    /// It was written by a newer version.
    #[error("was written by a newer version of quikly-braze")]
    Newer,
    /// Anything else SQLite says.
    #[error("cannot be opened: {0}")]
    Sqlite(rusqlite::Error),
    /// The threads that read and write it cannot be started.
    #[error("cannot be served: {0}")]
    Threads(Box<dyn std::error::Error + Send + Sync>),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADataFile,
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
            // A file with tables of its own at version 0 is somebody else's.
            _ => Self::NotADataFile,
        }
    }
}
