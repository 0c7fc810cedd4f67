//! Refuses new participations in an activation that an operator has paused. Existing participants get the usual answer.
//!
//! The store is asked every few seconds. If it does not answer, its last answer counts. A store that does not answer usually accepts no participation either.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;
use domain::brand::Activation;
use domain::ids::{ParticipationId, Scope};
use domain::time::between;
use parking_lot::Mutex;

use crate::Intake;
use crate::problem::Problem;
use crate::room::takes_part;

/// How long an answer of the store counts. A pause takes effect within this time.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// What is known of the pauses of activations.
#[derive(Debug, Default)]
pub(crate) struct KnownPauses(Mutex<HashMap<Scope, KnownPause>>);

#[derive(Debug, Clone, Copy)]
struct KnownPause {
    asked_at: Timestamp,
    since: Option<Timestamp>,
}

/// Since when an activation is paused; `None` if it is not.
pub(crate) async fn since(intake: &Intake, scope: &Scope) -> Option<Timestamp> {
    let now = intake.clock.now();
    let known = intake.known_pauses.0.lock().get(scope).copied();
    if let Some(known) = known.filter(|known| between(known.asked_at, now) < FRESH_FOR) {
        return known.since;
    }
    match intake.pauses.paused_since(scope).await {
        Ok(since) => {
            intake.known_pauses.0.lock().insert(scope.clone(), KnownPause { asked_at: now, since });
            since
        }
        Err(error) => {
            intake.health.failed(&error, now);
            known.and_then(|known| known.since)
        }
    }
}

/// Refuses a participation that is not stored yet, if its activation is paused.
pub(crate) async fn check(
    intake: &Intake,
    activation: &Activation,
    participation: ParticipationId,
) -> Result<(), Problem> {
    match since(intake, &activation.scope).await {
        Some(_) if !takes_part(intake, participation).await? => Err(Problem::paused()),
        Some(_) | None => Ok(()),
    }
}
