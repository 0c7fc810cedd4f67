//! Reads on a connection of their own, so that they do not wait for an fsync. One thread is enough, since reads by key from a warm
//! file take microseconds.

use std::path::Path;
use std::sync::mpsc;

use ports::{Error, Result};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::failure::{failed, guarded, panicked};
use crate::writer::connect;

type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// The channel to the reading thread. The thread ends when it is dropped.
pub(crate) struct Reader(mpsc::Sender<ReadJob>);

impl Reader {
    pub(crate) fn start(path: &Path) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let connection = connect(path)?;
        let (reads, waiting) = mpsc::channel::<ReadJob>();
        std::thread::Builder::new().name("sqlite-reader".to_owned()).spawn(move || {
            while let Ok(read) = waiting.recv() {
                read(&connection);
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
        let read = move |connection: &Connection| {
            let _caller_left = reply.send(guarded(|| work(connection)));
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
