//! What a credit is, and when it may be given.
//!
//! A credit is a moment kept in the participation itself. Participations are saved under a condition on their
//! version, and there is one per consumer, activation and channel: so a consumer is credited at most once, whoever
//! tries how often.

use crate::Timestamp;
use crate::brand::CreditMoment;
use crate::participation::{Outcome, Participation};

/// The credit a participation starts with.
#[must_use]
pub fn on_receipt(moment: CreditMoment, accepted_at: Timestamp) -> Option<Timestamp> {
    match moment {
        CreditMoment::OnReceipt => Some(accepted_at),
        CreditMoment::OnEnrollment => None,
    }
}

/// The credit a participation has once it ends: what was given stays given, and enrollment gives what receipt did not.
#[must_use]
pub fn on_end(participation: &Participation, outcome: &Outcome, now: Timestamp) -> Option<Timestamp> {
    participation.credited_at.or(match outcome {
        Outcome::Enrolled | Outcome::Credited => Some(now),
        Outcome::Unverified | Outcome::Expired | Outcome::Rejected { .. } | Outcome::Failed { .. } => None,
    })
}
