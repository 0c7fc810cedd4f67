//! `POST /webhook/braze`: what consumers did in a brand's app, told by Braze.
//!
//! Braze repeats what was answered with 408, 429 or 5xx, a few times, and drops everything else for good (braze-docs, webhooks). So
//! what is refused here is counted and logged: nobody will send it again.

use axum::Json;
use axum::extract::{Request, State as Shared};
use domain::Timestamp;
use domain::attributes::{AttributeError, AttributeValue, Attributes, LONGEST_TEXT};
use domain::brand::{Activation, Brand, EventActivation};
use domain::contact::{Contact, Email, EmailError};
use domain::identity::Scope;
use domain::participation::{BrazeEvent, Participation};
use domain::profile::ProfileRef;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use crate::Intake;
use crate::accept::{attribute, keep, open};
use crate::body::{Members, discard, of_webhook, shown};
use crate::clients;
use crate::problem::{FieldError, Problem};

/// Longest identifier that a webhook may carry, in characters.
const LONGEST_IDENTIFIER: usize = 255;

/// Epoch times beyond this are in milliseconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

#[derive(Serialize)]
pub(crate) struct Accepted {
    id: String,
}

/// Accepts an event: durable before the answer, announced if it is new. The same event of the same consumer gets the same id again.
pub(crate) async fn receive(
    Shared(intake): Shared<Intake>,
    request: Request,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let brands = intake.brands.clone();
    let brand = bearer(request.headers()).and_then(|token| brands.of_token(token));
    let Some(brand) = brand else { return Err(stranger(&intake, request).await) };
    match take(&intake, brand, request).await {
        Ok(id) => {
            intake.webhooks.accepted();
            Ok((StatusCode::ACCEPTED, Json(Accepted { id })))
        }
        Err(problem) => Err(refused(&intake, brand.id.as_str(), problem)),
    }
}

/// Counts and logs a refusal.
fn refused(intake: &Intake, brand: &str, problem: Problem) -> Problem {
    let refused = intake.webhooks.refused(problem.kind());
    tracing::warn!(brand, kind = problem.kind(), refused, "intake.webhook_refused");
    problem
}

/// Somebody whose token no brand knows. What is beyond a client's limit is counted and not logged: nobody shall fill the log.
async fn stranger(intake: &Intake, request: Request) -> Problem {
    if let Err(problem) = clients::check(intake.clients.as_deref(), &request) {
        intake.webhooks.refused(problem.kind());
        return problem;
    }
    discard(request.into_body()).await;
    refused(intake, "", Problem::no_token())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn take(intake: &Intake, brand: &Brand, request: Request) -> Result<String, Problem> {
    let now = intake.clock.now();
    let told = read(of_webhook(request).await?)?;
    let scope = Scope::parse(&told.scope).map_err(|_| Problem::unknown_scope("q_scope"))?;
    let (owner, activation) =
        intake.brands.activation(&scope).ok_or_else(|| Problem::unknown_scope("q_scope"))?;
    if owner.id != brand.id {
        return Err(Problem::another_brands_scope());
    }
    let terms = activation.events.get(&told.event).ok_or_else(Problem::unknown_event)?;
    open(activation, "q_scope", now)?;
    let participation = participation(intake, (brand, activation), terms, told, now)?;
    keep(intake, (brand, activation), &participation).await?;
    Ok(participation.id.to_string())
}

/// A body, as far as it can be read without knowing the activation.
struct Told {
    scope: String,
    event: String,
    email: Email,
    profile: Option<ProfileRef>,
    dispatch_id: Option<String>,
    sent_at: Option<Timestamp>,
    extras: Attributes,
}

fn read(mut body: Members) -> Result<Told, Problem> {
    let mut errors = Vec::new();
    let scope = body.text("q_scope", &mut errors);
    let event = body.text("event", &mut errors);
    let email = body.text("email", &mut errors);
    let identifier = |body: &mut Members, field: &str, errors: &mut Vec<FieldError>| {
        let text = body.text(field, errors).filter(|text| !text.trim().is_empty())?;
        let fits = text.chars().count() <= LONGEST_IDENTIFIER;
        if !fits {
            errors.push(FieldError::new(field, "may have at most 255 characters"));
        }
        fits.then_some(text)
    };
    let external_id = identifier(&mut body, "external_id", &mut errors);
    let braze_id = identifier(&mut body, "braze_id", &mut errors);
    let dispatch_id = identifier(&mut body, "dispatch_id", &mut errors);
    let sent_at = body.take("sent_at").and_then(|value| moment(&value, &mut errors));
    for (field, there) in [("q_scope", scope.is_some()), ("event", event.is_some())] {
        if !there && !errors.iter().any(|error| error.field == field) {
            errors.push(FieldError::new(field, "is missing"));
        }
    }
    let extras = extras(body, &mut errors);
    // Liquid without a default leaves an empty text where an address was meant: counted apart, since it is the template's fault.
    let email = match email.as_deref().map(Email::parse) {
        None if errors.iter().any(|error| error.field == "email") => None,
        None | Some(Err(EmailError::Empty)) => return Err(Problem::empty_email()),
        Some(Err(error)) => {
            errors.push(FieldError::new("email", error.to_string()));
            None
        }
        Some(Ok(email)) => Some(email),
    };
    match (scope, event, email) {
        (Some(scope), Some(event), Some(email)) if errors.is_empty() => {
            let profile = external_id.map(ProfileRef::ExternalId).or(braze_id.map(ProfileRef::BrazeId));
            Ok(Told { scope, event, email, profile, dispatch_id, sent_at, extras })
        }
        _ => Err(Problem::invalid(errors)),
    }
}

/// A moment as RFC 3339 or as seconds or milliseconds since 1970. What is empty is not there.
fn moment(value: &Value, errors: &mut Vec<FieldError>) -> Option<Timestamp> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let moment = match text.parse::<i64>() {
        Ok(number) if number >= MILLISECONDS_FROM => Timestamp::from_millisecond(number).ok(),
        Ok(number) => Timestamp::from_second(number).ok(),
        Err(_) => text.parse().ok(),
    };
    if moment.is_none() {
        errors.push(FieldError::new("sent_at", "must be a date and time with offset, or seconds since 1970"));
    }
    moment
}

/// Everything else that the template sends. Values come from consumers, so one that is too long is cut, as Braze would; names are
/// the template's, and one that cannot be kept is an error that shows when it is tried out.
fn extras(body: Members, errors: &mut Vec<FieldError>) -> Attributes {
    let mut extras = Attributes::default();
    for (name, value) in body.rest() {
        if value.is_null() {
            continue;
        }
        let value = match attribute(value) {
            Some(AttributeValue::Text(text)) => {
                AttributeValue::Text(text.chars().take(LONGEST_TEXT).collect())
            }
            Some(value) => value,
            None => {
                errors.push(FieldError::new(shown(&name), "must be a string, number, true or false"));
                continue;
            }
        };
        if let Err(error) = extras.set(&name, value) {
            errors.push(FieldError::new(shown(&name), error.to_string()));
            if error == AttributeError::TooMany {
                break;
            }
        }
    }
    extras
}

fn participation(
    intake: &Intake,
    (brand, activation): (&Brand, &Activation),
    terms: &EventActivation,
    told: Told,
    now: Timestamp,
) -> Result<Participation, Problem> {
    let incentive = terms.incentive.as_ref().and_then(|id| activation.incentives.get(id));
    if told.sent_at.is_none() && incentive.is_some_and(|incentive| incentive.needs_sent_at()) {
        let message = "is missing: the incentive measures from it";
        return Err(Problem::invalid(vec![FieldError::new("sent_at", message)]));
    }
    let occasion = told.dispatch_id.as_deref().filter(|_| terms.repeatable);
    let contact = Contact::Email(told.email.clone());
    let id = intake.id_key.event(&activation.scope, &told.event, &contact, occasion);
    let event = BrazeEvent { name: told.event, profile: told.profile, sent_at: told.sent_at };
    Ok(Participation::by_event(id, (brand, activation), event, told.email, told.extras, now))
}
