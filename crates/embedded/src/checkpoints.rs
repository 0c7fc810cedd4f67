//! Moves committed pages from the log into the file, on a thread of its own, while groups are run. Otherwise, every now and then a commit would take as
//! long as a checkpoint.

use std::sync::Weak;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use crate::commit_queue::CommitQueue;
use crate::committer::LARGEST_QUIET_LOG;
use crate::connection::passive_checkpoint;
use crate::log::WriteAheadLog;

/// The load counts as low after this long without a checkpoint. After a shorter pause the log still has its size, and overwriting it is faster than
/// extending it.
pub(crate) const QUIET: Duration = Duration::from_secs(60);

/// Moves the log whenever it is asked for, and shortens a long one when nobody has asked for that long. Ends when the file is closed.
pub(crate) fn run(
    connection: &Connection,
    (logs_to_move, quiet): (&Receiver<()>, Duration),
    log: &WriteAheadLog,
    queue: &Weak<CommitQueue>,
) {
    loop {
        let asked = logs_to_move.recv_timeout(quiet);
        let Some(queue) = queue.upgrade() else { return };
        match asked {
            Ok(()) => {
                // One checkpoint moves everything that was asked for.
                logs_to_move.try_iter().for_each(drop);
                passive_checkpoint(connection);
                queue.log_was_moved();
            }
            Err(RecvTimeoutError::Timeout) => {
                if log.length() > LARGEST_QUIET_LOG {
                    passive_checkpoint(connection);
                }
                queue.shorten_log();
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
