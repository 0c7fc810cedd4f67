//! Braze reports that the subscription of a number has changed: a consumer has answered "Y", or "STOP".
//!
//! The report credits nobody. It makes the participation due at once, and the worker then asks Braze itself. Without it,
//! the next poll finds the same.

use domain::Timestamp;
use domain::brand::Activation;
use domain::contact::{Contact, Phone};
use domain::ids::ParticipationId;
use domain::message::{QueueName, WorkMessage};
use domain::participation::Participation;
use ports::store::Saved;

use crate::accept::unreadable;
use crate::health::Part;
use crate::problem::{FieldError, Problem};
use crate::{Intake, failing};

/// How often a participation is read again because somebody else saved it in between.
const MOST_TRIES: usize = 3;

/// Makes the participation of a number due. Returns its id, or nothing if the number takes no part in the activation.
pub(crate) async fn take(
    intake: &Intake,
    activation: &Activation,
    phone: &str,
    now: Timestamp,
) -> Result<Option<String>, Problem> {
    let sms = activation.sms.as_ref().ok_or_else(Problem::unknown_event)?;
    let phone = Phone::parse(phone, sms.region).map_err(|error| {
        Problem::invalid(vec![FieldError::new("phone", error.to_string()).coded("phone-invalid")])
    })?;
    let id = intake.id_key.participation(&activation.scope, &Contact::Phone { phone, email: None });
    for _ in 0..MOST_TRIES {
        let Some(mut participation) = stored(intake, id).await? else { return Ok(None) };
        let (due_at, waits) = (participation.due_at(), participation.hears_of_subscription(now));
        if !waits {
            return Ok(Some(id.to_string()));
        }
        if participation.due_at() == due_at || save(intake, &participation).await? == Saved::Saved {
            let look = WorkMessage { brand: participation.brand().clone(), ids: vec![id] };
            intake.announcer.announce(QueueName::of(participation.channel()), look).await;
            return Ok(Some(id.to_string()));
        }
    }
    // A worker has it in hand again and again. Braze sends the webhook again after a 503.
    Err(Problem::unavailable())
}

async fn stored(intake: &Intake, id: ParticipationId) -> Result<Option<Participation>, Problem> {
    let mut read = intake.store.get(&[id]).await.map_err(|error| failed(intake, &error))?;
    match read.unreadable.first() {
        Some(one) => Err(unreadable(intake, &one.why)),
        None => Ok(read.found.pop()),
    }
}

async fn save(intake: &Intake, participation: &Participation) -> Result<Saved, Problem> {
    let saved = intake.store.save(std::slice::from_ref(participation)).await;
    let saved = saved.map_err(|error| failed(intake, &error))?;
    intake.health.worked(Part::Store);
    Ok(saved.into_iter().next().unwrap_or(Saved::Conflict))
}

fn failed(intake: &Intake, error: &ports::Error) -> Problem {
    failing::say(
        intake,
        "intake.store_failed",
        "",
        error,
        "A change of a subscription was refused with 503.",
    );
    intake.health.failed(Part::Store, error, intake.clock.now());
    Problem::unavailable()
}
