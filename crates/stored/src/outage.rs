//! Brands whose Braze workspace does not answer. The worker that sees an outage writes the whole record.

use domain::Timestamp;
use domain::ids::BrandId;
use domain::outage::Outage;
use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};

use crate::error::{Unencodable, Unreadable, Why};
use crate::form::{self, Version};
use crate::values::moment;

/// The newest version of an outage's form.
const NEWEST: u16 = 1;

#[derive(Serialize, Deserialize)]
struct OutageRecord {
    #[serde(default, skip_serializing_if = "Version::is_absent")]
    v: Version<NEWEST>,
    since: i64,
    tries: u64,
    last_try: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_try: Option<i64>,
    waiting: u64,
    why: String,
}

impl form::Record for OutageRecord {
    const WHAT: &'static str = "outage";
    const NEWEST: u16 = NEWEST;
}

/// Encodes an outage for storage. The brand is stored next to it.
///
/// # Errors
/// If the outage holds a value that has no stored form.
pub fn encode(brand: &BrandId, outage: &Outage) -> Result<String, Unencodable> {
    let record = OutageRecord {
        v: Version::NEWEST,
        since: outage.since.as_millisecond(),
        tries: outage.tries,
        last_try: outage.last_try.as_millisecond(),
        next_try: outage.next_try.map(Timestamp::as_millisecond),
        waiting: outage.waiting,
        why: outage.why.clone(),
    };
    form::write(brand, Ok(record), &UnknownFields::default())
}

/// Decodes a stored outage.
///
/// # Errors
/// If the text is in no form that an outage has had, or in a newer one.
pub fn decode(brand: &BrandId, text: &str) -> Result<Outage, Unreadable> {
    form::read(brand, text, |record: OutageRecord, _| outage(record))
}

fn outage(record: OutageRecord) -> Result<Outage, Why> {
    Ok(Outage {
        since: moment(record.since)?,
        tries: record.tries,
        last_try: moment(record.last_try)?,
        next_try: record.next_try.map(moment).transpose()?,
        waiting: record.waiting,
        why: record.why,
    })
}
