//! Group commit. One thread owns the connection that writes. It takes the first operation and every operation that waits behind it,
//! runs them in one transaction, and commits once. All of them are answered when the commit is on the disk. Concurrent callers thus share a
//! flush, and the next group is run while another thread flushes the log.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ports::{Error, Result};
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::connection::{empty_log, passive_checkpoint};
use crate::failure::{failed, panicked};
use crate::flusher::{Committed, Flusher};
use crate::group::{CountedGroup, Group};
use crate::log::WriteAheadLog;
use crate::operation::{Failed, Operation, WriteTask, answer_all};

/// The most operations in one transaction. While one group is written, requests of callers of the group before are handled. With larger groups
/// a hundred callers come to wait in the same one, and then either this thread or all others have nothing to do.
const MOST_IN_GROUP: usize = 64;

/// So many operations are worth a transaction of their own while the group before is flushed. Smaller groups would cost more than they
/// gain.
const ENOUGH_IN_GROUP: usize = 16;

/// How long to wait for another operation before it is looked at again whether the group before is flushed.
const FRACTION_OF_A_FLUSH: Duration = Duration::from_micros(50);

/// Commits between two checkpoints. Under full load that is some hundred megabytes of log, so that a page that changes often is moved
/// only once; in a quiet hour it is a few megabytes.
const COMMITS_A_CHECKPOINT: usize = 1_024;

/// The size in bytes beyond which the log is truncated once the load has gone down. It grows beyond that under full load, and while a reader holds
/// an old snapshot for long.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// After this long without a commit, the load has gone down.
const QUIET: Duration = Duration::from_millis(250);

/// With so many operations in a commit on average, the load is full. The log is then overwritten from its beginning and not truncated, because
/// the file system takes longer to extend a file than to overwrite it.
const FULL_LOAD: usize = 4;

/// How long patient operations wait for another. A client that sends one request after the other sends the next one well within it, so
/// that the message about its last participation costs no commit of its own.
const MOMENT: Duration = Duration::from_millis(2);

/// The channel to the writing thread. Dropping it commits the waiting operations and ends the threads.
pub(crate) struct Writer {
    operations: Option<mpsc::Sender<Box<dyn Operation>>>,
    threads: Vec<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread that writes to the file, and those that flush and checkpoint its log.
    pub(crate) fn start(
        connection: Connection,
        checkpoints: Connection,
        log: Arc<WriteAheadLog>,
    ) -> std::io::Result<Self> {
        let (operations, waiting) = mpsc::channel();
        let (grown, logs_to_move) = mpsc::channel();
        let commits = Arc::new(AtomicU64::new(0));
        let moved = Arc::new(AtomicBool::new(false));
        let (flusher, flushing) = Flusher::start(log.clone(), Handle::try_current().ok())?;
        let writing = WriteLoop {
            connection,
            log,
            flusher,
            grown,
            since_checkpoint: 0,
            operations: 0,
            is_fully_loaded: false,
            moved: moved.clone(),
            commits: commits.clone(),
        };
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let threads = vec![
            thread("sqlite-writer").spawn(move || writing.run(&waiting))?,
            flushing,
            thread("sqlite-checkpoint").spawn(move || checkpoint(&checkpoints, &logs_to_move, &moved))?,
        ];
        Ok(Self { operations: Some(operations), threads, commits })
    }

    /// Runs `work` in a transaction together with other callers' work, and returns once it is durable. When the group fails, each
    /// operation is tried alone, so `work` may run twice; the effects of the first run are rolled back.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnMut(&Group<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.enqueue(doing, false, work).await
    }

    /// Does the same for work whose result nobody waits for. When nothing else is written, its commit is put off for up to [`MOMENT`].
    pub(crate) async fn write_along<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnMut(&Group<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.enqueue(doing, true, work).await
    }

    async fn enqueue<T: Send + 'static>(
        &self,
        doing: &'static str,
        is_patient: bool,
        work: impl FnMut(&Group<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let ended = || Error::unavailable(doing, "the data file is closed");
        let operations = self.operations.as_ref().ok_or_else(ended)?;
        operations.send(Box::new(WriteTask { work, is_patient, done: None, reply })).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?.map_err(|error| match panicked(&error.0) {
            Some(panicked) => Error::panicked(doing, panicked),
            None => {
                let code = error.0.sqlite_error_code();
                failed(doing, error, code)
            }
        })
    }

    /// How many transactions were committed.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests show by it that callers share commits"))]
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.operations.take());
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

/// The state of the writing thread.
struct WriteLoop {
    connection: Connection,
    log: Arc<WriteAheadLog>,
    flusher: Flusher,
    /// Wakes the checkpointing thread. That costs as much as a small commit, so it is done once for many commits.
    grown: mpsc::Sender<()>,
    /// Commits since the last checkpoint was begun, and the operations in them.
    since_checkpoint: usize,
    operations: usize,
    /// Whether the load was full before that checkpoint.
    is_fully_loaded: bool,
    /// Set when that thread has moved nearly all of the log into the file.
    moved: Arc<AtomicBool>,
    commits: Arc<AtomicU64>,
}

impl WriteLoop {
    fn run(mut self, waiting: &mpsc::Receiver<Box<dyn Operation>>) {
        loop {
            let is_quiet = match waiting.recv_timeout(QUIET) {
                Ok(first) => {
                    let group = self.grown(gather(first, waiting, MOMENT), waiting);
                    self.write(group);
                    false
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if self.moved.swap(false, Ordering::Relaxed) {
                // Only the few pages committed since then are left. Moving them empties the log, which is then reset instead of growing.
                self.begin_log_anew(is_quiet || !self.is_fully_loaded);
            } else if is_quiet && self.log.length() > LOG_LIMIT {
                self.begin_checkpoint();
            }
        }
        let _unimportant = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Resets the log. If it may be truncated, and is beyond its limit, it is, unless a reader is using it; then the next call tries again.
    fn begin_log_anew(&self, may_truncate: bool) {
        if !may_truncate || self.log.length() <= LOG_LIMIT {
            passive_checkpoint(&self.connection);
            return;
        }
        // If a reader is using the log, the next call tries again.
        let _next_time = empty_log(&self.connection);
    }

    /// Lets a small group grow while the group before is flushed.
    fn grown(
        &self,
        mut group: Vec<Box<dyn Operation>>,
        waiting: &mpsc::Receiver<Box<dyn Operation>>,
    ) -> Vec<Box<dyn Operation>> {
        while group.len() < ENOUGH_IN_GROUP && self.flusher.is_busy() {
            group.extend(waiting.recv_timeout(FRACTION_OF_A_FLUSH));
            group.extend(waiting.try_iter().take(MOST_IN_GROUP.saturating_sub(group.len())));
        }
        group
    }

    /// Commits a group and has it flushed.
    fn write(&mut self, mut group: Vec<Box<dyn Operation>>) {
        let committed = self.commit(&mut group);
        if committed.is_err() {
            // The disk may be full. Moving pages from the log into the file makes room in the log.
            passive_checkpoint(&self.connection);
        }
        match committed {
            Ok(commit) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.since_checkpoint = self.since_checkpoint.saturating_add(1);
                self.operations = self.operations.saturating_add(group.len());
                self.flusher.flush(Committed { commit, group });
                if self.since_checkpoint >= COMMITS_A_CHECKPOINT {
                    self.begin_checkpoint();
                }
            }
            Err(failed) if group.len() == 1 => answer_all(group, Err(failed), None),
            // At least one operation is at fault. Tried alone, it fails alone.
            Err(_) => {
                for operation in group {
                    self.write_alone(operation);
                }
            }
        }
    }

    fn write_alone(&mut self, operation: Box<dyn Operation>) {
        let mut group = vec![operation];
        match self.commit(&mut group) {
            Ok(commit) => self.flusher.flush(Committed { commit, group }),
            Err(failed) => answer_all(group, Err(failed), None),
        }
    }

    /// Runs the operations in a transaction and commits it. Returns the number of the commit, which is not on the disk yet.
    fn commit(&mut self, operations: &mut [Box<dyn Operation>]) -> std::result::Result<u64, Failed> {
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

    fn begin_checkpoint(&mut self) {
        self.is_fully_loaded = self.operations >= self.since_checkpoint.saturating_mul(FULL_LOAD);
        (self.since_checkpoint, self.operations) = (0, 0);
        let _ended = self.grown.send(());
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

/// Moves committed pages from the log into the file, while the writer continues. Otherwise, every now and then a commit would take as
/// long as a checkpoint.
fn checkpoint(connection: &Connection, logs_to_move: &mpsc::Receiver<()>, moved: &AtomicBool) {
    while logs_to_move.recv().is_ok() {
        // One checkpoint moves everything that was asked for.
        logs_to_move.try_iter().for_each(drop);
        passive_checkpoint(connection);
        moved.store(true, Ordering::Relaxed);
    }
}

/// The first operation and those that wait behind it. If all of them are patient, they wait a moment for one more.
fn gather(
    first: Box<dyn Operation>,
    waiting: &mpsc::Receiver<Box<dyn Operation>>,
    moment: Duration,
) -> Vec<Box<dyn Operation>> {
    let mut group = vec![first];
    group.extend(waiting.try_iter().take(MOST_IN_GROUP - 1));
    if group.iter().all(|operation| operation.is_patient()) {
        group.extend(waiting.recv_timeout(moment));
        group.extend(waiting.try_iter().take(MOST_IN_GROUP.saturating_sub(group.len())));
    }
    group
}

#[cfg(test)]
mod tests;
