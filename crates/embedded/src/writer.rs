//! Group commit. One thread owns the connection that writes. It takes the first operation and whatever waits behind it, runs
//! them in one transaction, commits once, and then answers all: callers that come together share an fsync.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use ports::{Error, Result};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

/// Operations in one transaction at most; a commit then stays under some ten milliseconds.
const MOST_IN_GROUP: usize = 1_024;

/// Something to be done inside a transaction. It can be run again when the transaction failed.
trait Operation: Send {
    fn run(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()>;
    /// Tells the caller how it ended.
    fn answer(self: Box<Self>, committed: std::result::Result<(), Failed>);
}

/// Why a group was not committed; every operation in it gets to know.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
struct Failed(Arc<rusqlite::Error>);

struct Task<T, F> {
    work: F,
    done: Option<T>,
    reply: oneshot::Sender<std::result::Result<T, Failed>>,
}

impl<T, F> Operation for Task<T, F>
where
    T: Send,
    F: FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.done = Some((self.work)(transaction)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), Failed>) {
        let gone = || Failed(Arc::new(rusqlite::Error::QueryReturnedNoRows));
        let Self { done, reply, .. } = *self;
        let _caller_left = reply.send(committed.and_then(|()| done.ok_or_else(gone)));
    }
}

/// The way to the writing thread. Dropping it commits what waits and ends the thread.
pub(crate) struct Writer {
    operations: Option<mpsc::Sender<Box<dyn Operation>>>,
    thread: Option<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> std::io::Result<Self> {
        let (operations, waiting) = mpsc::channel();
        let commits = Arc::new(AtomicU64::new(0));
        let counter = commits.clone();
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write(connection, &waiting, &counter))?;
        Ok(Self { operations: Some(operations), thread: Some(thread), commits })
    }

    /// Does `work` in a transaction with others' and returns once that is durable. When the group fails, each operation is
    /// tried alone, so `work` may run twice; what it did the first time is undone.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let ended = || Error::unavailable(doing, "the data file is closed");
        let operations = self.operations.as_ref().ok_or_else(ended)?;
        operations.send(Box::new(Task { work, done: None, reply })).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?.map_err(|error| Error::unavailable(doing, error))
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
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn write(mut connection: Connection, waiting: &mpsc::Receiver<Box<dyn Operation>>, commits: &AtomicU64) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        group.extend(waiting.try_iter().take(MOST_IN_GROUP - 1));
        let committed = commit(&mut connection, &mut group);
        if committed.is_ok() || group.len() == 1 {
            commits.fetch_add(1, Ordering::Relaxed);
            answer_all(group, &committed);
            continue;
        }
        // One of them is at fault: alone, it fails alone.
        for operation in group {
            let mut alone = vec![operation];
            let committed = commit(&mut connection, &mut alone);
            answer_all(alone, &committed);
        }
    }
    let _unimportant = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
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

/// A connection as every thread uses it.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    fn writer() -> (tempfile::TempDir, Writer) {
        let directory = tempfile::tempdir().unwrap();
        let connection = connect(&directory.path().join("data.sqlite")).unwrap();
        connection.execute_batch("CREATE TABLE numbers (number INTEGER PRIMARY KEY)").unwrap();
        let writer = Writer::start(connection).unwrap();
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
