//! Flushes the log behind the writing thread, which runs the next group meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::runtime::Handle;

use crate::log::WriteAheadLog;
use crate::operation::{Failed, Operation, answer_all};

/// A group that is committed, and whose callers wait until the commit is on the disk.
pub(crate) struct Committed {
    pub(crate) commit: u64,
    pub(crate) group: Vec<Box<dyn Operation>>,
}

/// The channel to the flushing thread, which ends when it is dropped.
pub(crate) struct Flusher {
    log: Arc<WriteAheadLog>,
    committed: mpsc::Sender<Committed>,
    /// How many groups that thread has not answered.
    behind: Arc<AtomicUsize>,
    /// Where the callers wait, if the file was opened there.
    runtime: Option<Handle>,
}

impl Flusher {
    pub(crate) fn start(
        log: Arc<WriteAheadLog>,
        runtime: Option<Handle>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (committed, waiting) = mpsc::channel::<Committed>();
        let behind = Arc::new(AtomicUsize::new(0));
        let flusher = Self { log: log.clone(), committed, behind: behind.clone(), runtime: runtime.clone() };
        let thread = std::thread::Builder::new().name("sqlite-flusher".to_owned()).spawn(move || {
            while let Ok(first) = waiting.recv() {
                let groups: Vec<Committed> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let answered = groups.len();
                answer(&log, groups, runtime.as_ref());
                behind.fetch_sub(answered, Ordering::Relaxed);
            }
        })?;
        Ok((flusher, thread))
    }

    /// Whether a group is being flushed on the other thread.
    pub(crate) fn is_busy(&self) -> bool {
        self.behind.load(Ordering::Relaxed) > 0
    }

    /// Has a group flushed on the other thread, and its callers answered. A single operation is flushed at once if that thread is idle,
    /// because waking it takes time.
    pub(crate) fn flush(&self, group: Committed) {
        if group.group.len() == 1 && !self.is_busy() {
            answer(&self.log, vec![group], self.runtime.as_ref());
            return;
        }
        self.behind.fetch_add(1, Ordering::Relaxed);
        if let Err(mpsc::SendError(group)) = self.committed.send(group) {
            answer(&self.log, vec![group], self.runtime.as_ref());
        }
    }
}

/// Flushes the log once for all the groups.
fn answer(log: &WriteAheadLog, groups: Vec<Committed>, runtime: Option<&Handle>) {
    let last = groups.iter().map(|group| group.commit).max().unwrap_or(0);
    let flushed = log.flush(last).map_err(Failed);
    let operations: Vec<Box<dyn Operation>> = groups.into_iter().flat_map(|group| group.group).collect();
    let runtime = runtime.filter(|_| operations.len() > 1);
    answer_all(operations, flushed, runtime);
}
