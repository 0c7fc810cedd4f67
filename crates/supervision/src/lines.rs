//! Where log lines are written. One that cannot be written is lost, and counted; nothing else happens.
//!
//! A log that takes nothing because it is full, closed or gone fails; one whose reader has stopped makes whoever writes wait. So a thread
//! writes, and lines that do not fit behind those that wait are lost, too.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines that wait to be written.
const MOST_WAITING: usize = 8_192;

/// How many lines could not be written in this process.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Whether the last line was lost.
static LOSING: AtomicBool = AtomicBool::new(false);

/// How the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogCondition {
    /// Lines that were lost since the process began.
    pub lost: u64,
    /// Whether the last one was.
    pub losing: bool,
}

/// How the log is.
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
    /// Everything before it is to be written now; the sender wants to know when.
    Flush(SyncSender<()>),
}

/// Takes log lines. Every event makes one `write`, which never fails.
#[derive(Debug, Clone)]
pub struct Lines<M> {
    /// The way to the thread that writes; `None` where the line is written at once.
    waiting: Option<SyncSender<LineWait>>,
    out: M,
}

impl<M, W> Lines<M>
where
    M: Fn() -> W + Clone + Send + 'static,
    W: Write,
{
    /// Lines are written to what `out` gives, by a thread of their own. Should the thread not start, they are written at once.
    pub fn behind(out: M) -> Self {
        let (waiting, lines) = sync_channel(MOST_WAITING);
        let to = out.clone();
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&to, &lines));
        Self { waiting: thread.is_ok().then_some(waiting), out }
    }

    /// Lines are written at once, by whoever logs: where a process may be frozen as soon as it has answered.
    pub fn at_once(out: M) -> Self {
        Self { waiting: None, out }
    }

    /// Waits until what was logged is written, but not for longer than this.
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

    /// A log that takes lines only while it has room, and never answers while it is held.
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

    /// The counters are the process's: one test looks at them.
    #[test]
    fn a_line_that_cannot_be_written_is_counted_and_nobody_fails_or_waits() {
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
