//! The lanes of a ledger, in which numbers are drawn together.

use std::collections::BTreeMap;

use domain::ledger::draw_lane::{DrawLane, DrawnBatch, REMEMBERED};
use ports::numbering::Closed;

/// A lane as it is stored.
#[derive(Default)]
pub(crate) struct StoredLane {
    joined: u64,
    closed: u64,
    /// How many batches were closed.
    closes: u64,
    /// The batches that were published last. One replaces the one that was published long before.
    batches: BTreeMap<u64, DrawnBatch>,
}

impl StoredLane {
    pub(crate) fn read(&self) -> DrawLane {
        let batches = self.batches.values().copied().collect();
        DrawLane { joined: self.joined, closed: self.closed, batches }
    }

    pub(crate) fn join(&mut self) -> DrawLane {
        self.joined += 1;
        self.read()
    }

    /// Closes the batch of all who have joined, unless one was closed since the lane was seen.
    pub(crate) fn close(&mut self, seen: &DrawLane) -> Closed {
        if self.closed != seen.closed {
            return Closed::ByAnother(self.read());
        }
        let rank = self.closes;
        (self.closed, self.closes) = (self.joined, rank + 1);
        Closed::ByThis { rank, to: self.closed }
    }

    pub(crate) fn publish(&mut self, rank: u64, batch: DrawnBatch) {
        self.batches.insert(rank % REMEMBERED, batch);
    }
}
