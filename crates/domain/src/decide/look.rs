//! Looks at whether Braze has applied what we wrote, between the write and the moment when the flow goes on in any case.
//!
//! A look is announced by a message alone: the participation stays as it was stored, and is due when it was due. A look that is
//! lost, or finds nothing, costs no save.

use std::time::Duration;

use crate::Timestamp;
use crate::brand::{Activation, OptIn, Subscribe};
use crate::participation::{Open, Participation, SmsState, State};
use crate::profile::ProfileRef;
use crate::time::later;

/// Seconds after a write at which the profile is asked for.
const FOR_PROFILE: &[u64] = &[3, 7, 11, 16, 23, 34, 51, 77];

/// Seconds after the write that creates a profile at which its subscription is read.
const FOR_SUBSCRIPTION_OF_PROFILE: &[u64] = &[4, 11, 30, 60];

/// Seconds after a subscription at which it is read. It is also read at once.
const FOR_SUBSCRIPTION: &[u64] = &[5, 30, 60];

/// Whether Braze can be asked for many such profiles in one request.
pub(super) fn is_asked_for_with_others(profile: &ProfileRef) -> bool {
    match profile {
        ProfileRef::Alias(_) | ProfileRef::ExternalId(_) => true,
        ProfileRef::BrazeId(_) | ProfileRef::Email(_) | ProfileRef::Phone(_) => false,
    }
}

/// When the participation waits to be looked at next, if it does.
#[must_use]
pub fn next_look(
    participation: &Participation,
    activation: &Activation,
    now: Timestamp,
) -> Option<Timestamp> {
    let (since, seconds) = looks(participation, activation)?;
    let due = participation.due_at()?;
    let moments = seconds.iter().map(|seconds| later(since, Duration::from_secs(*seconds)));
    moments.into_iter().find(|moment| *moment > now && *moment < due)
}

/// Whether the participation may be looked at, although it is not due.
#[must_use]
pub fn may_look(participation: &Participation, activation: &Activation, now: Timestamp) -> bool {
    looks(participation, activation).is_some_and(|(since, seconds)| {
        seconds.first().is_some_and(|first| now >= later(since, Duration::from_secs(*first)))
    })
}

/// Since when it waits for what we wrote, and after how many seconds it is looked at.
fn looks(participation: &Participation, activation: &Activation) -> Option<(Timestamp, &'static [u64])> {
    let State::Open(Open::Sms(state)) = participation.state() else { return None };
    match state {
        SmsState::Settling { target, .. } => is_asked_for_with_others(&target.profile)
            // It is put off in the moment of the write.
            .then(|| (participation.updated_at(), FOR_PROFILE)),
        SmsState::AwaitingSubscription { since, repeated: false, .. } => Some((
            *since,
            if comes_with_profile(activation) { FOR_SUBSCRIPTION_OF_PROFILE } else { FOR_SUBSCRIPTION },
        )),
        SmsState::Received
        | SmsState::Enrolling { .. }
        | SmsState::Subscribing { .. }
        | SmsState::AwaitingSubscription { .. }
        | SmsState::AwaitingOptIn { .. } => None,
    }
}

fn comes_with_profile(activation: &Activation) -> bool {
    let opt_in = activation.sms.as_ref().map(|sms| &sms.opt_in);
    matches!(opt_in, Some(OptIn::Single { subscribe: Subscribe::WithProfile }))
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
