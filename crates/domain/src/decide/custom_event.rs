//! Sends a custom event once. Braze counts every event that it gets, so an attempt is stored before it is
//! made. If its outcome is unknown, the profile is asked whether the event is there.

use crate::Timestamp;
use crate::decide::{Facts, ProfileEvent, Question, Written};
use crate::participation::EventProgress;
use crate::profile::ProfileRef;

/// What to do about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Send it.
    Send,
    /// The event is on the profile.
    Recorded,
    /// Ask whether the event is on the profile.
    Ask(Question),
    /// Wait until this moment, with the attempt in this state.
    Wait(EventProgress, Timestamp),
    /// Braze refuses the event for good.
    Refused(String),
}

/// The next step for an event. `settled` says when Braze has certainly applied what it received at a given
/// moment.
pub(super) fn next(
    event: &ProfileEvent,
    profile: &ProfileRef,
    progress: EventProgress,
    facts: &Facts,
    now: Timestamp,
    settled: impl Fn(Timestamp) -> Timestamp,
) -> Next {
    match (&facts.written, progress) {
        (_, EventProgress::Recorded) | (Some(Written::Done), _) => Next::Recorded,
        (Some(Written::Refused { reason }), _) => Next::Refused(reason.clone()),
        (Some(Written::NotDone { retry_at }), _) => {
            Next::Wait(EventProgress::NotTaken { time: event.time }, *retry_at)
        }
        (Some(Written::Unknown { retry_at }), _) => Next::Wait(progress, settled(now).max(*retry_at)),
        (None, EventProgress::NotSent | EventProgress::NotTaken { .. }) => Next::Send,
        (None, EventProgress::Attempted { at, .. }) if now < settled(at) => Next::Wait(progress, settled(at)),
        (None, EventProgress::Attempted { .. }) => match facts.recorded {
            None => Next::Ask(Question::EventRecorded {
                profile: profile.clone(),
                event: event.name.clone(),
                since: event.time,
            }),
            Some(true) => Next::Recorded,
            Some(false) => Next::Send,
        },
    }
}
