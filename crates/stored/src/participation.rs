//! Participations: one JSON document each, in the same form in every adapter. The id and the number of saves
//! are stored next to it.

mod attributes;
mod consent;
mod counted;
mod replaced;
mod sent;
mod state;
mod timeline;
mod way;

pub use attributes::attribute_size;

use std::time::Duration;

use domain::Timestamp;
use domain::award::Participant;
use domain::ids::{BrandId, ContactKey, ParticipationId, RepeatKey, Scope};
use domain::participation::{Participation, Shown, Snapshot, Unanswered, Way};
use domain::profile::ProfileRef;
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

use consent::ConsentRecord;
use counted::CountedRecord;
use replaced::{ReplacedRecord, replaced, replaced_record};
use sent::{ReadBackRecord, UnplacedRecord};
use state::{EventRecord, StateRecord, event, event_record, state, state_record};
use way::{BrazeEventRecord, WayRecord, way, way_record};

/// The newest version of a participation's form.
const NEWEST: u16 = 1;

/// How long after its last change a participation without `keep_until` is kept.
const KEPT_BEFORE: Duration = Duration::from_secs(90 * 86_400);

#[derive(Serialize, Deserialize)]
struct ParticipationRecord {
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
    shows_flow_event: Option<EventRecord>,
    /// When Braze accepted the reward, in milliseconds after the acceptance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown_after: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_back: Option<ReadBackRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unplaced: Option<UnplacedRecord>,
    #[serde(default, skip_serializing_if = "is_false")]
    unreported_consent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    /// Absent in records from before retention was counted from the activation's close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_until: Option<i64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_up: Option<(String, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeline: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<(i64, i64)>,
    #[serde(default, skip_serializing_if = "is_false")]
    no_such_alias: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unanswered: Option<UnansweredRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeat_key: Option<String>,
    #[serde(default, skip_serializing_if = "WhoRecord::is_unknown")]
    who: WhoRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced: Option<ReplacedRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gave_number_to: Option<ProfileRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    proof: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    without_terms_since: Option<i64>,
    /// Absent in records from before there were roll-ups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted: Option<CountedRecord>,
    #[serde(default, skip_serializing_if = "is_false")]
    imported: bool,
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

/// Keys of the consumer that became known since the acceptance.
#[derive(Default, PartialEq, Serialize, Deserialize)]
struct WhoRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl WhoRecord {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    fn of(who: Participant) -> Self {
        let text = |key: Option<ContactKey>| key.map(|key| key.to_string());
        Self { contact: text(who.contact), profile: text(who.profile), address: text(who.address) }
    }

    fn read(&self) -> Result<Participant, Why> {
        let key = |text: &Option<String>| text.as_deref().map(contact_key).transpose();
        Ok(Participant {
            contact: key(&self.contact)?,
            profile: key(&self.profile)?,
            address: key(&self.address)?,
        })
    }
}

impl form::Record for ParticipationRecord {
    const WHAT: &'static str = "participation";
    const NEWEST: u16 = NEWEST;
}

/// Encodes a participation for storage.
///
/// # Errors
/// If the participation holds a value that has no stored form.
pub fn encode(participation: &Participation) -> Result<String, Unencodable> {
    form::write(participation.id(), record(participation), &participation.snapshot().unknown)
}

/// Decodes a stored participation.
///
/// # Errors
/// If the text is in no form that a participation has had, or in a newer one.
pub fn decode(id: ParticipationId, version: u64, text: &str) -> Result<Participation, Unreadable> {
    form::read(id, text, |record, unknown| participation((id, version), record, unknown))
}

/// The brand and the scope of a record that cannot be read as a whole, if they can be read.
#[must_use]
pub fn whose(text: &str) -> (Option<BrandId>, Option<Scope>) {
    let record: Value = serde_json::from_str(text).unwrap_or_default();
    let member = |name: &str| record.get(name).and_then(Value::as_str);
    (
        member("brand").and_then(|brand| BrandId::parse(brand).ok()),
        member("scope").and_then(|scope| Scope::parse(scope).ok()),
    )
}

fn record(participation: &Participation) -> Result<ParticipationRecord, Why> {
    let kept = participation.snapshot();
    let stored_way = way_record(&kept.way);
    let (read_back, unplaced) = sent::sent_records(kept.read_back.as_ref(), kept.unplaced, named(&kept.way));
    Ok(ParticipationRecord {
        v: Version::NEWEST,
        brand: kept.brand.to_string(),
        scope: kept.scope.to_string(),
        email: stored_way.email,
        phone: stored_way.phone,
        event: stored_way.event,
        consent: stored_way.consent,
        attributes: attributes::record(&kept.attributes)?,
        accepted_at: kept.accepted_at.as_millisecond(),
        updated_at: kept.updated_at.as_millisecond(),
        state: state_record(&kept.state),
        credited_at: kept.earned_at.map(Timestamp::as_millisecond),
        has_award: kept.has_award,
        shows_attributes: kept.shown.attributes,
        shows_event: event_record(kept.shown.event),
        shows_flow_event: kept.shown.flow_event.map(event_record),
        shown_after: kept
            .shown_at
            .map(|at| at.as_millisecond().saturating_sub(kept.accepted_at.as_millisecond())),
        read_back,
        unplaced,
        unreported_consent: kept.unreported_consent,
        due_at: kept.due_at.map(Timestamp::as_millisecond),
        keep_until: Some(kept.keep_until.as_millisecond()),
        failures: kept.failures,
        held_up: kept.held_up.map(timeline::held_up_record),
        timeline: timeline::text(&kept.timeline),
        slot: kept.slot.map(|slot| (slot.from.as_millisecond(), slot.until.as_millisecond())),
        no_such_alias: kept.no_such_alias,
        unanswered: kept.state.unanswered().map(|wait| UnansweredRecord {
            since: wait.since.as_millisecond(),
            double: wait.double,
            standing: wait.status.as_ref().map(standing_record),
            ended_at: wait.ended_at.map(Timestamp::as_millisecond),
        }),
        repeat_key: kept.repeat_key.map(|key| key.to_string()),
        who: WhoRecord::of(kept.who),
        replaced: kept.replaced.as_ref().map(replaced_record),
        gave_number_to: kept.gave_number_to.as_ref().map(profile_record),
        proof: stored_way.proof,
        without_terms_since: kept.without_terms_since.map(Timestamp::as_millisecond),
        counted: kept.counted.map(CountedRecord::of),
        imported: kept.imported,
    })
}

fn participation(
    (id, version): (ParticipationId, u64),
    record: ParticipationRecord,
    unknown: UnknownFields,
) -> Result<Participation, Why> {
    let slot =
        record.slot.map(|(from, until)| Ok::<_, Why>(Slot { from: moment(from)?, until: moment(until)? }));
    let unanswered = record.unanswered.map(unanswered).transpose()?;
    let state = state(record.state, record.phone.is_some(), unanswered)?;
    let stored_way = WayRecord {
        email: record.email,
        phone: record.phone,
        event: record.event,
        consent: record.consent,
        proof: record.proof,
    };
    let way = way(stored_way, state.is_end())?;
    let (read_back, unplaced) = sent::sent(record.read_back, record.unplaced, named(&way))?;
    let snapshot = Snapshot {
        id,
        brand: BrandId::parse(&record.brand)?,
        scope: Scope::parse(&record.scope)?,
        way,
        attributes: attributes::read(&record.attributes)?,
        accepted_at: moment(record.accepted_at)?,
        updated_at: moment(record.updated_at)?,
        state,
        earned_at: record.credited_at.map(moment).transpose()?,
        has_award: record.has_award,
        shown: Shown {
            attributes: record.shows_attributes,
            event: event(&record.shows_event)?,
            flow_event: record.shows_flow_event.as_ref().map(event).transpose()?,
        },
        shown_at: match record.shown_after {
            Some(after) => Some(moment(record.accepted_at.saturating_add(after))?),
            None => None,
        },
        read_back,
        unplaced,
        unreported_consent: record.unreported_consent,
        due_at: record.due_at.map(moment).transpose()?,
        keep_until: match record.keep_until {
            Some(keep_until) => moment(keep_until)?,
            None => later(moment(record.updated_at)?, KEPT_BEFORE),
        },
        failures: record.failures,
        held_up: record.held_up.map(timeline::held_up).transpose()?,
        timeline: record.timeline.as_deref().map(timeline::timeline).transpose()?.unwrap_or_default(),
        slot: slot.transpose()?,
        no_such_alias: record.no_such_alias,
        repeat_key: record.repeat_key.as_deref().map(RepeatKey::parse).transpose()?,
        who: record.who.read()?,
        replaced: record.replaced.map(replaced).transpose()?,
        gave_number_to: record.gave_number_to.map(profile).transpose()?,
        without_terms_since: record.without_terms_since.map(moment).transpose()?,
        counted: record.counted.map(CountedRecord::read),
        imported: record.imported,
        version,
        unknown,
    };
    Ok(Participation::restore(snapshot)?)
}

/// The profile that an event names.
fn named(way: &Way) -> Option<&ProfileRef> {
    way.event().and_then(|event| event.profile.as_ref())
}

fn unanswered(record: UnansweredRecord) -> Result<Unanswered, Why> {
    Ok(Unanswered {
        since: moment(record.since)?,
        double: record.double,
        status: record.standing.map(standing).transpose()?,
        ended_at: record.ended_at.map(moment).transpose()?,
    })
}
