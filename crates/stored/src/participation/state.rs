//! The stored form of a state.

use domain::participation::{EventProgress, State, Target};
use serde::{Deserialize, Serialize};

use crate::error::Why;
use crate::profile::{ProfileRecord, profile, profile_record};
use crate::values::moment;

#[derive(Serialize, Deserialize)]
pub(super) struct TargetRecord {
    profile: ProfileRecord,
    create: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub(super) enum StateRecord {
    Received,
    Enrolling {
        #[serde(flatten)]
        target: TargetRecord,
        #[serde(default, skip_serializing_if = "EventRecord::is_not_sent")]
        event: EventRecord,
    },
    Settling {
        #[serde(flatten)]
        target: TargetRecord,
        until: i64,
    },
    Subscribing {
        #[serde(flatten)]
        target: TargetRecord,
        #[serde(default, skip_serializing_if = "EventRecord::is_not_sent")]
        event: EventRecord,
    },
    AwaitingSubscription {
        #[serde(flatten)]
        target: TargetRecord,
        since: i64,
        explicitly: bool,
    },
    AwaitingOptIn {
        since: i64,
    },
    Enrolled,
    Credited,
    Unverified,
    Expired,
    Rejected {
        reason: String,
    },
    Failed {
        reason: String,
    },
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub(super) enum EventRecord {
    #[default]
    NotSent,
    NotTaken(i64),
    AttemptedAt(i64),
    /// When, and the event's time where that is another.
    Attempted(i64, i64),
    Recorded,
}

impl EventRecord {
    pub(super) fn is_not_sent(&self) -> bool {
        matches!(self, Self::NotSent)
    }
}

pub(super) fn state_record(state: &State) -> StateRecord {
    match state {
        State::Received => StateRecord::Received,
        State::Enrolling { target, event } => {
            StateRecord::Enrolling { target: target_record(target), event: event_record(*event) }
        }
        State::Settling { target, until } => {
            StateRecord::Settling { target: target_record(target), until: until.as_millisecond() }
        }
        State::Subscribing { target, event } => {
            StateRecord::Subscribing { target: target_record(target), event: event_record(*event) }
        }
        State::AwaitingSubscription { target, since, explicitly } => StateRecord::AwaitingSubscription {
            target: target_record(target),
            since: since.as_millisecond(),
            explicitly: *explicitly,
        },
        State::AwaitingOptIn { since } => StateRecord::AwaitingOptIn { since: since.as_millisecond() },
        State::Enrolled => StateRecord::Enrolled,
        State::Credited => StateRecord::Credited,
        State::Unverified => StateRecord::Unverified,
        State::Expired => StateRecord::Expired,
        State::Rejected { reason } => StateRecord::Rejected { reason: reason.clone() },
        State::Failed { reason } => StateRecord::Failed { reason: reason.clone() },
    }
}

pub(super) fn state(record: StateRecord) -> Result<State, Why> {
    Ok(match record {
        StateRecord::Received => State::Received,
        StateRecord::Enrolling { target: stored, event: sent } => {
            State::Enrolling { target: target(stored)?, event: event(&sent)? }
        }
        StateRecord::Settling { target: stored, until } => {
            State::Settling { target: target(stored)?, until: moment(until)? }
        }
        StateRecord::Subscribing { target: stored, event: sent } => {
            State::Subscribing { target: target(stored)?, event: event(&sent)? }
        }
        StateRecord::AwaitingSubscription { target: stored, since, explicitly } => {
            State::AwaitingSubscription { target: target(stored)?, since: moment(since)?, explicitly }
        }
        StateRecord::AwaitingOptIn { since } => State::AwaitingOptIn { since: moment(since)? },
        StateRecord::Enrolled => State::Enrolled,
        StateRecord::Credited => State::Credited,
        StateRecord::Unverified => State::Unverified,
        StateRecord::Expired => State::Expired,
        StateRecord::Rejected { reason } => State::Rejected { reason },
        StateRecord::Failed { reason } => State::Failed { reason },
    })
}

fn target_record(target: &Target) -> TargetRecord {
    TargetRecord { profile: profile_record(&target.profile), create: target.create }
}

fn target(record: TargetRecord) -> Result<Target, Why> {
    Ok(Target { profile: profile(record.profile)?, create: record.create })
}

pub(super) fn event_record(event: EventProgress) -> EventRecord {
    match event {
        EventProgress::NotSent => EventRecord::NotSent,
        EventProgress::NotTaken { time } => EventRecord::NotTaken(time.as_millisecond()),
        EventProgress::Attempted { at, time } if at == time => EventRecord::AttemptedAt(at.as_millisecond()),
        EventProgress::Attempted { at, time } => {
            EventRecord::Attempted(at.as_millisecond(), time.as_millisecond())
        }
        EventProgress::Recorded => EventRecord::Recorded,
    }
}

pub(super) fn event(record: &EventRecord) -> Result<EventProgress, Why> {
    Ok(match record {
        EventRecord::NotSent => EventProgress::NotSent,
        EventRecord::NotTaken(time) => EventProgress::NotTaken { time: moment(*time)? },
        EventRecord::AttemptedAt(at) => EventProgress::Attempted { at: moment(*at)?, time: moment(*at)? },
        EventRecord::Attempted(at, time) => {
            EventProgress::Attempted { at: moment(*at)?, time: moment(*time)? }
        }
        EventRecord::Recorded => EventProgress::Recorded,
    })
}
