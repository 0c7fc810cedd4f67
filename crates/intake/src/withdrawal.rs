//! A consumer who takes part says no to e-mail: the consent is withdrawn, and nothing else changes.

use domain::Timestamp;
use domain::brand::Brand;
use domain::ids::ParticipationId;
use domain::participation::Participation;
use domain::time::later;
use ports::store::Saved;

use crate::accept::unreadable;
use crate::problem::Problem;
use crate::{Intake, failing};

/// How often a participation is read again because somebody else saved it in between.
const MOST_TRIES: usize = 5;

/// Withdraws the consent to e-mail of a participation. Returns it as it is stored; `None` if there is no such
/// participation.
pub(crate) async fn obey(
    intake: &Intake,
    brand: &Brand,
    id: ParticipationId,
    now: Timestamp,
) -> Result<Option<Participation>, Problem> {
    for _ in 0..MOST_TRIES {
        let mut read = intake.store.get(&[id]).await.map_err(|error| failed(intake, &error))?;
        if let Some(one) = read.unreadable.first() {
            return Err(unreadable(intake, &one.why));
        }
        let Some(mut participation) = read.found.pop() else { return Ok(None) };
        // Braze may apply two writes in any order, so the withdrawal is written when an earlier one is applied.
        if !participation.withdraws_email(now, later(now, brand.braze.settle)) {
            return Ok(Some(participation));
        }
        let saved = intake.store.save(std::slice::from_ref(&participation)).await;
        if saved.map_err(|error| failed(intake, &error))?.first() == Some(&Saved::Saved) {
            intake.health.worked();
            tracing::info!(event = "intake.consent_withdrawn", participation = %id, scope = %participation.scope(), "A consumer has withdrawn a consent.");
            return Ok(Some(participation));
        }
    }
    // A worker has it in hand again and again.
    Err(Problem::unavailable())
}

fn failed(intake: &Intake, error: &ports::Error) -> Problem {
    failing::say(intake, "intake.store_failed", "", error, "A withdrawal of consent was refused with 503.");
    intake.health.failed(error, intake.clock.now());
    Problem::unavailable()
}
