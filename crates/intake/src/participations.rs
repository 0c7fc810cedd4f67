//! `POST /participations` and `GET /participations/{id}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use domain::Timestamp;
use domain::attributes::{AttributeValue, Attributes};
use domain::brand::{Activation, Brand, EmailActivation, Phase};
use domain::contact::Email;
use domain::identity::{Channel, ParticipationId, Scope};
use domain::message::Look;
use domain::participation::Participation;
use http::StatusCode;
use ports::error::in_full;
use ports::store::Inserted;
use serde::Serialize;
use serde_json::Value;

use crate::Intake;
use crate::body::{Members, shown};
use crate::problem::{FieldError, Problem};

#[derive(Serialize)]
pub(crate) struct Accepted {
    id: String,
    state: &'static str,
}

#[derive(Serialize)]
pub(crate) struct Shown {
    id: String,
    state: &'static str,
    credited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    updated_at: String,
}

/// Accepts a participation: durable before the answer, announced if it is new. The same consumer in the same activation
/// and channel gets the same id again.
pub(crate) async fn accept(
    Shared(intake): Shared<Intake>,
    body: Result<Members, Problem>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let now = intake.clock.now();
    let participation = parse(body?, &intake, now)?;
    let stored = intake.store.insert(&participation).await.map_err(|error| {
        tracing::error!(error = %in_full(&error), "intake.store_failed: a participation was refused with 503");
        Problem::unavailable()
    })?;
    let state = match stored {
        Inserted::New => {
            let look = Look { brand: participation.brand.clone(), ids: vec![participation.id] };
            intake.announcer.announce(look).await;
            tracing::debug!(participation = %participation.id, scope = %participation.scope, "intake.accepted");
            participation.state.name()
        }
        Inserted::Existing(earlier) => earlier.state.name(),
    };
    Ok((StatusCode::ACCEPTED, Json(Accepted { id: participation.id.to_string(), state })))
}

/// Shows how far a participation is.
pub(crate) async fn show(
    Shared(intake): Shared<Intake>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Shown>, Problem> {
    let Path(id) = id.map_err(|_| Problem::no_such_participation())?;
    let id = ParticipationId::parse(&id).map_err(|_| Problem::no_such_participation())?;
    let found = intake.store.get(&[id]).await.map_err(|error| {
        tracing::error!(error = %in_full(&error), "intake.store_failed: a participation could not be shown");
        Problem::unavailable()
    })?;
    let participation = found.into_iter().next().ok_or_else(Problem::no_such_participation)?;
    Ok(Json(Shown {
        id: participation.id.to_string(),
        state: participation.state.name(),
        credited: participation.credited_at.is_some(),
        reason: participation.state.reason().map(str::to_owned),
        updated_at: participation.updated_at.to_string(),
    }))
}

fn parse(mut body: Members, intake: &Intake, now: Timestamp) -> Result<Participation, Problem> {
    let mut errors = Vec::new();
    let scope = body.text("scope", &mut errors);
    let email = body.text("email", &mut errors);
    let phone = body.text("phone", &mut errors);
    body.boolean("consent", &mut errors);
    let attributes = attributes(body.object("attributes", &mut errors), &mut errors);
    body.finish(&mut errors);

    if scope.is_none() && !errors.iter().any(|error| error.field == "scope") {
        errors.push(FieldError::new("scope", "is missing"));
    }
    let email = email_address(email.as_deref(), &mut errors);
    if phone.is_some() {
        errors.push(FieldError::new("phone", "taking part by mobile number is not offered"));
    }
    let (Some(scope), Some(email), true) = (scope, email, errors.is_empty()) else {
        return Err(Problem::invalid(errors));
    };
    let scope = Scope::parse(&scope).map_err(|_| Problem::unknown_scope())?;
    let (brand, activation) = intake.brands.activation(&scope).ok_or_else(Problem::unknown_scope)?;
    let terms = open_for_email(activation, now)?;
    Ok(accepted(intake, brand, activation, terms, email, attributes, now))
}

fn accepted(
    intake: &Intake,
    brand: &Brand,
    activation: &Activation,
    terms: &EmailActivation,
    email: Email,
    attributes: Attributes,
    now: Timestamp,
) -> Participation {
    let id = intake.id_key.participation(&activation.scope, Channel::Email, &email);
    Participation::accept(id, brand, &activation.scope, email, attributes, terms.credit, now)
}

fn email_address(text: Option<&str>, errors: &mut Vec<FieldError>) -> Option<Email> {
    if errors.iter().any(|error| error.field == "email") {
        return None;
    }
    let Some(text) = text else {
        errors.push(FieldError::new("email", "is missing"));
        return None;
    };
    Email::parse(text).map_err(|error| errors.push(FieldError::new("email", error.to_string()))).ok()
}

fn open_for_email(activation: &Activation, now: Timestamp) -> Result<&EmailActivation, Problem> {
    match activation.phase(now) {
        Phase::Upcoming => return Err(Problem::not_open_yet(activation.opens)),
        Phase::Closed => return Err(Problem::closed(activation.closes)),
        Phase::Open => {}
    }
    let not_offered = || vec![FieldError::new("email", "taking part by e-mail is not offered")];
    activation.email.as_ref().ok_or_else(|| Problem::invalid(not_offered()))
}

fn attributes(members: serde_json::Map<String, Value>, errors: &mut Vec<FieldError>) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, value) in members {
        let field = || format!("attributes.{}", shown(&name));
        let Some(value) = attribute(value) else {
            errors.push(FieldError::new(field(), "must be a string, number, true or false"));
            continue;
        };
        if let Err(error) = attributes.set(&name, value) {
            errors.push(FieldError::new(field(), error.to_string()));
            if error == domain::attributes::AttributeError::TooMany {
                break;
            }
        }
    }
    attributes
}

fn attribute(value: Value) -> Option<AttributeValue> {
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
