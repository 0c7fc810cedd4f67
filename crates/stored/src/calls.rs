//! Batches of calls to Braze. They are written once. The names are short, since a batch should fit a kilobyte.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use domain::call::{BrazeCall, CallBatch, Endpoint};
use domain::ids::{BrandId, ParticipationId};
use domain::participation::Cause;
use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};

use crate::error::{Unencodable, Unreadable, Why};
use crate::form::{self, Version};
use crate::values::{is_zero, moment};

/// The newest version of a batch's form.
const NEWEST: u16 = 1;

#[derive(Serialize, Deserialize)]
struct StoredCalls {
    #[serde(default, skip_serializing_if = "Version::is_absent")]
    v: Version<NEWEST>,
    /// When the batch was kept.
    at: i64,
    calls: Vec<StoredCall>,
}

#[derive(Serialize, Deserialize)]
struct StoredCall {
    /// How many milliseconds before the batch was kept the call was sent.
    b: i64,
    /// The endpoint.
    e: String,
    /// The objects.
    n: u32,
    /// The objects that were refused.
    #[serde(default, skip_serializing_if = "is_zero")]
    r: u32,
    /// The status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<u16>,
    /// The two letters of the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<String>,
    /// The milliseconds that it took.
    t: u64,
    /// The requests that were left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l: Option<u64>,
    /// What Braze said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    m: Option<String>,
    /// The ids of the participations, one after the other.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    p: String,
}

impl form::Record for StoredCalls {
    const WHAT: &'static str = "batch of calls";
    const NEWEST: u16 = NEWEST;
}

/// Encodes a batch for storage. The brand is stored next to it.
///
/// # Errors
/// If the batch holds a value that has no stored form.
pub fn encode(batch: &CallBatch) -> Result<String, Unencodable> {
    let at = batch.kept_at.as_millisecond();
    let calls = batch.calls.iter().map(|call| record(call, at)).collect();
    let record = StoredCalls { v: Version::NEWEST, at, calls };
    form::write(&batch.brand, Ok(record), &UnknownFields::default())
}

fn record(call: &BrazeCall, kept_at: i64) -> StoredCall {
    let ids: Vec<u8> = call.participations.iter().flat_map(|id| id.to_bytes()).collect();
    StoredCall {
        b: kept_at.saturating_sub(call.at.as_millisecond()),
        e: call.endpoint.name().to_owned(),
        n: call.objects,
        r: call.refused,
        s: call.status,
        c: call.cause.map(|cause| cause.letters().map(char::from).iter().collect()),
        t: u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX),
        l: call.left,
        m: call.message.clone(),
        p: URL_SAFE_NO_PAD.encode(ids),
    }
}

/// Decodes a stored batch. A call to an endpoint that only a newer version knows is left out.
///
/// # Errors
/// If the text is in no form that a batch has had, or in a newer one.
pub fn decode(brand: &BrandId, text: &str) -> Result<CallBatch, Unreadable> {
    form::read(brand, text, |record: StoredCalls, _| batch(brand, record))
}

fn batch(brand: &BrandId, record: StoredCalls) -> Result<CallBatch, Why> {
    let kept_at = moment(record.at)?;
    let known = record.calls.into_iter().filter_map(|call| Some((Endpoint::named(&call.e)?, call)));
    let calls =
        known.map(|(endpoint, call)| braze_call(endpoint, call, record.at)).collect::<Result<_, _>>()?;
    Ok(CallBatch { brand: brand.clone(), kept_at, calls })
}

fn braze_call(endpoint: Endpoint, call: StoredCall, kept_at: i64) -> Result<BrazeCall, Why> {
    let at: Timestamp = moment(kept_at.saturating_sub(call.b))?;
    let ids = URL_SAFE_NO_PAD.decode(&call.p).map_err(|_| "not the ids of participations")?;
    Ok(BrazeCall {
        at,
        endpoint,
        objects: call.n,
        refused: call.r,
        status: call.s,
        cause: call.c.as_deref().map(cause).transpose()?,
        took: Duration::from_millis(call.t),
        left: call.l,
        message: call.m,
        participations: ids.as_chunks::<16>().0.iter().map(|id| ParticipationId::from_bytes(*id)).collect(),
    })
}

fn cause(letters: &str) -> Result<Cause, Why> {
    let letters: [u8; 2] = letters.as_bytes().try_into().map_err(|_| "not the letters of a cause")?;
    Ok(Cause::of_letters(letters))
}
