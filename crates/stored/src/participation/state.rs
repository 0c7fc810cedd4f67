//! The stored form of a state.

use domain::award::Refusal;
use domain::participation::{
    AskingWrite, EnrollState, EventProgress, Open, Outcome, SmsState, State, Target, Unanswered,
};
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
        /// Whether the number was subscribed a second time. Earlier versions did so where the first time was with the profile, and
        /// the name is theirs: a separate request was the last.
        explicitly: bool,
    },
    AwaitingOptIn {
        since: i64,
        /// The profile that was written to, of a consumer who confirms by e-mail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<TargetRecord>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked_by: Option<AskingWriteRecord>,
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

#[derive(Serialize, Deserialize)]
pub(super) struct AskingWriteRecord {
    #[serde(flatten)]
    target: TargetRecord,
    event_at: i64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub(super) enum EventRecord {
    #[default]
    NotSent,
    NotTaken(i64),
    AttemptedAt(i64),
    /// The time of the attempt, and the event's time if it is another.
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
        State::Open(Open::Enroll(state)) => enroll_record(state),
        State::Open(Open::Sms(state)) => sms_record(state),
        State::Ended(outcome) => outcome_record(outcome),
    }
}

fn enroll_record(state: &EnrollState) -> StateRecord {
    match state {
        EnrollState::Received => StateRecord::Received,
        EnrollState::Enrolling { target, event } => {
            StateRecord::Enrolling { target: target_record(target), event: event_record(*event) }
        }
        EnrollState::AwaitingOptIn { target, since } => StateRecord::AwaitingOptIn {
            since: since.as_millisecond(),
            target: Some(target_record(target)),
            asked_by: None,
        },
    }
}

fn sms_record(state: &SmsState) -> StateRecord {
    match state {
        SmsState::Received => StateRecord::Received,
        SmsState::Enrolling { target, event } => {
            StateRecord::Enrolling { target: target_record(target), event: event_record(*event) }
        }
        SmsState::Settling { target, until } => {
            StateRecord::Settling { target: target_record(target), until: until.as_millisecond() }
        }
        SmsState::Subscribing { target, event } => {
            StateRecord::Subscribing { target: target_record(target), event: event_record(*event) }
        }
        SmsState::AwaitingSubscription { target, since, repeated } => StateRecord::AwaitingSubscription {
            target: target_record(target),
            since: since.as_millisecond(),
            explicitly: *repeated,
        },
        SmsState::AwaitingOptIn { since, asked_by } => StateRecord::AwaitingOptIn {
            since: since.as_millisecond(),
            target: None,
            asked_by: asked_by.as_ref().map(|write| AskingWriteRecord {
                target: target_record(&write.target),
                event_at: write.event_at.as_millisecond(),
            }),
        },
    }
}

/// A mismatch is stored as the rejection that earlier versions wrote. Its wait is a separate field of the
/// participation's record.
fn outcome_record(outcome: &Outcome) -> StateRecord {
    match outcome {
        Outcome::Enrolled => StateRecord::Enrolled,
        Outcome::Credited => StateRecord::Credited,
        Outcome::Unverified => StateRecord::Unverified,
        Outcome::Expired => StateRecord::Expired,
        Outcome::Mismatch(_) => StateRecord::Rejected { reason: Refusal::PhoneMismatch.reason().to_owned() },
        Outcome::Rejected { reason } => StateRecord::Rejected { reason: reason.clone() },
        Outcome::Failed { reason } => StateRecord::Failed { reason: reason.clone() },
    }
}

/// The state of a participation by this way, together with its wait for an answer that never comes.
pub(super) fn state(
    record: StateRecord,
    by_number: bool,
    unanswered: Option<Unanswered>,
) -> Result<State, Why> {
    let open = |state| Ok(State::Open(state));
    let outcome = match record {
        StateRecord::Received if by_number => return open(Open::Sms(SmsState::Received)),
        StateRecord::Received => return open(Open::Enroll(EnrollState::Received)),
        StateRecord::Enrolling { target: stored, event: sent } if by_number => {
            let state = SmsState::Enrolling { target: target(stored)?, event: event(&sent)? };
            return open(Open::Sms(state));
        }
        StateRecord::Enrolling { target: stored, event: sent } => {
            let state = EnrollState::Enrolling { target: target(stored)?, event: event(&sent)? };
            return open(Open::Enroll(state));
        }
        StateRecord::Settling { target: stored, until } => {
            return open(Open::Sms(SmsState::Settling { target: target(stored)?, until: moment(until)? }));
        }
        StateRecord::Subscribing { target: stored, event: sent } => {
            let state = SmsState::Subscribing { target: target(stored)?, event: event(&sent)? };
            return open(Open::Sms(state));
        }
        StateRecord::AwaitingSubscription { target: stored, since, explicitly } => {
            let (target, since) = (target(stored)?, moment(since)?);
            let state = SmsState::AwaitingSubscription { target, since, repeated: explicitly };
            return open(Open::Sms(state));
        }
        StateRecord::AwaitingOptIn { since, target: Some(stored), .. } if !by_number => {
            let state = EnrollState::AwaitingOptIn { target: target(stored)?, since: moment(since)? };
            return open(Open::Enroll(state));
        }
        StateRecord::AwaitingOptIn { since, asked_by, .. } => {
            let asked_by = asked_by.map(asking_write).transpose()?;
            return open(Open::Sms(SmsState::AwaitingOptIn { since: moment(since)?, asked_by }));
        }
        StateRecord::Enrolled => Outcome::Enrolled,
        StateRecord::Credited => Outcome::Credited,
        StateRecord::Unverified => Outcome::Unverified,
        StateRecord::Expired => Outcome::Expired,
        StateRecord::Rejected { reason } => match unanswered {
            Some(wait) => Outcome::Mismatch(wait),
            None => Outcome::Rejected { reason },
        },
        StateRecord::Failed { reason } => Outcome::Failed { reason },
    };
    Ok(State::Ended(outcome))
}

fn target_record(target: &Target) -> TargetRecord {
    TargetRecord { profile: profile_record(&target.profile), create: target.create }
}

fn asking_write(record: AskingWriteRecord) -> Result<AskingWrite, Why> {
    Ok(AskingWrite { target: target(record.target)?, event_at: moment(record.event_at)? })
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
