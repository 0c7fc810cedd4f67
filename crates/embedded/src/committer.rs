//! Runs groups of operations in transactions, and keeps the log from growing.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use rusqlite::Connection;
use tokio::runtime::Handle;

use crate::connection::{PATIENCE, empty_log, passive_checkpoint};
use crate::flusher::{Committed, Flusher};
use crate::group::{CountedGroup, Group};
use crate::log::WriteAheadLog;
use crate::operation::{Failed, Operation, answer_all};

/// A checkpoint is asked for after so many commits. In a quiet hour that is up to twenty megabytes of log.
const COMMITS_A_CHECKPOINT: usize = 1_024;

/// Or after so many operations, whichever comes first. Under full load that is one or two hundred megabytes of log, so that a page that changes often is
/// moved only once.
const OPERATIONS_A_CHECKPOINT: usize = 32_768;

/// The size in bytes beyond which the log is truncated in any case. It grows beyond that while a reader holds an old snapshot. Below it, the log is overwritten from
/// its beginning, because a flush of a log that was extended takes twice as long as one of a log that was overwritten.
pub(crate) const LARGEST_LOG: u64 = 256 * 1024 * 1024;

/// The size in bytes beyond which the log is truncated once the load has gone down. The commits between two checkpoints of a quiet hour fit into it.
pub(crate) const LARGEST_QUIET_LOG: u64 = 32 * 1024 * 1024;

/// The connection that writes.
pub(crate) struct Committer {
    connection: Connection,
    log: Arc<WriteAheadLog>,
    flusher: Flusher,
    /// Wakes the checkpointing thread. That costs as much as a small commit, so it is done once for many commits.
    grown: mpsc::Sender<()>,
    /// Commits since the last checkpoint was begun, and the operations in them.
    since_checkpoint: usize,
    operations: usize,
    /// Whether that thread has moved nearly all of the log into the file since the log was begun anew.
    is_moved: bool,
}

impl Committer {
    pub(crate) fn new(
        connection: Connection,
        log: Arc<WriteAheadLog>,
        flusher: Flusher,
        grown: mpsc::Sender<()>,
    ) -> Self {
        Self { connection, log, flusher, grown, since_checkpoint: 0, operations: 0, is_moved: false }
    }

    /// Runs a group in one transaction, unless something has to be waited for.
    ///
    /// # Errors
    /// The group, if it was not committed.
    pub(crate) fn commit_at_once(
        &mut self,
        mut group: Vec<Box<dyn Operation>>,
    ) -> Result<(), Vec<Box<dyn Operation>>> {
        let must_wait = self.is_moved || self.log.has_failed();
        if must_wait || self.connection.busy_timeout(Duration::ZERO).is_err() {
            return Err(group);
        }
        match self.commit(&mut group) {
            Ok(commit) => {
                self.flush(commit, group);
                Ok(())
            }
            Err(_) => Err(group),
        }
    }

    /// Runs a group, and waits for others who have locked the file. Operations that fail together are tried alone.
    pub(crate) fn commit_patiently(&mut self, mut group: Vec<Box<dyn Operation>>) {
        if self.is_moved {
            self.begin_log_anew(LARGEST_LOG);
        }
        let patient = self.connection.busy_timeout(PATIENCE).map_err(|error| Failed(Arc::new(error)));
        match patient.and_then(|()| self.commit(&mut group)) {
            Ok(commit) => self.flush(commit, group),
            Err(failed) => {
                // The disk may be full. Moving pages from the log into the file makes room in the log.
                passive_checkpoint(&self.connection);
                if group.len() == 1 {
                    answer_all(group, Err(failed), None);
                } else {
                    // At least one operation is at fault. Tried alone, it fails alone.
                    group.into_iter().for_each(|operation| self.commit_patiently(vec![operation]));
                }
            }
        }
    }

    /// Commits what still waits, and moves the log into the file.
    pub(crate) fn end(mut self, waiting: Vec<Box<dyn Operation>>) {
        if !waiting.is_empty() {
            self.commit_patiently(waiting);
        }
        let _unimportant = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// How many transactions were committed.
    #[cfg(test)]
    pub(crate) fn commits(&self) -> u64 {
        self.log.begun()
    }

    /// Only the few pages committed since then are left. Moving them empties the log, which is then reset instead of growing.
    pub(crate) fn log_was_moved(&mut self) {
        self.is_moved = true;
    }

    /// Truncates a log that is long for a quiet hour.
    pub(crate) fn shorten_log(&mut self) {
        if self.is_moved || self.log.length() > LARGEST_QUIET_LOG {
            self.begin_log_anew(LARGEST_QUIET_LOG);
        }
    }

    fn flush(&mut self, commit: u64, group: Vec<Box<dyn Operation>>) {
        self.since_checkpoint = self.since_checkpoint.saturating_add(1);
        self.operations = self.operations.saturating_add(group.len());
        self.flusher.flush(Committed { commit, group, runtime: Handle::try_current().ok() });
        if self.since_checkpoint >= COMMITS_A_CHECKPOINT || self.operations >= OPERATIONS_A_CHECKPOINT {
            (self.since_checkpoint, self.operations) = (0, 0);
            let _ended = self.grown.send(());
        }
    }

    /// Runs the operations in a transaction and commits it. Returns the number of the commit, which is not on the disk yet.
    fn commit(&mut self, operations: &mut [Box<dyn Operation>]) -> Result<u64, Failed> {
        self.log.recover(&self.connection).map_err(Failed)?;
        let failed = |error| Failed(Arc::new(error));
        let group = run_all(&mut self.connection, operations).map_err(failed)?;
        let commit = self.log.begin_commit();
        match group.commit() {
            Ok(()) => Ok(commit),
            Err(error) => {
                // Readers do not wait for a commit that failed.
                let _as_before = self.log.flush(commit);
                Err(failed(error))
            }
        }
    }

    /// Resets the log, and truncates it if it is longer than `largest`, unless a reader is using it; then the next call tries again.
    fn begin_log_anew(&mut self, largest: u64) {
        self.is_moved = false;
        if self.log.length() > largest {
            let _next_time = empty_log(&self.connection);
        } else {
            passive_checkpoint(&self.connection);
        }
    }
}

/// Runs the operations in a transaction.
fn run_all<'c>(
    connection: &'c mut Connection,
    operations: &mut [Box<dyn Operation>],
) -> rusqlite::Result<CountedGroup<'c>> {
    let group = Group::begin(connection)?;
    for operation in operations {
        operation.run(&group)?;
    }
    group.counted()
}

#[cfg(test)]
mod tests;
