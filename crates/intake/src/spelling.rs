//! An address that an earlier version knew in another form. A consumer who took part under that form is the
//! same participant, with the same ids.

use domain::brand::{Activation, Brand};
use domain::contact::{Contact, Email, EmailError};
use domain::ids::ParticipationId;

use crate::problem::Problem;
use crate::{Intake, failing};

/// An address as it was typed.
#[derive(Clone)]
pub(crate) struct Typed {
    /// The canonical form.
    pub(crate) email: Email,
    /// The forms that earlier versions may have stored.
    pub(crate) earlier: Vec<Email>,
}

impl Typed {
    pub(crate) fn parse(text: &str) -> Result<Self, EmailError> {
        let email = Email::parse(text)?;
        let earlier = email.earlier_forms(text);
        Ok(Self { email, earlier })
    }
}

/// Returns the address in the form in which this activation or the brand knows it already, or else in its
/// canonical form. Most addresses have only one form and cost nothing here.
pub(crate) async fn as_known(
    intake: &Intake,
    (brand, activation): (&Brand, &Activation),
    typed: Typed,
) -> Result<Email, Problem> {
    let Typed { email, earlier } = typed;
    if earlier.is_empty() || took_part(intake, activation, &email).await? {
        return Ok(email);
    }
    for form in earlier {
        let contact = intake.id_key.contact(&brand.id, &Contact::Email(form.clone()));
        let known =
            intake.store.profile_hints(&[contact]).await.map_err(|error| unavailable(intake, &error))?;
        if !known.profiles.is_empty() || took_part(intake, activation, &form).await? {
            return Ok(form);
        }
    }
    Ok(email)
}

/// Whether a participation with this form of an address exists, in one of the ways whose ids can be computed.
async fn took_part(intake: &Intake, activation: &Activation, email: &Email) -> Result<bool, Problem> {
    let contact = Contact::Email(email.clone());
    let mut ids: Vec<ParticipationId> = vec![intake.id_key.participation(&activation.scope, &contact)];
    let events = activation.events.keys();
    ids.extend(events.map(|event| intake.id_key.event(&activation.scope, event, &contact, None)));
    for some in ids.chunks(ports::store::MOST_ITEMS) {
        let found = intake.store.get(some).await.map_err(|error| unavailable(intake, &error))?;
        if !(found.found.is_empty() && found.unreadable.is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unavailable(intake: &Intake, error: &ports::Error) -> Problem {
    failing::say(intake, "intake.store_failed", "", error, "A participation was refused with 503.");
    intake.health.failed(error, intake.clock.now());
    Problem::unavailable()
}
