//! Opening the file.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Timestamp;
use ports::Clock;
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use crate::drawn;
use crate::mailbox::Mailboxes;
use crate::permissions;
use crate::reader::Reader;
use crate::schema;
use crate::writer::{Writer, connect, log_of};

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

/// An open data file. It implements the ports `Store`, `Queues`, `Schedule` and `Limits`.
pub struct DataFile {
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) clock: Arc<dyn Clock>,
    path: PathBuf,
    /// Held while the file is open; the operating system lets go of it however the process ends.
    _lock: File,
}

impl DataFile {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes the log takes: what was written and not moved into the file yet, or was moved before the log could begin anew.
    #[must_use]
    pub fn log_length(&self) -> u64 {
        log_of(&self.path).metadata().map_or(0, |found| found.len())
    }

    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When it cannot be written, is in use, or is not a data file of this version or an older one.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let lock = lock(path)?;
        permissions::check(path)?;
        // Made before SQLite makes it: its log takes over the file's permissions.
        private(path).map_err(OpenError::NotWritable)?;
        let mut connection = connect(path)?;
        schema::migrate(&mut connection).map_err(migration)?;
        check(&connection)?;
        drawn::freeze_earlier(&mut connection)?;
        let mailboxes = Mailboxes::load(&connection)?;
        let reader = Reader::start(path).map_err(OpenError::Threads)?;
        let checkpoints = connect(path)?;
        let writer =
            Writer::start(connection, checkpoints).map_err(|error| OpenError::Threads(error.into()))?;
        Ok(Self { writer, reader, mailboxes, clock, path: path.to_owned(), _lock: lock })
    }
}

/// Locks a file beside the data file: SQLite's own locks are for one statement, not for a process's life.
fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = private(&PathBuf::from(name)).map_err(OpenError::NotWritable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse),
        Err(TryLockError::Error(error)) => Err(OpenError::NotWritable(error)),
    }
}

/// Opens a file, or makes it so that only its owner can read it: there are contacts in it, and the id key.
fn private(path: &Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Better not to start than to go on writing to a file that is damaged.
fn check(connection: &Connection) -> Result<(), OpenError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged(found.replace('\n', " "))) }
}

fn migration(error: rusqlite_migration::Error) -> OpenError {
    use rusqlite_migration::{Error, MigrationDefinitionError};
    match error {
        Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => OpenError::Newer,
        Error::RusqliteError { err, .. } => err.into(),
        // A file with tables of its own at version 0 is somebody else's.
        _ => OpenError::NotADataFile,
    }
}

/// A moment as it is kept.
pub(crate) fn moment(milliseconds: Option<i64>) -> Option<Timestamp> {
    milliseconds.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
}

/// Reads one row or none.
pub(crate) fn one<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    connection.prepare_cached(sql)?.query_row(parameters, read).optional()
}

#[cfg(test)]
mod tests;
