//! Where log lines are written. A line that cannot be written is lost and counted, without any other effect.
//!
//! A write to a log that is full, closed or gone fails. A write to a log whose reader has stopped blocks. For this reason a thread writes
//! the lines, and lines that do not fit into its queue are lost, too.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// The most lines that wait to be written.
const MOST_WAITING: usize = 8_192;

/// How many lines could not be written in this process.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Whether the last line was lost.
static LOSING: AtomicBool = AtomicBool::new(false);

/// The condition of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogCondition {
    /// How many lines were lost since the process began.
    pub lost: u64,
    /// Whether the last line was lost.
    pub losing: bool,
}

/// The condition of the log.
#[must_use]
pub fn lost_lines() -> LogCondition {
    LogCondition { lost: LOST.load(Ordering::Relaxed), losing: LOSING.load(Ordering::Relaxed) }
}

fn lost() {
    LOST.fetch_add(1, Ordering::Relaxed);
    LOSING.store(true, Ordering::Relaxed);
}

/// Writes a line, or counts it as lost.
fn put(out: &mut impl Write, line: &[u8]) {
    match out.write_all(line).and_then(|()| out.flush()) {
        Ok(()) => LOSING.store(false, Ordering::Relaxed),
        Err(_) => lost(),
    }
}

#[derive(Debug)]
enum LineWait {
    Line(Vec<u8>),
    /// Write every earlier line now, then notify the sender.
    Flush(SyncSender<()>),
}

/// Takes log lines. Every event makes one `write`, which never fails.
#[derive(Debug, Clone)]
pub struct Lines<M> {
    /// The channel to the thread that writes; `None` when lines are written at once.
    waiting: Option<SyncSender<LineWait>>,
    out: M,
}

impl<M, W> Lines<M>
where
    M: Fn() -> W + Clone + Send + 'static,
    W: Write,
{
    /// Writes lines from a thread of their own, to the writer that `out` gives. If the thread cannot start, lines are written at once.
    pub fn behind(out: M) -> Self {
        let (waiting, lines) = sync_channel(MOST_WAITING);
        let to = out.clone();
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&to, &lines));
        Self { waiting: thread.is_ok().then_some(waiting), out }
    }

    /// Writes each line at once, on the thread that logs it, because the process may be frozen as soon as it has answered.
    pub fn at_once(out: M) -> Self {
        Self { waiting: None, out }
    }

    /// Waits until everything logged so far is written, but no longer than `time`.
    pub fn flush_within(&self, time: Duration) {
        let (done, written) = sync_channel(1);
        if let Some(waiting) = &self.waiting
            && waiting.try_send(LineWait::Flush(done)).is_ok()
        {
            let _too_late = written.recv_timeout(time);
        }
    }
}

fn write_all<W: Write>(out: &impl Fn() -> W, lines: &Receiver<LineWait>) {
    while let Ok(waiting) = lines.recv() {
        match waiting {
            LineWait::Line(line) => put(&mut out(), &line),
            LineWait::Flush(done) => {
                let _nobody_waits = done.try_send(());
            }
        }
    }
}

impl<M: Fn() -> W, W: Write> Write for Lines<M> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &self.waiting {
            None => put(&mut (self.out)(), line),
            Some(waiting) => {
                if waiting.try_send(LineWait::Line(line.to_vec())).is_err() {
                    lost();
                }
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    /// A log that accepts lines only while it has room, and that blocks while a test holds it.
    #[derive(Clone, Default)]
    struct FullLog(Arc<Mutex<(usize, Vec<u8>)>>);

    impl Write for FullLog {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let mut log = self.0.lock();
            if log.0 == 0 {
                return Err(io::Error::other("no space left"));
            }
            log.0 -= 1;
            log.1.extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The counters belong to the process, so only one test reads them.
    #[test]
    fn a_line_that_cannot_be_written_is_counted_and_no_caller_fails_or_waits() {
        let log = FullLog::default();
        log.0.lock().0 = 1;
        let mut lines = {
            let log = log.clone();
            Lines::at_once(move || log.clone())
        };
        let before = lost_lines().lost;
        for line in ["one\n", "two\n", "three\n"] {
            lines.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(lost_lines(), LogCondition { lost: before + 2, losing: true });
        log.0.lock().0 = usize::MAX;
        lines.write_all(b"four\n").unwrap();
        assert_eq!(lost_lines(), LogCondition { lost: before + 2, losing: false });

        let mut behind = {
            let log = log.clone();
            Lines::behind(move || log.clone())
        };
        behind.write_all(b"five\n").unwrap();
        behind.flush_within(Duration::from_secs(10));
        assert_eq!(log.0.lock().1, b"one\nfour\nfive\n");

        let held = log.0.lock();
        for _ in 0..=MOST_WAITING + 1 {
            behind.write_all(b"more\n").unwrap();
        }
        assert!(lost_lines().lost > before + 2, "the rest is lost while the log is held");
        behind.flush_within(Duration::from_millis(1));
        drop(held);
    }
}
