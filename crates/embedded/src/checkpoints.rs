//! Moves committed pages from the log into the file, on a thread of its own, while groups are run. Otherwise, every now and then a commit would take as
//! long as a checkpoint.

use std::sync::Weak;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use crate::commit_queue::CommitQueue;
use crate::committer::LOG_LIMIT;
use crate::connection::passive_checkpoint;
use crate::log::WriteAheadLog;

/// After this long without a commit, the load has gone down.
const QUIET: Duration = Duration::from_millis(250);

/// Moves the log whenever it is asked for, and shortens a long one once the load has gone down. Ends when the file is closed.
pub(crate) fn run(
    connection: &Connection,
    logs_to_move: &Receiver<()>,
    log: &WriteAheadLog,
    queue: &Weak<CommitQueue>,
) {
    let mut commits_before = None;
    loop {
        let asked = logs_to_move.recv_timeout(QUIET);
        let Some(queue) = queue.upgrade() else { return };
        match asked {
            Ok(()) => {
                // One checkpoint moves everything that was asked for.
                logs_to_move.try_iter().for_each(drop);
                passive_checkpoint(connection);
                queue.log_was_moved();
            }
            Err(RecvTimeoutError::Timeout) => {
                let commits = queue.commits();
                if commits.is_some() && commits == commits_before {
                    if log.length() > LOG_LIMIT {
                        passive_checkpoint(connection);
                    }
                    queue.shorten_log();
                }
                commits_before = commits;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
