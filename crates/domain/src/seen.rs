//! What a participation looks like from outside: to callers that sign, and to anybody.
//!
//! Anybody can post somebody else's address with a phone number. If the answer showed that the profile carries another number, a
//! script could find out which belong together. To a caller that does not sign, such a mismatch therefore looks like a question that
//! the consumer never answers, from the same moment on and with the same times.

use crate::Timestamp;
use crate::award::{Award, Standing};
use crate::participation::{EventProgress, Participation, State};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// The brand's back end, by its signature.
    Signed,
    /// Anybody.
    Unsigned,
}

/// How far a participation seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    /// The state's name.
    pub state: &'static str,
    /// Why it ended without success, where that may be told.
    pub reason: Option<&'a str>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

const SUBSCRIBING: &str = "subscribing";
const AWAITING_OPT_IN: &str = "awaiting_opt_in";

/// What is shown of a participation.
#[must_use]
pub fn participation(participation: &Participation, asking: Asking) -> Seen<'_> {
    let state = &participation.state;
    match asking {
        Asking::Signed => {
            Seen { state: state.name(), reason: state.reason(), updated_at: participation.updated_at }
        }
        Asking::Unsigned => to_anybody(participation),
    }
}

/// A rejection's reason may say something about a person, be it Braze's or ours; a failure's says that something did not work.
fn to_anybody(participation: &Participation) -> Seen<'_> {
    let seen = |state, updated_at| Seen { state, reason: None, updated_at };
    let updated_at = participation.updated_at;
    match (&participation.state, &participation.unanswered) {
        (State::Rejected { .. }, Some(wait)) => match (wait.ended_at, wait.double) {
            (None, true) => seen(AWAITING_OPT_IN, wait.since),
            (None, false) => seen(SUBSCRIBING, wait.since),
            (Some(ended_at), true) => seen(State::Expired.name(), ended_at),
            (Some(ended_at), false) => seen(State::Unverified.name(), ended_at),
        },
        // The looks of a wait, and the moment between the question and Braze's answer to it, are the same as no news.
        (State::Subscribing { event: EventProgress::Attempted { at, .. }, .. }, _) => {
            seen(AWAITING_OPT_IN, *at)
        }
        (State::AwaitingOptIn { since }, _) => seen(AWAITING_OPT_IN, *since),
        (State::AwaitingSubscription { since, .. }, _) => seen(SUBSCRIBING, *since),
        (State::Failed { reason }, _) => {
            Seen { reason: Some(reason), ..seen(participation.state.name(), updated_at) }
        }
        (
            State::Received
            | State::Enrolling { .. }
            | State::Settling { .. }
            | State::Subscribing { .. }
            | State::Enrolled
            | State::Credited
            | State::Unverified
            | State::Expired
            | State::Rejected { .. },
            _,
        ) => seen(participation.state.name(), updated_at),
    }
}

/// What is shown of a participation's award: while a mismatch looks like a wait, the award seems to stand as it did before.
#[must_use]
pub fn award(participation: &Participation, award: Award, asking: Asking) -> Award {
    let wait = participation.unanswered.as_ref().filter(|wait| wait.ended_at.is_none());
    match (asking, wait.and_then(|wait| wait.standing.as_ref())) {
        (Asking::Unsigned, Some(standing)) if award.standing == Standing::Released => {
            Award { standing: standing.clone(), ..award }
        }
        (Asking::Signed | Asking::Unsigned, _) => award,
    }
}
