//! Braze reports that the subscription of a number or an address has changed: a consumer has answered "Y" or "STOP", or has
//! confirmed by e-mail.
//!
//! The report credits nobody. It makes the participation due at once, and the worker then asks Braze itself. Without it,
//! the next poll finds the same.

use domain::Timestamp;
use domain::brand::{Activation, Brand};
use domain::contact::{Contact, Phone};
use domain::ids::ParticipationId;
use domain::message::{QueueName, WorkMessage};
use domain::participation::Participation;
use ports::store::Saved;

use crate::accept::unreadable;
use crate::field_error::FieldError;
use crate::problem::Problem;
use crate::spelling::as_known;
use crate::webhook_event::ChangedContact;
use crate::{Intake, failing};

/// How often a participation is read again because somebody else saved it in between.
const MOST_TRIES: usize = 3;

/// Makes the participation of a contact due. Returns its id, or nothing if the contact takes no part in the activation.
pub(crate) async fn take(
    intake: &Intake,
    terms: (&Brand, &Activation),
    changed: ChangedContact,
    now: Timestamp,
) -> Result<Option<String>, Problem> {
    let contact = contact(intake, terms, changed).await?;
    let id = intake.id_key.participation(&terms.1.scope, &contact);
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

/// The contact, if consumers with such a contact wait for their subscription.
async fn contact(
    intake: &Intake,
    terms: (&Brand, &Activation),
    changed: ChangedContact,
) -> Result<Contact, Problem> {
    let activation = terms.1;
    match changed {
        ChangedContact::Phone(phone) => {
            let sms = activation.sms.as_ref().ok_or_else(Problem::unknown_event)?;
            let phone = Phone::parse(&phone, sms.region).map_err(|error| {
                Problem::invalid(vec![FieldError::new("phone", error.to_string(), "phone-invalid")])
            })?;
            Ok(Contact::Phone { phone, email: None })
        }
        ChangedContact::Email(email) => {
            let opt_in = activation.email.as_ref().and_then(|email| email.opt_in.as_ref());
            if opt_in.is_none() && activation.sms.is_some() {
                return Err(Problem::invalid(vec![FieldError::missing("phone")]));
            }
            opt_in.ok_or_else(Problem::unknown_event)?;
            as_known(intake, terms, email).await.map(Contact::Email)
        }
    }
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
    intake.health.worked();
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
    intake.health.failed(error, intake.clock.now());
    Problem::unavailable()
}
