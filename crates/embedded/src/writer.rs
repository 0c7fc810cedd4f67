//! Group commit. Operations that wait together are run in one transaction, which is committed once, and all of them are answered when the commit is
//! on the disk. Concurrent callers thus share a commit and a flush, and the next group is run during the flush.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ports::{Error, Result};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::checkpoints;
use crate::commit_queue::CommitQueue;
use crate::committer::Committer;
use crate::failure::{failed, panicked};
use crate::flusher::Flusher;
use crate::group::Group;
use crate::log::WriteAheadLog;
use crate::operation::WriteTask;

/// Writes in groups. Dropping it commits the operations that wait.
pub(crate) struct Writer {
    queue: Arc<CommitQueue>,
    threads: Vec<JoinHandle<()>>,
}

impl Writer {
    /// Starts the threads that flush and checkpoint the log. A long log is shortened after `quiet` without a checkpoint.
    pub(crate) fn start(
        connection: Connection,
        checkpoints: Connection,
        log: Arc<WriteAheadLog>,
        quiet: Duration,
    ) -> std::io::Result<Self> {
        let (grown, logs_to_move) = mpsc::channel();
        let (flusher, flushing) = Flusher::start(log.clone())?;
        let queue = CommitQueue::of(Committer::new(connection, log.clone(), flusher, grown), log.clone());
        let of = Arc::downgrade(&queue);
        let thread = std::thread::Builder::new().name("sqlite-checkpoint".to_owned());
        let moving =
            thread.spawn(move || checkpoints::run(&checkpoints, (&logs_to_move, quiet), &log, &of))?;
        Ok(Self { queue, threads: vec![flushing, moving] })
    }

    /// Runs `work` in a transaction together with other callers' work, and returns once it is durable. If the transaction fails,
    /// `work` is run again, at last in a transaction of its own. The effects of failed runs are rolled back. Call it inside a Tokio runtime.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnMut(&Group<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.enqueue(doing, false, work).await
    }

    /// Does the same for work whose result nobody waits for. When nothing else is written, its commit is put off for a moment.
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
        self.queue.add(Box::new(WriteTask { work, is_patient, done: None, reply }));
        let ended = |_| Error::unavailable(doing, "the data file is closed");
        answer.await.map_err(ended)?.map_err(|error| match panicked(&error.0) {
            Some(panicked) => Error::panicked(doing, panicked),
            None => {
                let code = error.0.sqlite_error_code();
                failed(doing, error, code)
            }
        })
    }

    /// How many transactions were committed.
    #[cfg(test)]
    pub(crate) fn commits(&self) -> u64 {
        self.queue.commits().expect("no group is being run")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
