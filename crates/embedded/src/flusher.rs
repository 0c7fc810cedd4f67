//! Flushes the log on a thread of its own, while the next group is run.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::runtime::Handle;

use crate::log::WriteAheadLog;
use crate::operation::{Failed, Operation, answer_all};

/// A group that is committed, and whose callers wait until the commit is on the disk.
pub(crate) struct Committed {
    pub(crate) commit: u64,
    pub(crate) group: Vec<Box<dyn Operation>>,
    /// Where the callers wait; `None` if they have left.
    pub(crate) runtime: Option<Handle>,
}

/// The channel to the flushing thread, which ends when it is dropped.
pub(crate) struct Flusher {
    log: Arc<WriteAheadLog>,
    committed: mpsc::Sender<Committed>,
}

impl Flusher {
    pub(crate) fn start(log: Arc<WriteAheadLog>) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (committed, waiting) = mpsc::channel::<Committed>();
        let flusher = Self { log: log.clone(), committed };
        let thread = std::thread::Builder::new().name("sqlite-flusher".to_owned()).spawn(move || {
            while let Ok(first) = waiting.recv() {
                let groups: Vec<Committed> = std::iter::once(first).chain(waiting.try_iter()).collect();
                answer(&log, groups);
            }
        })?;
        Ok((flusher, thread))
    }

    /// Has a group flushed, and its callers answered. If the disk is quick, a lone operation is flushed at once, because waking the other thread
    /// would take as long.
    pub(crate) fn flush(&self, group: Committed) {
        if group.group.len() == 1 && self.log.was_flushed_quickly() {
            answer(&self.log, vec![group]);
            return;
        }
        if let Err(mpsc::SendError(group)) = self.committed.send(group) {
            answer(&self.log, vec![group]);
        }
    }
}

/// Flushes the log once for all the groups.
fn answer(log: &WriteAheadLog, groups: Vec<Committed>) {
    let last = groups.iter().map(|group| group.commit).max().unwrap_or(0);
    let flushed = log.flush(last).map_err(Failed);
    for Committed { group, runtime, .. } in groups {
        let runtime = runtime.filter(|_| group.len() > 1);
        answer_all(group, flushed.clone(), runtime.as_ref());
    }
}
