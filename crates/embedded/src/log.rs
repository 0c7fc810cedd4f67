//! The write-ahead log on disk. SQLite writes commits into it, and this module flushes them to the disk, so the next group is run during a flush.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;
use rusqlite::ffi::{self, SQLITE_IOERR_FSYNC};
use tokio::sync::Notify;

use crate::connection::empty_log;

/// The log of an open data file.
pub(crate) struct WriteAheadLog {
    file: File,
    /// The number of the last commit that was begun.
    begun: AtomicU64,
    flushed: Mutex<Flushed>,
    changed: Condvar,
    /// Tells the one task that waits that a flush has ended.
    ended: Notify,
    /// Whether the last flush took less than [`QUICK`].
    was_quick: AtomicBool,
}

/// A thread of the runtime may wait for a flush that takes no longer than this. Running a group takes longer.
const QUICK: Duration = Duration::from_micros(500);

#[derive(Default)]
struct Flushed {
    /// The number of the last commit on the disk. All before it are there, too.
    last: u64,
    /// Why a flush failed. The operating system may have dropped what it could not write, so a later flush proves nothing.
    failure: Option<Arc<rusqlite::Error>>,
}

impl WriteAheadLog {
    /// Opens the log of the data file that a connection has open.
    pub(crate) fn open(connection: &Connection) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        // SQLite creates the log at the first read.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let data_file = connection.path().ok_or("a data file in memory has no log")?;
        Ok(Self::of(File::open(path_of(Path::new(data_file)))?))
    }

    fn of(file: File) -> Self {
        let was_quick = AtomicBool::new(false);
        let (changed, ended) = (Condvar::new(), Notify::new());
        Self { file, begun: AtomicU64::new(0), flushed: Mutex::default(), changed, ended, was_quick }
    }

    /// The size of the log in bytes, in use or not.
    pub(crate) fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |found| found.len())
    }

    /// Numbers the commit that is about to begin.
    pub(crate) fn begin_commit(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst).saturating_add(1)
    }

    /// How many commits were begun.
    #[cfg(test)]
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Flushes all commits up to this number, which have ended.
    pub(crate) fn flush(&self, commit: u64) -> Result<(), Arc<rusqlite::Error>> {
        let written = self.sync();
        let mut flushed = self.flushed.lock();
        if let Err(error) = written {
            tracing::error!(event = "embedded.unflushed", error = %error, "The data file's log cannot be written to the disk.");
            flushed.failure = Some(Arc::new(not_flushed(&error)));
        }
        flushed.last = flushed.last.max(commit);
        self.changed.notify_all();
        self.ended.notify_one();
        flushed.failure.clone().map_or(Ok(()), Err)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this measures the disk, for which a simulated clock has no time"
    )]
    fn sync(&self) -> io::Result<()> {
        let began = Instant::now();
        let written = self.file.sync_data();
        self.was_quick.store(began.elapsed() < QUICK, Ordering::Relaxed);
        written
    }

    /// Whether the last flush took so little time that a thread of the runtime may wait for the next one.
    pub(crate) fn was_flushed_quickly(&self) -> bool {
        self.was_quick.load(Ordering::Relaxed)
    }

    /// Whether a commit was begun that is not on the disk.
    pub(crate) fn is_flushing(&self) -> bool {
        self.flushed.lock().last < self.begun.load(Ordering::SeqCst)
    }

    /// Waits until a flush ends. It may return at once, if one has ended before. One task at a time may wait.
    pub(crate) async fn flush_ended(&self) {
        self.ended.notified().await;
    }

    /// Waits until every commit that a read may have seen is on the disk.
    pub(crate) fn wait(&self) -> Result<(), Arc<rusqlite::Error>> {
        let seen = self.begun.load(Ordering::SeqCst);
        let mut flushed = self.flushed.lock();
        while flushed.last < seen {
            self.changed.wait(&mut flushed);
        }
        flushed.failure.clone().map_or(Ok(()), Err)
    }

    /// Whether a flush has failed, and the log has not been moved into the file since.
    pub(crate) fn has_failed(&self) -> bool {
        self.flushed.lock().failure.is_some()
    }

    /// After a failed flush, moves all commits into the file, which is flushed on its own. Until that succeeds, nothing is committed.
    pub(crate) fn recover(&self, connection: &Connection) -> Result<(), Arc<rusqlite::Error>> {
        let Some(failure) = self.flushed.lock().failure.clone() else { return Ok(()) };
        match empty_log(connection) {
            Ok(true) => {
                self.flushed.lock().failure = None;
                Ok(())
            }
            Ok(false) | Err(_) => Err(failure),
        }
    }
}

fn not_flushed(error: &io::Error) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(SQLITE_IOERR_FSYNC), Some(error.to_string()))
}

/// The path of a data file's log.
pub(crate) fn path_of(data_file: &Path) -> PathBuf {
    let mut name = data_file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

#[cfg(test)]
mod tests;
