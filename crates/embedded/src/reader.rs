//! Reads on a connection of their own, so that they do not wait for writes. One thread is enough, since reads by key from a warm file take
//! microseconds. A read may see a commit that is not on the disk yet, so its caller is answered when that commit is.

use std::path::Path;
use std::sync::{Arc, mpsc};

use ports::{Error, Result};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::connection::connect;
use crate::failure::{failed, guarded, panicked};
use crate::log::WriteAheadLog;

/// Reads, and returns what answers the caller once everything that was read is on the disk.
type ReadJob = Box<dyn FnOnce(&Connection) -> ReadReply + Send>;

type ReadReply = Box<dyn FnOnce(std::result::Result<(), Arc<rusqlite::Error>>)>;

/// The channel to the reading thread. The thread ends when it is dropped.
pub(crate) struct Reader(mpsc::Sender<ReadJob>);

impl Reader {
    pub(crate) fn start(
        path: &Path,
        log: Arc<WriteAheadLog>,
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let connection = connect(path)?;
        let (reads, waiting) = mpsc::channel::<ReadJob>();
        std::thread::Builder::new().name("sqlite-reader".to_owned()).spawn(move || {
            while let Ok(first) = waiting.recv() {
                let reads = std::iter::once(first).chain(waiting.try_iter());
                let answers: Vec<ReadReply> = reads.map(|read| read(&connection)).collect();
                let flushed = log.wait();
                answers.into_iter().for_each(|answer| answer(flushed.clone()));
            }
        })?;
        Ok(Self(reads))
    }

    /// Runs `work` on what is committed.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let ended = || Error::unavailable(doing, "the data file is closed");
        let read = move |connection: &Connection| -> ReadReply {
            let found = guarded(|| work(connection)).map_err(Arc::new);
            Box::new(move |flushed| {
                let _caller_left = reply.send(flushed.and(found));
            })
        };
        self.0.send(Box::new(read)).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?.map_err(|error| match panicked(&error) {
            Some(panicked) => Error::panicked(doing, panicked),
            None => {
                let code = error.sqlite_error_code();
                failed(doing, error, code)
            }
        })
    }
}

#[cfg(test)]
mod tests;
