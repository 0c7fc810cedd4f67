//! Group commit. One thread owns the connection that writes. It takes the first operation and every operation that waits behind it,
//! runs them in one transaction, commits once, and then answers all of them. Concurrent callers thus share an fsync.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ports::{Error, Result};
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::failure::{failed, guarded, panicked};
use crate::group::Group;

/// The most operations in one transaction. A commit then stays under some ten milliseconds.
const MOST_IN_GROUP: usize = 1_024;

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

/// How long to wait for another process that is writing.
const PATIENCE: Duration = Duration::from_secs(5);

/// Work to be done inside a transaction. It is run again when the transaction failed.
trait Operation: Send {
    fn run(&mut self, group: &Group<'_>) -> rusqlite::Result<()>;
    /// Whether it may wait a moment for others, in order to share their commit.
    fn is_patient(&self) -> bool;
    /// Answers the caller with the result of the commit.
    fn answer(self: Box<Self>, committed: std::result::Result<(), Failed>);
}

/// Why a group was not committed. Every operation in the group gets this error.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
struct Failed(Arc<rusqlite::Error>);

struct WriteTask<T, F> {
    work: F,
    is_patient: bool,
    done: Option<T>,
    reply: oneshot::Sender<std::result::Result<T, Failed>>,
}

impl<T, F> Operation for WriteTask<T, F>
where
    T: Send,
    F: FnMut(&Group<'_>) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, group: &Group<'_>) -> rusqlite::Result<()> {
        self.done = Some(guarded(|| (self.work)(group))?);
        Ok(())
    }

    fn is_patient(&self) -> bool {
        self.is_patient
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), Failed>) {
        let gone = || Failed(Arc::new(rusqlite::Error::QueryReturnedNoRows));
        let Self { done, reply, .. } = *self;
        let _caller_left = reply.send(committed.and_then(|()| done.ok_or_else(gone)));
    }
}

/// The channel to the writing thread. Dropping it commits the waiting operations and ends the threads.
pub(crate) struct Writer {
    operations: Option<mpsc::Sender<Box<dyn Operation>>>,
    threads: Vec<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread that writes to the file, and the one that checkpoints its log.
    pub(crate) fn start(connection: Connection, checkpoints: Connection) -> std::io::Result<Self> {
        let (operations, waiting) = mpsc::channel();
        let (grown, logs_to_move) = mpsc::channel();
        let commits = Arc::new(AtomicU64::new(0));
        let moved = Arc::new(AtomicBool::new(false));
        let writing = WriteLoop {
            connection,
            grown,
            since_checkpoint: 0,
            operations: 0,
            is_fully_loaded: false,
            moved: moved.clone(),
            commits: commits.clone(),
            runtime: Handle::try_current().ok(),
        };
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let threads = vec![
            thread("sqlite-writer").spawn(move || writing.run(&waiting))?,
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
    /// Where the callers wait, if the file was opened there.
    runtime: Option<Handle>,
}

impl WriteLoop {
    fn run(mut self, waiting: &mpsc::Receiver<Box<dyn Operation>>) {
        loop {
            let is_quiet = match waiting.recv_timeout(QUIET) {
                Ok(first) => {
                    self.write(gather(first, waiting, MOMENT));
                    false
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if self.moved.swap(false, Ordering::Relaxed) {
                // Only the few pages committed since then are left. Moving them empties the log, which is then reset instead of growing.
                self.begin_log_anew(is_quiet || !self.is_fully_loaded);
            } else if is_quiet && log_length(&self.connection) > LOG_LIMIT {
                self.begin_checkpoint();
            }
        }
        let _unimportant = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Resets the log. If it may be truncated, and is beyond its limit, it is, unless a reader is using it; then the next call tries again.
    fn begin_log_anew(&self, may_truncate: bool) {
        if !may_truncate || log_length(&self.connection) <= LOG_LIMIT {
            passive_checkpoint(&self.connection);
            return;
        }
        let cut_off = || {
            self.connection.busy_timeout(Duration::ZERO)?;
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        let _next_time = cut_off();
        let _stays_impatient = self.connection.busy_timeout(PATIENCE);
    }

    fn write(&mut self, mut group: Vec<Box<dyn Operation>>) {
        let committed = commit(&mut self.connection, &mut group);
        if committed.is_err() {
            // The disk may be full. Moving pages from the log into the file makes room in the log.
            passive_checkpoint(&self.connection);
        }
        if committed.is_ok() || group.len() == 1 {
            self.commits.fetch_add(1, Ordering::Relaxed);
            self.since_checkpoint = self.since_checkpoint.saturating_add(1);
            self.operations = self.operations.saturating_add(group.len());
            self.answer_all(group, committed);
            if self.since_checkpoint >= COMMITS_A_CHECKPOINT {
                self.begin_checkpoint();
            }
            return;
        }
        // At least one operation is at fault. Tried alone, it fails alone.
        for operation in group {
            let mut alone = vec![operation];
            let committed = commit(&mut self.connection, &mut alone);
            self.answer_all(alone, committed);
        }
    }

    fn begin_checkpoint(&mut self) {
        self.is_fully_loaded = self.operations >= self.since_checkpoint.saturating_mul(FULL_LOAD);
        (self.since_checkpoint, self.operations) = (0, 0);
        let _ended = self.grown.send(());
    }

    /// Answers the callers. Waking many tasks is much cheaper inside their runtime than from this thread.
    fn answer_all(&self, group: Vec<Box<dyn Operation>>, committed: std::result::Result<(), Failed>) {
        match self.runtime.as_ref().filter(|_| group.len() > 1) {
            Some(runtime) => drop(runtime.spawn(async move { answer_all(group, &committed) })),
            None => answer_all(group, &committed),
        }
    }
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

/// The path of a data file's log.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The size of the log in bytes, in use or not.
fn log_length(connection: &Connection) -> u64 {
    let log = connection.path().map(|path| log_of(Path::new(path)));
    log.and_then(|log| log.metadata().ok()).map_or(0, |found| found.len())
}

/// Moves the pages that can be moved without blocking anyone. The rest is moved the next time.
pub(crate) fn passive_checkpoint(connection: &Connection) {
    let _next_time = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
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

fn commit(
    connection: &mut Connection,
    operations: &mut [Box<dyn Operation>],
) -> std::result::Result<(), Failed> {
    let mut run = || {
        let group = Group::begin(connection)?;
        for operation in operations.iter_mut() {
            operation.run(&group)?;
        }
        group.commit()
    };
    run().map_err(|error| Failed(Arc::new(error)))
}

fn answer_all(group: Vec<Box<dyn Operation>>, committed: &std::result::Result<(), Failed>) {
    for operation in group {
        operation.answer(committed.clone());
    }
}

/// Opens a connection with the settings that every thread uses.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    // Ids are hashes, so nearly every insert changes another page of their index, and every changed page is written to the log
    // whole. Small pages therefore make small commits. The setting has no effect on an existing file.
    connection.pragma_update(None, "page_size", 1_024)?;
    connection.busy_timeout(PATIENCE)?;
    // The cache keeps its usual 2 MiB: when a page was split, SQLite looks through the whole cache at the commit.
    // Deleted content is overwritten, because it may be a consumer's address.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Checkpoints run on a thread of their own.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests;
