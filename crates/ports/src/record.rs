//! The stored form of a participation: one JSON document, the same in every adapter.
//!
//! It is apart from the domain's types so that those can change their shape, and cannot be written anywhere by
//! accident. Everything read back is parsed again.

mod award;
mod profile;
mod state;
mod way;

pub use award::{
    decode_award, decode_counts, decode_notice, encode_award, encode_counts, encode_notice, shown_reward,
};
pub use profile::{decode_known, encode_known};

use std::time::Duration;

use domain::Timestamp;
use domain::attributes::{AttributeValue, Attributes};
use domain::ids::{BrandId, ContactKey, ParticipationId, RepeatKey, Scope};
use domain::participation::{Participation, Shown, Snapshot, Unanswered};
use domain::reservation::Slot;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use award::StandingRecord;
use state::{EventRecord, StateRecord, event, event_record, state, state_record};
use way::{BrazeEventRecord, ConsentRecord, WayRecord, way, way_record};

use crate::{Error, Result};
use domain::time::later;

/// How long what has no time of its own is kept.
const KEPT_BEFORE: Duration = Duration::from_secs(90 * 86_400);

#[derive(Serialize, Deserialize)]
struct Record {
    brand: String,
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<BrazeEventRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent: Option<ConsentRecord>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
    accepted_at: i64,
    updated_at: i64,
    state: StateRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credited_at: Option<i64>,
    #[serde(default, skip_serializing_if = "is_false")]
    has_award: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    shows_attributes: bool,
    #[serde(default, skip_serializing_if = "EventRecord::is_not_sent")]
    shows_event: EventRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    /// Not there in what was stored before it was counted from the activation's close.
    #[serde(default)]
    keep_until: Option<i64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<(i64, i64)>,
    #[serde(default, skip_serializing_if = "is_false")]
    no_such_alias: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unanswered: Option<UnansweredRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeat_key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    proof: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    without_terms_since: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct UnansweredRecord {
    since: i64,
    double: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<StandingRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A participation as it is stored; its id and version are kept beside it.
#[must_use]
pub fn encode(participation: &Participation) -> String {
    let kept = participation.snapshot();
    let stored_way = way_record(&kept.way);
    let record = Record {
        brand: kept.brand.to_string(),
        scope: kept.scope.to_string(),
        email: stored_way.email,
        phone: stored_way.phone,
        event: stored_way.event,
        consent: stored_way.consent,
        attributes: kept.attributes.iter().map(|(name, value)| (name.to_owned(), json(value))).collect(),
        accepted_at: kept.accepted_at.as_millisecond(),
        updated_at: kept.updated_at.as_millisecond(),
        state: state_record(&kept.state),
        credited_at: kept.earned_at.map(Timestamp::as_millisecond),
        has_award: kept.has_award,
        shows_attributes: kept.shown.attributes,
        shows_event: event_record(kept.shown.event),
        due_at: kept.due_at.map(Timestamp::as_millisecond),
        keep_until: Some(kept.keep_until.as_millisecond()),
        failures: kept.failures,
        slot: kept.slot.map(|slot| (slot.from.as_millisecond(), slot.until.as_millisecond())),
        no_such_alias: kept.no_such_alias,
        unanswered: kept.state.unanswered().map(|wait| UnansweredRecord {
            since: wait.since.as_millisecond(),
            double: wait.double,
            standing: wait.standing.as_ref().map(award::standing_record),
            ended_at: wait.ended_at.map(Timestamp::as_millisecond),
        }),
        repeat_key: kept.repeat_key.map(|key| key.to_string()),
        proof: stored_way.proof,
        without_terms_since: kept.without_terms_since.map(Timestamp::as_millisecond),
    };
    text(&record)
}

/// A participation read back.
///
/// # Errors
/// [`Error::Corrupt`] when the text is not what [`encode`] makes.
pub fn decode(id: ParticipationId, version: u64, text: &str) -> Result<Participation> {
    read(id, version, text).map_err(|error| error.of(id))
}

/// The brand and the scope of a record that cannot be read as a whole, as far as they can.
#[must_use]
pub fn whose(text: &str) -> (Option<BrandId>, Option<Scope>) {
    let record: Value = serde_json::from_str(text).unwrap_or_default();
    let member = |name: &str| record.get(name).and_then(Value::as_str);
    (
        member("brand").and_then(|brand| BrandId::parse(brand).ok()),
        member("scope").and_then(|scope| Scope::parse(scope).ok()),
    )
}

fn read(id: ParticipationId, version: u64, text: &str) -> Result<Participation> {
    let record: Record = serde_json::from_str(text).map_err(corrupt)?;
    let slot = record.slot.map(|(from, until)| Ok(Slot { from: moment(from)?, until: moment(until)? }));
    let unanswered = record.unanswered.map(unanswered).transpose()?;
    let state = state(record.state, record.phone.is_some(), unanswered)?;
    let stored_way = WayRecord {
        email: record.email,
        phone: record.phone,
        event: record.event,
        consent: record.consent,
        proof: record.proof,
    };
    let snapshot = Snapshot {
        id,
        brand: BrandId::parse(&record.brand).map_err(corrupt)?,
        scope: Scope::parse(&record.scope).map_err(corrupt)?,
        way: way(stored_way, state.is_end())?,
        attributes: attributes(&record.attributes)?,
        accepted_at: moment(record.accepted_at)?,
        updated_at: moment(record.updated_at)?,
        state,
        earned_at: record.credited_at.map(moment).transpose()?,
        has_award: record.has_award,
        shown: Shown { attributes: record.shows_attributes, event: event(&record.shows_event)? },
        due_at: record.due_at.map(moment).transpose()?,
        keep_until: match record.keep_until {
            Some(keep_until) => moment(keep_until)?,
            None => later(moment(record.updated_at)?, KEPT_BEFORE),
        },
        failures: record.failures,
        slot: slot.transpose()?,
        no_such_alias: record.no_such_alias,
        repeat_key: record.repeat_key.as_deref().map(RepeatKey::parse).transpose().map_err(corrupt)?,
        without_terms_since: record.without_terms_since.map(moment).transpose()?,
        version,
    };
    Participation::restore(snapshot).map_err(corrupt)
}

#[expect(clippy::expect_used, reason = "an empty record would be lost data")]
fn text(record: &impl Serialize) -> String {
    serde_json::to_string(record)
        .expect("records hold strings, numbers and maps with string keys, and JSON refuses none of these")
}

fn corrupt(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::corrupt("participation", source)
}

fn moment(milliseconds: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(milliseconds).map_err(corrupt)
}

fn contact_key(text: &str) -> Result<ContactKey> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes).map_err(corrupt)?;
    Ok(ContactKey::from_bytes(bytes))
}

fn json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Text(text) => Value::String(text.clone()),
        AttributeValue::Integer(number) => Value::Number((*number).into()),
        AttributeValue::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        AttributeValue::Boolean(value) => Value::Bool(*value),
    }
}

/// How many bytes an attribute takes in a record: its name and its value, without what stands around them.
#[must_use]
pub fn attribute_size(name: &str, value: &AttributeValue) -> usize {
    let unquoted = |quoted: String| quoted.len().saturating_sub(2);
    let value = match value {
        AttributeValue::Text(written) => unquoted(text(written)),
        AttributeValue::Integer(_) | AttributeValue::Float(_) | AttributeValue::Boolean(_) => {
            text(&json(value)).len()
        }
    };
    unquoted(text(&name)).saturating_add(value)
}

fn attributes(stored: &Map<String, Value>) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    for (name, value) in stored {
        let value = match value {
            Value::String(text) => AttributeValue::Text(text.clone()),
            Value::Bool(value) => AttributeValue::Boolean(*value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => AttributeValue::Integer(number),
                (None, Some(number)) => AttributeValue::Float(number),
                (None, None) => return Err(corrupt("a number out of range")),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => return Err(corrupt("a nested attribute")),
        };
        attributes.set(name, value).map_err(corrupt)?;
    }
    Ok(attributes)
}

fn unanswered(record: UnansweredRecord) -> Result<Unanswered> {
    Ok(Unanswered {
        since: moment(record.since)?,
        double: record.double,
        standing: record.standing.map(award::standing).transpose()?,
        ended_at: record.ended_at.map(moment).transpose()?,
    })
}
