//! A later request for a number whose consumer has not confirmed yet: its details replace the earlier ones.

use domain::Timestamp;
use domain::brand::Brand;
use domain::message::{QueueName, WorkMessage};
use domain::participation::Participation;
use ports::store::Saved;

use crate::accept::unreadable;
use crate::problem::Problem;
use crate::{Intake, failing};

/// How often a participation is read again because somebody else saved it in between.
const MOST_TRIES: usize = 5;

/// Replaces the details of `stored` with those that were `asked`, if they differ and the consumer has not confirmed yet.
/// Returns the participation as it is stored then.
pub(crate) async fn replace(
    intake: &Intake,
    brand: &Brand,
    asked: &Participation,
    mut stored: Participation,
    now: Timestamp,
) -> Result<Participation, Problem> {
    for _ in 0..MOST_TRIES {
        if !stored.replaces_details(asked, brand.braze.settle, &intake.id_key, now) {
            return Ok(stored);
        }
        let saved = intake.store.save(std::slice::from_ref(&stored)).await;
        if saved.map_err(|error| failed(intake, &error))?.first() == Some(&Saved::Saved) {
            intake.health.worked();
            let look = WorkMessage { brand: brand.id.clone(), ids: vec![stored.id()] };
            intake.announcer.announce(QueueName::of(stored.channel()), look).await;
            tracing::info!(event = "intake.details_replaced", participation = %stored.id(), scope = %stored.scope(), "A later request has replaced the details of a participation that is not confirmed.");
            return Ok(stored);
        }
        let mut read = intake.store.get(&[asked.id()]).await.map_err(|error| failed(intake, &error))?;
        if let Some(one) = read.unreadable.first() {
            return Err(unreadable(intake, &one.why));
        }
        stored = read.found.pop().ok_or_else(Problem::unavailable)?;
    }
    // A worker has it in hand again and again.
    Err(Problem::unavailable())
}

fn failed(intake: &Intake, error: &ports::Error) -> Problem {
    failing::say(intake, "intake.store_failed", "", error, "A repeated participation was refused with 503.");
    intake.health.failed(error, intake.clock.now());
    Problem::unavailable()
}
