//! Batches of participations that are to be read back. The key has the due time; the worker that writes rewards writes
//! the whole record.

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use domain::read_back::{BatchKey, ReadBackBatch};
use domain::reservation::Slot;
use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};

use crate::error::{Unencodable, Unreadable, Why};
use crate::form::{self, Version};
use crate::values::moment;

/// The newest version of a batch's form.
const NEWEST: u16 = 1;

#[derive(Serialize, Deserialize)]
struct BatchRecord {
    #[serde(default, skip_serializing_if = "Version::is_absent")]
    v: Version<NEWEST>,
    brand: String,
    ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<(i64, i64)>,
}

impl form::Record for BatchRecord {
    const WHAT: &'static str = "batch to read back";
    const NEWEST: u16 = NEWEST;
}

/// Encodes a batch for storage.
///
/// # Errors
/// If the batch holds a value that has no stored form.
pub fn encode(batch: &ReadBackBatch) -> Result<String, Unencodable> {
    let slot = batch.slot.map(|slot| (slot.from.as_millisecond(), slot.until.as_millisecond()));
    let record = BatchRecord {
        v: Version::NEWEST,
        brand: batch.brand.to_string(),
        ids: batch.ids.iter().map(ToString::to_string).collect(),
        slot,
    };
    form::write(batch.key(), Ok(record), &UnknownFields::default())
}

/// Decodes a stored batch.
///
/// # Errors
/// If the text is in no form that a batch has had, or in a newer one.
pub fn decode(key: BatchKey, text: &str) -> Result<ReadBackBatch, Unreadable> {
    form::read(key, text, |record: BatchRecord, _| batch(key.due_at, record))
}

fn batch(due_at: Timestamp, record: BatchRecord) -> Result<ReadBackBatch, Why> {
    let slot =
        record.slot.map(|(from, until)| Ok::<_, Why>(Slot { from: moment(from)?, until: moment(until)? }));
    Ok(ReadBackBatch {
        brand: BrandId::parse(&record.brand)?,
        due_at,
        ids: record.ids.iter().map(|id| ParticipationId::parse(id)).collect::<Result<_, _>>()?,
        slot: slot.transpose()?,
    })
}
