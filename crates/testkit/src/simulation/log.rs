//! The log of a run, written in the same way as the log of `serve`.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use parking_lot::Mutex;
use supervision::Lines;
use tracing::subscriber::DefaultGuard;

/// The log lines of a run.
#[derive(Clone, Default)]
pub(super) struct RunLog {
    lines: Arc<Mutex<Vec<u8>>>,
    /// Whether writes to it fail.
    pub(super) is_full: Arc<AtomicBool>,
}

impl RunLog {
    /// Makes it receive what this thread logs, as long as the guard lives.
    pub(super) fn takes_all(&self) -> DefaultGuard {
        let log = self.clone();
        let lines = Lines::at_once(move || log.clone());
        let subscriber = tracing_subscriber::fmt()
            .without_time()
            .with_ansi(false)
            .with_max_level(tracing::Level::DEBUG)
            .log_internal_errors(false)
            .with_writer(move || lines.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// Everything that was logged.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.lock()).into_owned()
    }
}

impl Write for RunLog {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if self.is_full.load(SeqCst) {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.lines.lock().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
