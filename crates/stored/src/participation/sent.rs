//! The stored form of what was written to a profile and is to be read back.

use domain::Timestamp;
use domain::participation::{GivenUp, Parts, ReadBack, SentParts, Unplaced};
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
    /// The reward was given up, and nothing is to be read back.
    Unplaced(GivenUpRecord),
}

/// What was given up beside what [`ReadBackRecord`] says, which is all that earlier versions know.
#[derive(Serialize, Deserialize)]
pub(super) struct UnplacedRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reward: Option<GivenUpRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flow_event: Option<GivenUpRecord>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct GivenUpRecord {
    since: i64,
    #[serde(default, skip_serializing_if = "is_false")]
    reported: bool,
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

fn read_back_record(read_back: &ReadBack, named: Option<&ProfileRef>) -> ReadBackRecord {
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
    }
}

/// The records of what is to be read back from a profile, which may be the one that an event `named`, and of what was given
/// up.
pub(super) fn sent_records(
    read_back: Option<&ReadBack>,
    unplaced: Unplaced,
    named: Option<&ProfileRef>,
) -> (Option<ReadBackRecord>, Option<UnplacedRecord>) {
    let record = |given_up: GivenUp| GivenUpRecord {
        since: given_up.since.as_millisecond(),
        reported: given_up.reported,
    };
    let (reward, flow_event) = (unplaced.reward.map(record), unplaced.flow_event.map(record));
    let (read_back, reward) = match read_back {
        Some(read_back) => (Some(read_back_record(read_back, named)), reward),
        None => (reward.map(ReadBackRecord::Unplaced), None),
    };
    let is_empty = reward.is_none() && flow_event.is_none();
    (read_back, (!is_empty).then_some(UnplacedRecord { reward, flow_event }))
}

/// What is to be read back or written again of a profile, which may be the one that an event `named`, and what was given
/// up.
pub(super) fn sent(
    record: Option<ReadBackRecord>,
    unplaced: Option<UnplacedRecord>,
    named: Option<&ProfileRef>,
) -> Result<(Option<ReadBack>, Unplaced), Why> {
    let unplaced = match unplaced {
        None => Unplaced::default(),
        Some(UnplacedRecord { reward, flow_event }) => Unplaced {
            reward: reward.map(given_up).transpose()?,
            flow_event: flow_event.map(given_up).transpose()?,
        },
    };
    let read_back = match record {
        None => None,
        Some(ReadBackRecord::Due { profile: stored, braze_id, at, parts: sent, missing_before }) => {
            let profile = match stored {
                Some(stored) => profile(stored)?,
                None => named.cloned().ok_or("it names no profile to read back")?,
            };
            let parts = parts(&sent)?;
            Some(ReadBack::Due(SentParts { profile, braze_id, at: moment(at)?, parts, missing_before }))
        }
        Some(ReadBackRecord::Missing { parts: missing, times }) => {
            Some(ReadBack::Missing { parts: parts(&missing)?, times })
        }
        Some(ReadBackRecord::Unplaced(record)) => {
            return Ok((None, Unplaced { reward: Some(given_up(record)?), ..unplaced }));
        }
    };
    Ok((read_back, unplaced))
}

fn given_up(record: GivenUpRecord) -> Result<GivenUp, Why> {
    Ok(GivenUp { since: moment(record.since)?, reported: record.reported })
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
