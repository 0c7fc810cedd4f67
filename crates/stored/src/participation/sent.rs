//! The stored form of what was written to a profile and is to be read back.

use domain::Timestamp;
use domain::participation::{Parts, ReadBack, SentParts};
use domain::profile::ProfileRef;
use serde::{Deserialize, Serialize};

use crate::error::Why;
use crate::profile::{ProfileRecord, profile, profile_record};
use crate::values::{is_false, is_zero, moment};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReadBackRecord {
    Due {
        /// Absent if it is the profile that the event names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        profile: Option<ProfileRecord>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        braze_id: Option<String>,
        at: i64,
        parts: PartsRecord,
        #[serde(default, skip_serializing_if = "is_zero")]
        missing_before: u32,
    },
    Missing {
        parts: PartsRecord,
        times: u32,
    },
    Unplaced {
        since: i64,
        #[serde(default, skip_serializing_if = "is_false")]
        reported: bool,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct PartsRecord {
    #[serde(default, skip_serializing_if = "is_false")]
    flow: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    flow_event: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    reward: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<i64>,
    #[serde(default, skip_serializing_if = "is_false")]
    consent: bool,
}

/// The record of what is to be read back from a profile, which may be the one that an event `named`.
pub(super) fn read_back_record(read_back: &ReadBack, named: Option<&ProfileRef>) -> ReadBackRecord {
    match read_back {
        ReadBack::Due(sent) => ReadBackRecord::Due {
            profile: (named != Some(&sent.profile)).then(|| profile_record(&sent.profile)),
            braze_id: sent.braze_id.clone(),
            at: sent.at.as_millisecond(),
            parts: parts_record(sent.parts),
            missing_before: sent.missing_before,
        },
        ReadBack::Missing { parts, times } => {
            ReadBackRecord::Missing { parts: parts_record(*parts), times: *times }
        }
        ReadBack::Unplaced { since, reported } => {
            ReadBackRecord::Unplaced { since: since.as_millisecond(), reported: *reported }
        }
    }
}

pub(super) fn read_back(record: ReadBackRecord, named: Option<&ProfileRef>) -> Result<ReadBack, Why> {
    Ok(match record {
        ReadBackRecord::Due { profile: stored, braze_id, at, parts: sent, missing_before } => {
            let profile = match stored {
                Some(stored) => profile(stored)?,
                None => named.cloned().ok_or("it names no profile to read back")?,
            };
            let parts = parts(&sent)?;
            ReadBack::Due(SentParts { profile, braze_id, at: moment(at)?, parts, missing_before })
        }
        ReadBackRecord::Missing { parts: missing, times } => {
            ReadBack::Missing { parts: parts(&missing)?, times }
        }
        ReadBackRecord::Unplaced { since, reported } => {
            ReadBack::Unplaced { since: moment(since)?, reported }
        }
    })
}

fn parts_record(parts: Parts) -> PartsRecord {
    PartsRecord {
        flow: parts.flow,
        flow_event: parts.flow_event,
        reward: parts.reward,
        event: parts.event.map(Timestamp::as_millisecond),
        consent: parts.consent,
    }
}

fn parts(record: &PartsRecord) -> Result<Parts, Why> {
    let event = record.event.map(moment).transpose()?;
    let PartsRecord { flow, flow_event, reward, consent, .. } = *record;
    Ok(Parts { flow, flow_event, reward, event, consent })
}
