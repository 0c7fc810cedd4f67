//! What numbers are drawn from: a ledger's counter, and its lanes.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use domain::ids::LedgerKey;
use domain::ledger::Counts;
use domain::ledger::draw_lane::{DrawLane, DrawnBatch};

use crate::Result;

/// One lane of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LaneKey {
    /// The ledger.
    pub ledger: LedgerKey,
    /// The number of the lane, counted from 0.
    pub lane: u64,
}

/// Who has closed a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The caller, who draws the numbers of the batch.
    ByThis {
        /// How many batches of the lane were closed before it.
        rank: u64,
        /// The last member of the batch.
        to: u64,
    },
    /// Another member. The lane is then like this.
    ByAnother(DrawLane),
}

/// A batch whose numbers are drawn, for those members of its lane who have not read it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpublishedBatch {
    /// The lane.
    pub lane: LaneKey,
    /// How many batches of the lane were closed before it. It replaces the one that was published [`REMEMBERED`] batches before.
    ///
    /// [`REMEMBERED`]: domain::ledger::draw_lane::REMEMBERED
    pub rank: u64,
    /// The batch.
    pub batch: DrawnBatch,
}

/// The items of a store that numbers are drawn from. Each method is one call to one item, which the store makes once.
///
/// # Errors
/// Every method fails if the item cannot be read or written. After a failed write it is not known whether it took effect.
#[async_trait]
pub trait NumberItems: Send + Sync {
    /// The counters of a ledger.
    async fn counts(&self, ledger: &LedgerKey) -> Result<Counts>;

    /// Draws this many numbers from a ledger's counter; `None` if the counter is throttled. If the answer is lost, it may draw again.
    async fn draw_unless_throttled(
        &self,
        ledger: &LedgerKey,
        count: u32,
    ) -> Result<Option<RangeInclusive<u64>>>;

    /// Joins a lane as its last member. Returns the lane as it is then.
    async fn join(&self, lane: &LaneKey) -> Result<DrawLane>;

    /// The lane as it is now.
    async fn read_lane(&self, lane: &LaneKey) -> Result<DrawLane>;

    /// Closes the batch of all who have joined, unless a batch was closed since the lane was seen like this.
    async fn close(&self, lane: &LaneKey, seen: &DrawLane) -> Result<Closed>;

    /// Publishes the numbers of a batch.
    async fn publish(&self, batch: &UnpublishedBatch) -> Result<()>;
}
