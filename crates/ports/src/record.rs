//! The stored form of a participation: one JSON document, the same in every adapter.
//!
//! It is apart from the domain's types so that those can change their shape, and cannot be written anywhere by
//! accident. Everything read back is parsed again.

mod award;
mod profile;
mod state;

pub use award::{
    decode_award, decode_counts, decode_notice, encode_award, encode_counts, encode_notice, shown_reward,
};
pub use profile::{decode_known, encode_known};

use std::time::Duration;

use domain::Timestamp;
use domain::attributes::{AttributeValue, Attributes};
use domain::contact::{Contact, Email, Phone};
use domain::ids::{BrandId, ContactKey, ParticipationId, RepeatKey, Scope};
use domain::participation::{BrazeEvent, Consent, Participation, Shown, Unanswered};
use domain::reservation::Slot;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use award::StandingRecord;
use profile::{ProfileRecord, profile, profile_record};
use state::{EventRecord, StateRecord, event, event_record, state, state_record};

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

#[derive(Serialize, Deserialize)]
struct BrazeEventRecord {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<ProfileRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ConsentRecord {
    at: i64,
    /// Only a no is marked: what was stored before a no could be kept is a yes.
    #[serde(default, skip_serializing_if = "is_false")]
    refused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text_id: Option<String>,
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
    let record = Record {
        brand: participation.brand.to_string(),
        scope: participation.scope.to_string(),
        email: participation.contact.email().map(|email| email.as_str().to_owned()),
        phone: participation.contact.phone().map(|phone| phone.as_str().to_owned()),
        event: participation.event.as_ref().map(|event| BrazeEventRecord {
            name: event.name.clone(),
            profile: event.profile.as_ref().map(profile_record),
            sent_at: event.sent_at.map(Timestamp::as_millisecond),
        }),
        consent: participation.consent.as_ref().map(|consent| ConsentRecord {
            at: consent.at.as_millisecond(),
            refused: !consent.given,
            text_id: consent.text_id.clone(),
        }),
        attributes: participation
            .attributes
            .iter()
            .map(|(name, value)| (name.to_owned(), json(value)))
            .collect(),
        accepted_at: participation.accepted_at.as_millisecond(),
        updated_at: participation.updated_at.as_millisecond(),
        state: state_record(&participation.state),
        credited_at: participation.credited_at.map(Timestamp::as_millisecond),
        has_award: participation.has_award,
        shows_attributes: participation.shown.attributes,
        shows_event: event_record(participation.shown.event),
        due_at: participation.due_at.map(Timestamp::as_millisecond),
        keep_until: Some(participation.keep_until.as_millisecond()),
        failures: participation.failures,
        slot: participation.slot.map(|slot| (slot.from.as_millisecond(), slot.until.as_millisecond())),
        no_such_alias: participation.no_such_alias,
        unanswered: participation.unanswered.as_ref().map(|wait| UnansweredRecord {
            since: wait.since.as_millisecond(),
            double: wait.double,
            standing: wait.standing.as_ref().map(award::standing_record),
            ended_at: wait.ended_at.map(Timestamp::as_millisecond),
        }),
        repeat_key: participation.repeat_key.map(|key| key.to_string()),
        proof: participation.proof.iter().map(ToString::to_string).collect(),
        without_terms_since: participation.without_terms_since.map(Timestamp::as_millisecond),
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
    Ok(Participation {
        id,
        brand: BrandId::parse(&record.brand).map_err(corrupt)?,
        scope: Scope::parse(&record.scope).map_err(corrupt)?,
        contact: contact(record.email.as_deref(), record.phone.as_deref())?,
        event: record.event.map(braze_event).transpose()?,
        consent: record.consent.map(consent).transpose()?,
        attributes: attributes(&record.attributes)?,
        accepted_at: moment(record.accepted_at)?,
        updated_at: moment(record.updated_at)?,
        state: state(record.state)?,
        credited_at: record.credited_at.map(moment).transpose()?,
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
        unanswered: record.unanswered.map(unanswered).transpose()?,
        repeat_key: record.repeat_key.as_deref().map(RepeatKey::parse).transpose().map_err(corrupt)?,
        proof: record.proof.iter().map(|proof| contact_key(proof)).collect::<Result<_>>()?,
        without_terms_since: record.without_terms_since.map(moment).transpose()?,
        version,
    })
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

fn contact(email: Option<&str>, phone: Option<&str>) -> Result<Contact> {
    let email = email.map(Email::from_stored).transpose().map_err(corrupt)?;
    let phone = phone.map(Phone::from_e164).transpose().map_err(corrupt)?;
    match (phone, email) {
        (Some(phone), email) => Ok(Contact::Phone { phone, email }),
        (None, Some(email)) => Ok(Contact::Email(email)),
        (None, None) => Err(corrupt("a participation without a contact")),
    }
}

fn braze_event(record: BrazeEventRecord) -> Result<BrazeEvent> {
    Ok(BrazeEvent {
        name: record.name,
        profile: record.profile.map(profile).transpose()?,
        sent_at: record.sent_at.map(moment).transpose()?,
    })
}

fn consent(record: ConsentRecord) -> Result<Consent> {
    Ok(Consent { given: !record.refused, at: moment(record.at)?, text_id: record.text_id })
}

fn unanswered(record: UnansweredRecord) -> Result<Unanswered> {
    Ok(Unanswered {
        since: moment(record.since)?,
        double: record.double,
        standing: record.standing.map(award::standing).transpose()?,
        ended_at: record.ended_at.map(moment).transpose()?,
    })
}
