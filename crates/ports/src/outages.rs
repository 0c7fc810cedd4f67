//! Brands whose Braze workspace does not answer, kept where other processes and whoever is on call see it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::BrandId;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A workspace that gives no useful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// When the first request was sent that was not answered.
    pub since: Timestamp,
    /// Requests since then.
    pub tries: u64,
    /// When the last of them ended.
    pub last_try: Timestamp,
    /// When the next one is due, as far as anything waits for it.
    pub next_try: Option<Timestamp>,
    /// Participations that wait for an answer.
    pub waiting: u64,
    /// What came of the last request: no contact, and no secret.
    pub why: String,
}

/// The outages that are known. Whoever sees one keeps it, and whoever is answered ends it.
///
/// # Errors
/// Every method fails when the outages cannot be reached.
#[async_trait]
pub trait Outages: Send + Sync {
    /// Keeps a brand's outage, and replaces what was kept of it.
    async fn keep_outage(&self, brand: &BrandId, outage: &Outage) -> Result<()>;

    /// Forgets a brand's outage.
    async fn end_outage(&self, brand: &BrandId) -> Result<()>;

    /// All that are kept.
    async fn outages(&self) -> Result<BTreeMap<BrandId, Outage>>;
}

#[derive(Serialize, Deserialize)]
struct OutageRecord {
    since: i64,
    tries: u64,
    last_try: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_try: Option<i64>,
    waiting: u64,
    why: String,
}

/// An outage as it is stored.
///
/// # Errors
/// Never, in truth: numbers and a text can be written.
pub fn encode_outage(outage: &Outage) -> Result<String> {
    let record = OutageRecord {
        since: outage.since.as_millisecond(),
        tries: outage.tries,
        last_try: outage.last_try.as_millisecond(),
        next_try: outage.next_try.map(Timestamp::as_millisecond),
        waiting: outage.waiting,
        why: outage.why.clone(),
    };
    serde_json::to_string(&record).map_err(|error| Error::unavailable("writing down an outage", error))
}

/// An outage, read back.
///
/// # Errors
/// When it is not one.
pub fn decode_outage(stored: &str) -> Result<Outage> {
    let moment = |at| Timestamp::from_millisecond(at).map_err(|error| Error::corrupt("outage", error));
    let record: OutageRecord =
        serde_json::from_str(stored).map_err(|error| Error::corrupt("outage", error))?;
    Ok(Outage {
        since: moment(record.since)?,
        tries: record.tries,
        last_try: moment(record.last_try)?,
        next_try: record.next_try.map(moment).transpose()?,
        waiting: record.waiting,
        why: record.why,
    })
}
