//! Opening the data file.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ports::Clock;
use rusqlite::Connection;

use crate::checkpoints::QUIET;
use crate::connection::connect;
use crate::counted_before::count_earlier;
use crate::drawn;
use crate::log::{self, WriteAheadLog};
use crate::mailbox::Mailboxes;
use crate::moved_lines::move_lines;
use crate::open_error::OpenError;
use crate::permissions;
use crate::reader::Reader;
use crate::schema;
use crate::writer::Writer;

/// An open data file. It implements the ports `Store`, `Queues`, `Schedule` and `Limits`.
pub struct DataFile {
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) clock: Arc<dyn Clock>,
    path: PathBuf,
    /// Held while the file is open. The operating system releases it however the process ends.
    _lock: File,
}

impl DataFile {
    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The size of the log in bytes. It includes pages that were already moved into the file while the log could not be reset.
    #[must_use]
    pub fn log_length(&self) -> u64 {
        log::path_of(&self.path).metadata().map_or(0, |found| found.len())
    }

    /// Opens the file, or creates it.
    ///
    /// # Errors
    /// When the file cannot be written, is in use, or is not a data file of this version or an older one.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let lock = lock(path)?;
        permissions::check(path)?;
        // The file must exist before SQLite opens it, because SQLite gives its log the file's permissions.
        private(path).map_err(OpenError::NotWritable)?;
        let mut connection = connect(path)?;
        schema::migrate(&mut connection)?;
        check(&connection)?;
        move_lines(&mut connection)?;
        count_earlier(&mut connection)?;
        drawn::freeze_earlier(&mut connection)?;
        let mailboxes = Mailboxes::load(&connection, clock.now())?;
        let log = Arc::new(WriteAheadLog::open(&connection).map_err(OpenError::Threads)?);
        let reader = Reader::start(path, log.clone()).map_err(OpenError::Threads)?;
        let checkpoints = connect(path)?;
        // The log is flushed by threads of ours.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let writer = Writer::start(connection, checkpoints, log, QUIET)
            .map_err(|error| OpenError::Threads(error.into()))?;
        Ok(Self { writer, reader, mailboxes, clock, path: path.to_owned(), _lock: lock })
    }
}

/// Locks a file next to the data file. SQLite's own locks last for a statement, not for a process's life.
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

/// Opens a file, or creates it readable by its owner only, because it holds contacts and the id key.
fn private(path: &Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Refuses a damaged file: writing to it would make the damage worse.
fn check(connection: &Connection) -> Result<(), OpenError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged(found.replace('\n', " "))) }
}

#[cfg(test)]
mod tests;
