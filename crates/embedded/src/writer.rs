//! Group commit. One thread owns the connection that writes. It takes the first operation and every operation that waits behind it,
//! runs them in one transaction, commits once, and then answers all of them. Concurrent callers thus share an fsync.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ports::{Error, Result};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::failure::{failed, guarded, panicked};

/// The most operations in one transaction. A commit then stays under some ten milliseconds.
const MOST_IN_GROUP: usize = 1_024;

/// Commits between two checkpoints. Under full load that is some hundred megabytes of log, so that a page that changes often is moved
/// only once; in a quiet hour it is a few megabytes.
const COMMITS_A_CHECKPOINT: usize = 1_024;

/// The size in bytes to which the log shrinks when it is reset. It grows beyond that under full load, and while a reader holds an old
/// snapshot for long.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// After this long without a commit, a log larger than `LOG_LIMIT` is truncated.
const QUIET: Duration = Duration::from_millis(250);

/// How long to wait for another process that is writing.
const PATIENCE: Duration = Duration::from_secs(5);

/// Work to be done inside a transaction. It is run again when the transaction failed.
trait Operation: Send {
    fn run(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()>;
    /// Answers the caller with the result of the commit.
    fn answer(self: Box<Self>, committed: std::result::Result<(), Failed>);
}

/// Why a group was not committed. Every operation in the group gets this error.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
struct Failed(Arc<rusqlite::Error>);

struct WriteTask<T, F> {
    work: F,
    done: Option<T>,
    reply: oneshot::Sender<std::result::Result<T, Failed>>,
}

impl<T, F> Operation for WriteTask<T, F>
where
    T: Send,
    F: FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.done = Some(guarded(|| (self.work)(transaction))?);
        Ok(())
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
        let (committed, commits_to_move) = mpsc::channel();
        let commits = Arc::new(AtomicU64::new(0));
        let moved = Arc::new(AtomicBool::new(false));
        let writing = WriteLoop { connection, committed, moved: moved.clone(), commits: commits.clone() };
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let threads = vec![
            thread("sqlite-writer").spawn(move || writing.run(&waiting))?,
            thread("sqlite-checkpoint").spawn(move || checkpoint(&checkpoints, &commits_to_move, &moved))?,
        ];
        Ok(Self { operations: Some(operations), threads, commits })
    }

    /// Runs `work` in a transaction together with other callers' work, and returns once it is durable. When the group fails, each
    /// operation is tried alone, so `work` may run twice; the effects of the first run are rolled back.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let ended = || Error::unavailable(doing, "the data file is closed");
        let operations = self.operations.as_ref().ok_or_else(ended)?;
        operations.send(Box::new(WriteTask { work, done: None, reply })).map_err(|_| ended())?;
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
    /// Reports every commit to the checkpointing thread.
    committed: mpsc::Sender<()>,
    /// Set when that thread has moved nearly all of the log into the file.
    moved: Arc<AtomicBool>,
    commits: Arc<AtomicU64>,
}

impl WriteLoop {
    fn run(mut self, waiting: &mpsc::Receiver<Box<dyn Operation>>) {
        loop {
            match waiting.recv_timeout(QUIET) {
                Ok(first) => {
                    let mut group = vec![first];
                    group.extend(waiting.try_iter().take(MOST_IN_GROUP - 1));
                    self.write(group);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.moved.swap(false, Ordering::Relaxed) {
                // Only the few pages committed since then are left. Moving them empties the log, which is then reset instead of growing.
                self.begin_log_anew();
            }
        }
        let _unimportant = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Resets the log. A log beyond its limit is also truncated, unless a reader is using it; then the next call tries again.
    fn begin_log_anew(&self) {
        if log_length(&self.connection) <= LOG_LIMIT {
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
            answer_all(group, &committed);
            let _ended = self.committed.send(());
            return;
        }
        // At least one operation is at fault. Tried alone, it fails alone.
        for operation in group {
            let mut alone = vec![operation];
            let committed = commit(&mut self.connection, &mut alone);
            answer_all(alone, &committed);
        }
    }
}

/// Moves committed pages from the log into the file, while the writer continues. Otherwise, every now and then a commit would take as
/// long as a checkpoint.
fn checkpoint(connection: &Connection, commits: &mpsc::Receiver<()>, moved: &AtomicBool) {
    let mut since_the_last = 0;
    loop {
        match commits.recv_timeout(QUIET) {
            Ok(()) => {
                since_the_last += 1;
                if since_the_last < COMMITS_A_CHECKPOINT {
                    continue;
                }
            }
            Err(RecvTimeoutError::Timeout) if log_length(connection) > LOG_LIMIT => {}
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        }
        since_the_last = 0;
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

fn commit(connection: &mut Connection, group: &mut [Box<dyn Operation>]) -> std::result::Result<(), Failed> {
    let mut run = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for operation in group.iter_mut() {
            operation.run(&transaction)?;
        }
        transaction.commit()
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
    // Deleted content is overwritten, because it may be a consumer's address.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Checkpoints run on a thread of their own.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    fn writer() -> (tempfile::TempDir, Writer) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.sqlite");
        let connection = connect(&path).unwrap();
        connection.execute_batch("CREATE TABLE numbers (number INTEGER PRIMARY KEY)").unwrap();
        let writer = Writer::start(connection, connect(&path).unwrap()).unwrap();
        (directory, writer)
    }

    fn insert(number: i64) -> impl FnMut(&Transaction<'_>) -> rusqlite::Result<usize> + Send + 'static {
        move |transaction| transaction.execute("INSERT INTO numbers VALUES (?)", [number])
    }

    #[tokio::test]
    async fn callers_that_come_together_share_commits() {
        let (_directory, writer) = writer();
        let inserts = join_all((0..1_000).map(|number| writer.write("inserting", insert(number)))).await;
        assert!(inserts.into_iter().all(|done| done.is_ok()));
        assert!(writer.commits() < 500, "{} commits for 1,000 inserts", writer.commits());
    }

    #[tokio::test]
    async fn one_that_panics_fails_alone_and_what_it_did_is_undone() {
        let (_directory, writer) = writer();
        let panics = writer.write::<()>("inserting", |transaction| {
            transaction.execute("INSERT INTO numbers VALUES (1)", [])?;
            panic!("the counters do not add up");
        });
        let (panicked, inserted) = futures::future::join(panics, writer.write("inserting", insert(1))).await;
        assert!(matches!(panicked, Err(Error::Panicked { .. })), "{panicked:?}");
        assert_eq!(inserted.unwrap(), 1);
        assert_eq!(writer.write("inserting", insert(2)).await.unwrap(), 1, "the writer continues");
    }

    #[tokio::test]
    async fn a_log_that_grew_while_somebody_read_the_file_shrinks_when_they_are_done() {
        let (directory, writer) = writer();
        let path = directory.path().join("data.sqlite");
        let reader = connect(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM numbers").unwrap();
        let length = || log_of(&path).metadata().unwrap().len();
        let mut number = 0;
        while length() < 2 * LOG_LIMIT {
            let many = (number..number + 100).map(|number| {
                writer.write("filling", move |transaction| {
                    transaction.execute("CREATE TABLE IF NOT EXISTS texts (text TEXT)", [])?;
                    let sql = "INSERT INTO texts VALUES (?)";
                    transaction.execute(sql, [format!("{number}").repeat(10_000)])
                })
            });
            assert!(join_all(many).await.into_iter().all(|done| done.is_ok()));
            number += 100;
        }
        reader.execute_batch("COMMIT").unwrap();
        let shrinks = async {
            while length() > LOG_LIMIT {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), shrinks)
            .await
            .expect("no reader holds the log any more");
        writer.write("inserting", insert(1)).await.unwrap();
    }

    #[tokio::test]
    async fn one_that_fails_fails_alone() {
        let (_directory, writer) = writer();
        writer.write("inserting", insert(7)).await.unwrap();
        let inserts = join_all((0..20).map(|number| writer.write("inserting", insert(number)))).await;
        let failed: Vec<usize> =
            inserts.iter().enumerate().filter(|(_, done)| done.is_err()).map(|(number, _)| number).collect();
        assert_eq!(failed, [7]);
        let count = |transaction: &Transaction<'_>| {
            transaction.query_row("SELECT count(*) FROM numbers", [], |row| row.get(0))
        };
        assert_eq!(writer.write::<i64>("counting", count).await.unwrap(), 20);
    }
}
