//! What every way in has in common: the activation is open, and the participation is durable before the answer.

use domain::Timestamp;
use domain::accept;
use domain::attributes::AttributeValue;
use domain::brand::{Activation, Brand, Phase};
use domain::message::{QueueName, WorkMessage};
use domain::participation::Participation;
use ports::error::in_full;
use ports::store::Inserted;
use serde_json::Value;

use crate::health::Part;
use crate::problem::Problem;
use crate::{Entering, Intake, failing, room};

/// Whether the activation takes participations now. `field` is what names it in the body.
pub(crate) fn open(activation: &Activation, field: &str, now: Timestamp) -> Result<(), Problem> {
    match activation.phase(now) {
        Phase::Upcoming => Err(Problem::not_open_yet(field, activation.opens)),
        Phase::Closed => Err(Problem::closed(field, activation.closes)),
        Phase::Open => Ok(()),
    }
}

/// Stores a participation, if the activation has room for it, with its place in the incentive's ledger, and announces it if it is new.
/// `field` is what names the activation in the body.
pub(crate) async fn keep(
    intake: &Intake,
    terms: (&Brand, &Activation),
    participation: &Participation,
    field: &str,
) -> Result<Inserted, Problem> {
    let admitted = room::enter(intake, terms.1, participation.id(), field).await?;
    let entry = accept::entry(participation, terms, &intake.id_key);
    let stored = intake.store.insert(participation, entry.as_ref()).await.map_err(|error| {
        if matches!(error, ports::Error::Corrupt(_)) {
            return unreadable(intake, &error);
        }
        failing::say(intake, "intake.store_failed", "", &error, "A participation was refused with 503.");
        // A panic was about this participation: others can be kept.
        if matches!(error, ports::Error::Panicked { .. }) {
            return Problem::internal();
        }
        intake.health.failed(Part::Store, &error, intake.clock.now());
        Problem::unavailable()
    })?;
    intake.health.worked(Part::Store);
    if let Some(admitted) = admitted {
        admitted.resolve(stored == Inserted::New);
    }
    if participation.has_award() && intake.entering == Entering::InOrder {
        // A repeat is queued again: the message may be what was missing the first time.
        let look = WorkMessage { brand: participation.brand().clone(), ids: vec![participation.id()] };
        intake.announcer.queue(QueueName::Awards, look).await.map_err(|error| {
            failing::say(intake, "intake.queue_failed", "", &error, "A participation was refused with 503.");
            intake.health.failed(Part::Queue, &error, intake.clock.now());
            Problem::unavailable()
        })?;
        intake.health.worked(Part::Queue);
    }
    if stored == Inserted::New {
        if !(participation.has_award() && intake.entering == Entering::InOrder) {
            let look = WorkMessage { brand: participation.brand().clone(), ids: vec![participation.id()] };
            intake.announcer.announce(QueueName::of(participation.channel()), look).await;
        }
        room::tell(intake, terms.1).await;
        tracing::debug!(event = "intake.accepted", participation = %participation.id(), scope = %participation.scope(), "A participation was accepted.");
    }
    Ok(stored)
}

/// Reports that something stored cannot be read, once a minute: it is no trouble of the store.
pub(crate) fn unreadable(intake: &Intake, error: &ports::Error) -> Problem {
    let now = intake.clock.now();
    if intake.troubles.repeats().line("intake.unreadable", &error.to_string(), now).is_some() {
        tracing::error!(event = "intake.unreadable", error = %in_full(error), "A stored participation was asked for and cannot be read.");
    }
    Problem::unreadable()
}

/// How many bytes the attributes of one participation may take where they are stored, names and values together. What was stored when they
/// could take more is read all the same.
pub(crate) const MOST_ATTRIBUTE_BYTES: usize = 4_096;

/// A value that can be kept; `None` for nothing and for what is nested.
pub(crate) fn attribute(value: Value) -> Option<AttributeValue> {
    match value {
        Value::String(text) => Some(AttributeValue::Text(text)),
        Value::Bool(value) => Some(AttributeValue::Boolean(value)),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Some(AttributeValue::Integer(number)),
            None => number.as_f64().map(AttributeValue::Float),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
