//! Participations whose rewards and events are read back together.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::ids::{BrandId, ParticipationId};
use crate::reservation::Slot;

/// The most participations in a batch: as many profiles as one request to Braze may name.
pub const MOST_IN_BATCH: usize = 50;

/// Up to [`MOST_IN_BATCH`] participations of a brand. They share a record, so that reading back costs each of them a
/// fiftieth of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBackBatch {
    /// The brand of their activations.
    pub brand: BrandId,
    /// The request slot that the batch holds while it waits for one.
    pub slot: Option<Slot>,
    /// When they are read back: once Braze has settled, or in the request slot that the batch waits for, or some time
    /// after a failure.
    pub due_at: Timestamp,
    /// The participations.
    pub ids: Vec<ParticipationId>,
}

/// The key of a batch: when it is due, and a hash of its participations. A batch that is stored twice is one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchKey {
    /// When it is due.
    pub due_at: Timestamp,
    /// The hash.
    pub hash: [u8; 8],
}

impl ReadBackBatch {
    /// The key under which it is stored.
    #[must_use]
    pub fn key(&self) -> BatchKey {
        let mut hash = Sha256::new();
        self.ids.iter().for_each(|id| hash.update(id.to_string()));
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
        BatchKey { due_at: self.due_at, hash: [a, b, c, d, e, f, g, h] }
    }
}

impl BatchKey {
    /// Parses a key as [`fmt::Display`] writes it; `None` if the text is no key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (due_at, digits) = text.split_once('-')?;
        let mut hash = [0; 8];
        hex::decode_to_slice(digits, &mut hash).ok()?;
        Some(Self { due_at: Timestamp::from_millisecond(due_at.parse().ok()?).ok()?, hash })
    }

    /// Every key of a batch that is due at `now` or earlier comes before this text, and every other one behind it.
    #[must_use]
    pub fn end_of_due(now: Timestamp) -> String {
        format!("{:015}", now.as_millisecond().saturating_add(1))
    }
}

impl fmt::Display for BatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:015}-{}", self.due_at.as_millisecond(), hex::encode(self.hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(second: i64, ids: &[u8]) -> ReadBackBatch {
        ReadBackBatch {
            brand: BrandId::parse("acme").unwrap(),
            due_at: Timestamp::from_second(second).unwrap(),
            ids: ids.iter().map(|id| ParticipationId::from_bytes([*id; 16])).collect(),
            slot: None,
        }
    }

    #[test]
    fn the_batches_that_are_due_are_those_before_a_text() {
        let end = BatchKey::end_of_due(Timestamp::from_second(10).unwrap());
        let is_due = |second| batch(second, &[1]).key().to_string() < end;
        assert_eq!([9, 10, 11].map(is_due), [true, true, false]);
    }

    #[test]
    fn keys_sort_by_the_due_time_and_name_the_participations() {
        let keys = [batch(9, &[1]), batch(10, &[1]), batch(1_800_000_000, &[1])].map(|batch| batch.key());
        let texts = keys.map(|key| key.to_string());
        assert!(keys.is_sorted() && texts.is_sorted(), "{texts:?}");
        assert_eq!(keys.map(|key| BatchKey::parse(&key.to_string())), keys.map(Some));
        assert_eq!(batch(9, &[1, 2]).key(), batch(9, &[1, 2]).key());
        assert_ne!(batch(9, &[1, 2]).key(), batch(9, &[1, 3]).key());
    }
}
