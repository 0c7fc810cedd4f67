//! The backlog: requests that could not be booked, and ask again in a later window.

use std::time::Duration;

use super::cursor::Cursor;
use super::{BacklogEnd, Booked, Windows};
use crate::Timestamp;
use crate::time::later;

/// Requests that wait are spread over the windows of this time, so that not all of them ask for the next window. A longer backlog counts
/// as none: requests may come late, and windows that are kept for them would stay unused.
const SPREAD: Duration = Duration::from_secs(60);

impl Windows {
    /// Tells requests when to ask again, behind those that wait already.
    pub(super) fn join_backlog(&mut self, count: u32, now: Timestamp) -> Vec<Booked> {
        let mut cursor = self.end_of_backlog(now);
        let mut slots = Vec::new();
        let mut left = count;
        while left > 0 {
            let free = cursor.take(left, now);
            left -= free.count;
            slots.push(free);
        }
        self.backlog = Some(BacklogEnd { start: cursor.start, waiting: cursor.booked });
        slots
    }

    fn end_of_backlog(&self, now: Timestamp) -> Cursor {
        let cursor = self.cursor();
        let is_ahead = |end: &BacklogEnd| end.start > self.start && end.start <= later(now, SPREAD);
        match self.backlog.filter(is_ahead) {
            Some(BacklogEnd { start, waiting }) => Cursor { start, booked: waiting, ..cursor },
            None => cursor,
        }
    }
}
