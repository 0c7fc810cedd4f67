//! Awards, the lines of ledgers. The participation's id is stored next to each.

use std::num::NonZeroU64;

use domain::Timestamp;
use domain::award::{Award, AwardStatus, SiblingLines};
use domain::ids::{BrandId, IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::NoPrize;
use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};

use crate::error::{Unencodable, Unreadable, Why};
use crate::form::{self, Version};
use crate::prize::{OfferRecord, StandingRecord, offer, offer_record, standing, standing_record};
use crate::values::{contact_key, moment};

/// The newest version of an award's form.
const NEWEST: u16 = 1;

#[derive(Serialize, Deserialize)]
struct AwardRecord {
    #[serde(default, skip_serializing_if = "Version::is_absent")]
    v: Version<NEWEST>,
    brand: String,
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incentive: Option<String>,
    participant: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    other_keys: Vec<String>,
    /// Absent if there are no other lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    others: Option<Vec<String>>,
    offer: OfferRecord,
    arrival: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<NonZeroU64>,
    standing: StandingRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credited_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rewarded_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
}

impl form::Record for AwardRecord {
    const WHAT: &'static str = "award";
    const NEWEST: u16 = NEWEST;
}

/// Encodes an award for storage.
///
/// # Errors
/// If the award holds a value that has no stored form.
pub fn encode(award: &Award) -> Result<String, Unencodable> {
    let record = AwardRecord {
        v: Version::NEWEST,
        brand: award.brand.to_string(),
        scope: award.ledger.scope.to_string(),
        incentive: award.ledger.incentive.as_ref().map(ToString::to_string),
        participant: award.participant.to_string(),
        other_keys: award.other_keys.iter().map(ToString::to_string).collect(),
        others: match &award.others {
            SiblingLines::None => None,
            SiblingLines::Perhaps(ids) => Some(ids.iter().map(ToString::to_string).collect()),
        },
        offer: offer_record(&award.offer),
        arrival: award.arrival_number(),
        number: award.number,
        standing: standing_record(&award.status),
        credited_at: award.credited_at.map(Timestamp::as_millisecond),
        rewarded_at: award.rewarded_at.map(Timestamp::as_millisecond),
        due_at: award.due_at.map(Timestamp::as_millisecond),
    };
    form::write(award.id, Ok(record), &award.unknown)
}

/// Decodes a stored award.
///
/// # Errors
/// If the text is in no form that an award has had, or in a newer one.
pub fn decode(id: ParticipationId, text: &str) -> Result<Award, Unreadable> {
    form::read(id, text, |record, unknown| award(id, record, unknown))
}

fn award(id: ParticipationId, record: AwardRecord, unknown: UnknownFields) -> Result<Award, Why> {
    let ledger = ledger(&record.scope, record.incentive.as_deref())?;
    let arrival = NonZeroU64::new(record.arrival);
    let status = match standing(record.standing)? {
        // An award that is not entered yet has always been stored this way.
        AwardStatus::NoPrize(NoPrize::NoIncentive) if arrival.is_none() && ledger.incentive.is_some() => {
            AwardStatus::New
        }
        status => status,
    };
    Ok(Award {
        id,
        brand: BrandId::parse(&record.brand)?,
        ledger,
        participant: contact_key(&record.participant)?,
        other_keys: record.other_keys.iter().map(|key| contact_key(key)).collect::<Result<_, _>>()?,
        others: others(record.others)?,
        offer: offer(record.offer)?,
        arrival,
        number: record.number,
        status,
        credited_at: record.credited_at.map(moment).transpose()?,
        rewarded_at: record.rewarded_at.map(moment).transpose()?,
        due_at: record.due_at.map(moment).transpose()?,
        unknown,
    })
}

fn others(stored: Option<Vec<String>>) -> Result<SiblingLines, Why> {
    let Some(ids) = stored else { return Ok(SiblingLines::None) };
    Ok(SiblingLines::Perhaps(ids.iter().map(|id| ParticipationId::parse(id)).collect::<Result<_, _>>()?))
}

pub(crate) fn ledger(scope: &str, incentive: Option<&str>) -> Result<LedgerKey, Why> {
    let incentive = incentive.map(IncentiveId::parse).transpose()?;
    Ok(LedgerKey { scope: Scope::parse(scope)?, incentive })
}
