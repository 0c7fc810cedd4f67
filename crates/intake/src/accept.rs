//! What all routes that accept participations have in common: the activation is open, and the participation
//! is durable before the answer.

use domain::Timestamp;
use domain::accept;
use domain::attributes::AttributeValue;
use domain::brand::{Activation, Brand, Phase};
use domain::message::{QueueName, WorkMessage};
use domain::participation::Participation;
use ports::error::in_full;
use ports::store::Inserted;
use serde_json::Value;

use crate::problem::Problem;
use crate::{Intake, failing, paused, room};

/// Checks that the activation accepts participations now. `field` is its field in the body.
pub(crate) fn open(activation: &Activation, field: &str, now: Timestamp) -> Result<(), Problem> {
    match activation.phase(now) {
        Phase::Upcoming => Err(Problem::not_open_yet(field, activation.opens)),
        Phase::Closed => Err(Problem::closed(field, activation.closes)),
        Phase::Open => Ok(()),
    }
}

/// Stores a participation with its line in the incentive's ledger, if the activation has room for it, and
/// announces it if it is new. `field` is the activation's field in the body.
pub(crate) async fn keep(
    intake: &Intake,
    terms: (&Brand, &Activation),
    participation: &Participation,
    field: &str,
) -> Result<Inserted, Problem> {
    paused::check(intake, terms.1, participation.id()).await?;
    let admitted = room::enter(intake, terms.1, participation.id(), field).await?;
    let entry = accept::entry(participation, terms, &intake.id_key);
    let stored = intake.store.insert(participation, entry.as_ref()).await.map_err(|error| {
        if matches!(error, ports::Error::Corrupt(_)) {
            return unreadable(intake, &error);
        }
        failing::say(intake, "intake.store_failed", "", &error, "A participation was refused with 503.");
        // The panic was about this participation, so others can still be stored.
        if matches!(error, ports::Error::Panicked { .. }) {
            return Problem::internal();
        }
        intake.health.failed(&error, intake.clock.now());
        Problem::unavailable()
    })?;
    intake.health.worked();
    if let Some(admitted) = admitted {
        admitted.resolve(matches!(stored, Inserted::New(_)));
    }
    if matches!(stored, Inserted::New(_)) {
        let look = WorkMessage { brand: participation.brand().clone(), ids: vec![participation.id()] };
        intake.announcer.announce(QueueName::of(participation.channel()), look).await;
        room::tell(intake, terms.1).await;
        tracing::debug!(event = "intake.accepted", participation = %participation.id(), scope = %participation.scope(), "A participation was accepted.");
    }
    Ok(stored)
}

/// Reports a stored participation that cannot be read, once a minute. The store itself has not failed.
pub(crate) fn unreadable(intake: &Intake, error: &ports::Error) -> Problem {
    let now = intake.clock.now();
    if intake.troubles.repeats().line("intake.unreadable", &error.to_string(), now).is_some() {
        tracing::error!(event = "intake.unreadable", error = %in_full(error), "A stored participation was requested and cannot be read.");
    }
    Problem::unreadable()
}

/// The most bytes that the attributes of one participation may take in storage, names and values together.
/// Larger ones from before this limit can still be read.
pub(crate) const MOST_ATTRIBUTE_BYTES: usize = 4_096;

/// A value that can be stored; `None` for null and for nested values.
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
