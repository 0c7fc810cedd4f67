//! The stored form of what is kept of details that were replaced.

use domain::Timestamp;
use domain::participation::{FormerProfile, Replaced};
use serde::{Deserialize, Serialize};

use super::consent::{ConsentRecord, consent, consent_record};
use crate::error::Why;
use crate::profile::{ProfileRecord, profile, profile_record};
use crate::values::{contact_key, is_false, moment};

#[derive(Serialize, Deserialize)]
pub(super) struct ReplacedRecord {
    at: i64,
    first_consent: ConsentRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_at: Option<i64>,
    #[serde(default, skip_serializing_if = "is_false")]
    asks_again: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<FormerRecord>,
}

#[derive(Serialize, Deserialize)]
struct FormerRecord {
    contact: String,
    profile: ProfileRecord,
    #[serde(default, skip_serializing_if = "is_false")]
    taken_back: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    withdraws: bool,
}

pub(super) fn replaced_record(replaced: &Replaced) -> ReplacedRecord {
    ReplacedRecord {
        at: replaced.at.as_millisecond(),
        first_consent: consent_record(&replaced.first_consent),
        asked_at: replaced.asked_at.map(Timestamp::as_millisecond),
        asks_again: replaced.asks_again,
        former: replaced.former.iter().map(former_record).collect(),
    }
}

fn former_record(former: &FormerProfile) -> FormerRecord {
    FormerRecord {
        contact: former.contact.to_string(),
        profile: profile_record(&former.profile),
        taken_back: former.taken_back,
        withdraws: former.withdraws,
    }
}

pub(super) fn replaced(record: ReplacedRecord) -> Result<Replaced, Why> {
    Ok(Replaced {
        at: moment(record.at)?,
        first_consent: consent(record.first_consent)?,
        asked_at: record.asked_at.map(moment).transpose()?,
        asks_again: record.asks_again,
        former: record.former.into_iter().map(former).collect::<Result<_, _>>()?,
    })
}

fn former(record: FormerRecord) -> Result<FormerProfile, Why> {
    Ok(FormerProfile {
        contact: contact_key(&record.contact)?,
        profile: profile(record.profile)?,
        taken_back: record.taken_back,
        withdraws: record.withdraws,
    })
}
