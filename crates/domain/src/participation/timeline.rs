//! What happened to a participation, and when. The timeline is a part of the participation's record, so it costs no write of its own.

use std::time::Duration;

use super::cause::Cause;
use super::code::Code;
use crate::Timestamp;
use crate::time::{between, later};

/// The most entries of a timeline. Of a longer one, the first and the last entries are kept.
pub const MOST_ENTRIES: usize = 24;

/// How many of the first entries a long timeline keeps.
pub const FIRST_KEPT: usize = 8;

/// What happened to a participation since its acceptance, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    entries: Vec<TimelineEntry>,
    dropped: u32,
}

/// One thing that happened, perhaps several times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineEntry {
    /// What happened.
    pub code: Code,
    /// Why it failed, if it did.
    pub cause: Option<Cause>,
    /// How long after the acceptance it began, in milliseconds.
    pub began: u64,
    /// How long after the acceptance it was over for the last time, in milliseconds.
    pub ended: u64,
    /// How many times it happened in a row.
    pub times: u32,
}

impl TimelineEntry {
    /// When it began.
    #[must_use]
    pub fn began_at(&self, accepted_at: Timestamp) -> Timestamp {
        later(accepted_at, Duration::from_millis(self.began))
    }

    /// When it was over for the last time.
    #[must_use]
    pub fn ended_at(&self, accepted_at: Timestamp) -> Timestamp {
        later(accepted_at, Duration::from_millis(self.ended))
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.code, self.cause) == (other.code, other.cause)
    }
}

impl Timeline {
    /// The timeline with these entries, of which the middle was dropped this many times.
    #[must_use]
    pub fn new(entries: Vec<TimelineEntry>, dropped: u32) -> Self {
        let mut timeline = Self { entries, dropped };
        timeline.shorten();
        timeline
    }

    /// The entries, in order. If some were dropped, they stood behind the first [`FIRST_KEPT`].
    #[must_use]
    pub fn entries(&self) -> &[TimelineEntry] {
        &self.entries
    }

    /// How many times something happened that is no longer in the timeline.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Whether nothing has happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Something begins, so many milliseconds after the acceptance. A question or a command is equal to the one before it only once its
    /// answer is known.
    pub(super) fn add(&mut self, code: Code, began: u64) {
        self.collapse();
        self.entries.push(TimelineEntry { code, cause: None, began, ended: began, times: 1 });
        if !code.is_asked_of_braze() {
            self.collapse();
        }
        self.shorten();
    }

    /// The last question or command was answered.
    pub(super) fn answered(&mut self, ended: u64) {
        if let Some(last) = self.open() {
            last.ended = ended.max(last.began);
            self.collapse();
        }
    }

    /// The last question or command failed, or had to wait.
    pub(super) fn failed(&mut self, cause: Cause, ended: u64) {
        if let Some(last) = self.open() {
            last.cause = Some(cause);
            last.ended = ended.max(last.began);
            self.collapse();
        }
    }

    /// The last entry, if it is a question or a command to Braze without an outcome.
    fn open(&mut self) -> Option<&mut TimelineEntry> {
        self.entries
            .last_mut()
            .filter(|last| last.code.is_asked_of_braze() && last.cause.is_none() && last.times == 1)
    }

    /// Makes one entry of the last two, if they are equal.
    fn collapse(&mut self) {
        let [.., before, last] = self.entries.as_mut_slice() else { return };
        if before.is_like(last) {
            before.times = before.times.saturating_add(last.times);
            before.ended = before.ended.max(last.ended);
            self.entries.pop();
        }
    }

    fn shorten(&mut self) {
        while self.entries.len() > MOST_ENTRIES {
            let dropped = self.entries.remove(FIRST_KEPT);
            self.dropped = self.dropped.saturating_add(dropped.times);
        }
    }
}

/// The milliseconds from the acceptance to a moment.
pub(super) fn since(accepted_at: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(between(accepted_at, now).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
