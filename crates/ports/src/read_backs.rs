//! Batches of participations whose rewards and events are still to be read back.

use async_trait::async_trait;
use domain::Timestamp;
pub use domain::read_back::{BatchKey, MOST_IN_BATCH, ReadBackBatch};

use crate::{Error, Result};

/// The most batches that one call returns.
pub const MOST_BATCHES: usize = 100;

/// The batches that a call found.
#[derive(Debug, Default)]
pub struct DueBatches {
    /// The batches, longest due first.
    pub batches: Vec<ReadBackBatch>,
    /// Why batches cannot be read. Each error names its batch.
    pub unreadable: Vec<Error>,
}

impl DueBatches {
    /// Adds a batch that an adapter read, under its key as it is stored.
    pub fn add(&mut self, key: &str, record: &str) {
        let parsed =
            BatchKey::parse(key).ok_or_else(|| Error::corrupt("batch to read back", "not a key").of(key));
        match parsed.and_then(|key| Ok(stored::read_back::decode(key, record)?)) {
            Ok(batch) => self.batches.push(batch),
            Err(why) => self.unreadable.push(why),
        }
    }

    /// Whether as many were found as one call returns.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.batches.len() >= MOST_BATCHES
    }
}

/// Batches that are durable until they are done.
///
/// # Errors
/// Every method fails if the batches cannot be reached. After a failed write it is not known what was stored; repeating
/// the call is safe.
#[async_trait]
pub trait ReadBacks: Send + Sync {
    /// Stores batches. Storing the same batch again changes nothing.
    async fn keep_batches(&self, batches: &[ReadBackBatch]) -> Result<()>;

    /// Batches that are due at `now`, longest due first, at most [`MOST_BATCHES`] of those that can be read.
    async fn due_batches(&self, now: Timestamp) -> Result<DueBatches>;

    /// Removes batches that are done.
    async fn batches_done(&self, keys: &[BatchKey]) -> Result<()>;
}
