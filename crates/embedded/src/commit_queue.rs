//! Where operations wait for their group. A task of the callers' runtime runs the groups. It comes after the other tasks that are ready, whose operations
//! then belong to its group. A thread of ours would have to wait for a processor beside the threads of the runtime, and meanwhile all callers
//! would come to wait for the same group.
//!
//! The task leaves what may take long to threads: the flusher waits for the disk, and a thread for blocking work waits while another process has locked
//! the file. It does read pages that the operating system has dropped from its cache.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::timeout;

use crate::committer::Committer;
use crate::log::WriteAheadLog;
use crate::operation::Operation;

/// The most operations in one transaction. A group occupies a thread of the runtime for a millisecond or two.
const MOST_IN_GROUP: usize = 64;

/// This many operations do not wait for the disk once no other task is ready. The processors would be idle meanwhile, and a larger group would hardly
/// take less time for each operation.
const MANY: usize = 16;

/// How long patient operations wait for another. A client that sends one request after the other sends the next one well within it, so
/// that the message about its last participation costs no commit of its own.
const MOMENT: Duration = Duration::from_millis(2);

/// Operations that wait, and what runs them.
pub(crate) struct CommitQueue {
    waiting: Mutex<Waiting>,
    /// Tells the task that an operation has come that is not patient.
    arrived: Notify,
    /// Tells the task that enough operations wait for a group.
    enough: Notify,
    log: Arc<WriteAheadLog>,
    /// `None` once the file is closed.
    committer: Mutex<Option<Committer>>,
}

#[derive(Default)]
struct Waiting {
    operations: VecDeque<Box<dyn Operation>>,
    /// Whether a task runs groups until no operation waits.
    is_served: bool,
    /// How many operations the last two groups had, the later one last.
    last_groups: [usize; 2],
}

impl CommitQueue {
    /// A queue of a committer that writes this log.
    pub(crate) fn of(committer: Committer, log: Arc<WriteAheadLog>) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            enough: Notify::new(),
            log,
            committer: Mutex::new(Some(committer)),
        })
    }

    /// Adds an operation, and starts a task if none serves the queue.
    pub(crate) fn add(self: &Arc<Self>, operation: Box<dyn Operation>) {
        let is_patient = operation.is_patient();
        let (is_served, are_enough) = {
            let mut waiting = self.waiting.lock();
            waiting.operations.push_back(operation);
            (std::mem::replace(&mut waiting.is_served, true), waiting.are_enough())
        };
        if are_enough {
            self.enough.notify_one();
        }
        if !is_served {
            tokio::spawn(GroupLoop { queue: self.clone(), is_done: false }.run());
        } else if !is_patient {
            self.arrived.notify_waiters();
        }
    }

    /// Lets tasks that are ready add their operations, unless there are enough already: looking for more would delay a lone client, and a full
    /// group. If all operations are patient, waits a moment for one that is not. While a commit is
    /// flushed, a few operations wait for the disk, too.
    async fn gather(&self, moment: Duration) {
        let arrived = self.arrived.notified();
        let (are_patient, is_complete) = {
            let waiting = self.waiting.lock();
            let are_patient = waiting.operations.iter().all(|operation| operation.is_patient());
            (are_patient, waiting.is_complete())
        };
        if are_patient {
            let _or_long_enough = timeout(moment, arrived).await;
        } else if !is_complete {
            yield_now().await;
        }
        if self.waiting.lock().operations.len() < MANY {
            self.wait_for_the_disk().await;
        }
    }

    /// While a commit is flushed, waits until enough operations have come, so that those of callers who come back together share one commit.
    async fn wait_for_the_disk(&self) {
        while self.log.is_flushing() && !self.waiting.lock().are_enough() {
            tokio::select! {
                () = self.log.flush_ended() => {}
                () = self.enough.notified() => {}
            }
        }
    }

    /// Runs the next group, unless something has to be waited for. Returns whether it ran.
    fn serve_at_once(&self) -> bool {
        let mut committer = self.committer.try_lock();
        let Some(Some(committer)) = committer.as_deref_mut() else { return false };
        let group = self.waiting.lock().next_group();
        match committer.commit_at_once(group) {
            Ok(()) => true,
            Err(group) => {
                let mut waiting = self.waiting.lock();
                group.into_iter().rev().for_each(|operation| waiting.operations.push_front(operation));
                false
            }
        }
    }

    /// Runs the next group, whatever it has to wait for.
    fn serve_patiently(&self) {
        if let Some(committer) = self.committer.lock().as_mut() {
            let group = self.waiting.lock().next_group();
            committer.commit_patiently(group);
        }
    }

    /// Has the next group begin the log anew, since nearly all of it has been moved into the file.
    pub(crate) fn log_was_moved(&self) {
        if let Some(committer) = self.committer.lock().as_mut() {
            committer.log_was_moved();
        }
    }

    /// Shortens the log once the load has gone down.
    pub(crate) fn shorten_log(&self) {
        if let Some(committer) = self.committer.lock().as_mut() {
            committer.shorten_log();
        }
    }

    /// Commits the operations that wait, and closes the file.
    pub(crate) fn close(&self) {
        if let Some(committer) = self.committer.lock().take() {
            let waiting = std::mem::take(&mut self.waiting.lock().operations);
            committer.end(waiting.into());
        }
    }

    /// How many transactions were committed; `None` while a group is run.
    #[cfg(test)]
    pub(crate) fn commits(&self) -> Option<u64> {
        self.committer.try_lock()?.as_ref().map(Committer::commits)
    }
}

impl Waiting {
    /// Whether the next group need not look for more operations: a lone one comes after a lone one, or as many wait as were in the last groups.
    fn is_complete(&self) -> bool {
        match self.last_groups {
            [_, 0] => false,
            [_, 1] => self.operations.len() == 1,
            _ => self.are_enough(),
        }
    }

    /// Whether as many wait as were in the last groups. Under load, half of the callers wait for the disk while the operations of the other half
    /// come, so the next group has about as many as the larger of the last two.
    fn are_enough(&self) -> bool {
        let [one, other] = self.last_groups;
        self.operations.len() >= one.max(other)
    }

    fn next_group(&mut self) -> Vec<Box<dyn Operation>> {
        let many = self.operations.len().min(MOST_IN_GROUP);
        let [_, last] = self.last_groups;
        self.last_groups = [last, many];
        self.operations.drain(..many).collect()
    }
}

/// The task that runs groups until no operation waits. If its runtime ends before that, the next operation starts another.
struct GroupLoop {
    queue: Arc<CommitQueue>,
    is_done: bool,
}

impl GroupLoop {
    async fn run(mut self) {
        loop {
            self.queue.gather(MOMENT).await;
            if !self.queue.serve_at_once() {
                let queue = self.queue.clone();
                let _panicked = spawn_blocking(move || queue.serve_patiently()).await;
            }
            let mut waiting = self.queue.waiting.lock();
            if waiting.operations.is_empty() {
                waiting.is_served = false;
                self.is_done = true;
                return;
            }
        }
    }
}

impl Drop for GroupLoop {
    fn drop(&mut self) {
        if !self.is_done {
            self.queue.waiting.lock().is_served = false;
        }
    }
}

#[cfg(test)]
mod tests;
