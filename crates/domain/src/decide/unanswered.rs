//! The wait that unsigned callers see instead of a mismatch. It ends when a real wait would end.

use std::time::Duration;

use crate::Timestamp;
use crate::brand::{Activation, OptIn};
use crate::decide::{Step, Terms, sms};
use crate::participation::Participation;
use crate::time::later;

/// The next step of the wait, if there is a wait that has not ended.
pub(super) fn decide(participation: &Participation, terms: &Terms<'_>, now: Timestamp) -> Option<Step> {
    let wait = participation.state().unanswered().filter(|wait| wait.ended_at.is_none())?;
    let until = later(wait.since, patience(terms.activation));
    Some(if now < until { Step::Defer { shown: participation.shown(), until } } else { Step::StopWaiting })
}

/// How long the flow would wait for a real answer.
fn patience(activation: &Activation) -> Duration {
    match activation.sms.as_ref().map(|sms| &sms.opt_in) {
        Some(OptIn::Double { window, .. }) => *window,
        Some(OptIn::Single { .. }) => sms::UNVERIFIED_AFTER,
        // The way in is no longer configured, so a real wait would end, too.
        None => Duration::ZERO,
    }
}
