//! Participations: one JSON document each, the same in every adapter. Its id and the number of its saves are kept beside it.

mod attributes;
mod state;

pub use attributes::attribute_size;

use std::time::Duration;

use domain::Timestamp;
use domain::contact::{Contact, Email, Phone};
use domain::ids::{BrandId, ParticipationId, RepeatKey, Scope};
use domain::participation::{BrazeEvent, Consent, Participation, Shown, Unanswered};
use domain::reservation::Slot;
use domain::time::later;
use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Unencodable, Unreadable, Why};
use crate::form::{self, Version};
use crate::prize::{StandingRecord, standing, standing_record};
use crate::profile::{ProfileRecord, profile, profile_record};
use crate::values::{contact_key, is_false, is_zero, moment};

use state::{EventRecord, StateRecord, event, event_record, state, state_record};

/// The newest version of a participation's form.
const NEWEST: u16 = 1;

/// How long what has no time of its own is kept.
const KEPT_BEFORE: Duration = Duration::from_secs(90 * 86_400);

#[derive(Serialize, Deserialize)]
struct Record {
    #[serde(default, skip_serializing_if = "Version::is_absent")]
    v: Version<NEWEST>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

impl form::Record for Record {
    const WHAT: &'static str = "participation";
    const NEWEST: u16 = NEWEST;
}

/// A participation as it is stored.
///
/// # Errors
/// When it holds something that has no stored form.
pub fn encode(participation: &Participation) -> Result<String, Unencodable> {
    form::write(participation.id, record(participation), &participation.unknown)
}

/// A participation read back.
///
/// # Errors
/// When the text is in no form that a participation has had, or in a newer one.
pub fn decode(id: ParticipationId, version: u64, text: &str) -> Result<Participation, Unreadable> {
    form::read(id, text, |record, unknown| participation((id, version), record, unknown))
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

fn record(participation: &Participation) -> Result<Record, Why> {
    Ok(Record {
        v: Version::NEWEST,
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
        attributes: attributes::record(&participation.attributes)?,
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
            standing: wait.standing.as_ref().map(standing_record),
            ended_at: wait.ended_at.map(Timestamp::as_millisecond),
        }),
        repeat_key: participation.repeat_key.map(|key| key.to_string()),
        proof: participation.proof.iter().map(ToString::to_string).collect(),
        without_terms_since: participation.without_terms_since.map(Timestamp::as_millisecond),
    })
}

fn participation(
    (id, version): (ParticipationId, u64),
    record: Record,
    unknown: UnknownFields,
) -> Result<Participation, Why> {
    let slot =
        record.slot.map(|(from, until)| Ok::<_, Why>(Slot { from: moment(from)?, until: moment(until)? }));
    Ok(Participation {
        id,
        brand: BrandId::parse(&record.brand)?,
        scope: Scope::parse(&record.scope)?,
        contact: contact(record.email.as_deref(), record.phone.as_deref())?,
        event: record.event.map(braze_event).transpose()?,
        consent: record.consent.map(consent).transpose()?,
        attributes: attributes::read(&record.attributes)?,
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
        repeat_key: record.repeat_key.as_deref().map(RepeatKey::parse).transpose()?,
        proof: record.proof.iter().map(|proof| contact_key(proof)).collect::<Result<_, Why>>()?,
        without_terms_since: record.without_terms_since.map(moment).transpose()?,
        version,
        unknown,
    })
}

fn contact(email: Option<&str>, phone: Option<&str>) -> Result<Contact, Why> {
    let email = email.map(Email::from_stored).transpose()?;
    let phone = phone.map(Phone::from_e164).transpose()?;
    match (phone, email) {
        (Some(phone), email) => Ok(Contact::Phone { phone, email }),
        (None, Some(email)) => Ok(Contact::Email(email)),
        (None, None) => Err("a participation without a contact".into()),
    }
}

fn braze_event(record: BrazeEventRecord) -> Result<BrazeEvent, Why> {
    Ok(BrazeEvent {
        name: record.name,
        profile: record.profile.map(profile).transpose()?,
        sent_at: record.sent_at.map(moment).transpose()?,
    })
}

fn consent(record: ConsentRecord) -> Result<Consent, Why> {
    Ok(Consent { given: !record.refused, at: moment(record.at)?, text_id: record.text_id })
}

fn unanswered(record: UnansweredRecord) -> Result<Unanswered, Why> {
    Ok(Unanswered {
        since: moment(record.since)?,
        double: record.double,
        standing: record.standing.map(standing).transpose()?,
        ended_at: record.ended_at.map(moment).transpose()?,
    })
}
