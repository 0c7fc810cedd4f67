//! `POST /webhook/braze`: Braze reports what consumers did in a brand's app.
//!
//! Braze repeats a request that is answered with 408, 429 or 5xx a few times, and drops every other refused
//! request for good (braze-docs, webhooks). So every refusal here is counted and logged: nobody will send the
//! event again. An event is refused because of its scope, its name, its address, or its time if the incentive
//! measures from it. Any other unusable value is left out and counted.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State as Shared};
use domain::Timestamp;
use domain::accept::Acceptance;
use domain::attributes::{AttributeValue, Attributes, LONGEST_TEXT};
use domain::brand::{Activation, Brand, EventActivation};
use domain::contact::{Contact, Email};
use domain::ids::{Channel, Scope};
use domain::liquid;
use domain::participation::{BrazeEvent, Participation};
use domain::profile::ProfileRef;
use http::{HeaderMap, StatusCode, header};
use ports::health::Subject;
use ports::store::Inserted;
use serde::Serialize;
use serde_json::Value;
use stored::participation::attribute_size;

use crate::accept::{MOST_ATTRIBUTE_BYTES, attribute, keep, open};
use crate::body::of_webhook;
use crate::clients::{self, Asks};
use crate::counts::Dropped;
use crate::field_error::FieldError;
use crate::loose::Loose;
use crate::problem::Problem;
use crate::spelling::as_known;
use crate::webhook_event::{WebhookContent, WebhookEvent, read};
use crate::won::Stands;
use crate::{Intake, subscription_change};

/// How far an event may be ahead of our clock, in seconds: as far as a signature may.
const MOST_AHEAD_S: i64 = 300;

/// How long the health report shows a mistake in a template after it was last seen.
const SHOWN_FOR: Duration = Duration::from_secs(600);

#[derive(Serialize)]
pub(crate) struct WebhookAccepted {
    /// The participation; absent if a subscription changed of a contact that takes no part.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Where it stands in the order of its incentive, if it is new.
    #[serde(flatten)]
    standing: Stands,
}

/// Accepts an event: it is durable before the answer, and announced if it is new. The same event of the same
/// consumer gets the same id again.
pub(crate) async fn receive(
    Shared(intake): Shared<Intake>,
    request: Request,
) -> Result<(StatusCode, Json<WebhookAccepted>), Problem> {
    let brands = intake.brands.clone();
    let token = bearer(request.headers());
    let Some(brand) = token.and_then(|token| brands.of_token(token)) else {
        let broken = token.is_some_and(|token| brands.may_be_broken_token(token));
        return Err(if broken { too_early(&intake, &request) } else { stranger(&intake, &request) });
    };
    match take(&intake, brand, request).await {
        Ok(accepted) => {
            intake.webhooks.accepted();
            Ok((StatusCode::ACCEPTED, Json(accepted)))
        }
        Err(problem) => {
            if problem.kind() == Dropped::UnrenderedLiquid.name() {
                unrendered(&intake, brand, intake.clock.now());
            }
            Err(refused(&intake, brand.id.as_str(), problem))
        }
    }
}

/// Answers a request to a path that does not exist.
pub(crate) async fn no_such_path(Shared(intake): Shared<Intake>, headers: HeaderMap) -> Problem {
    astray(&intake, &headers, Problem::no_such_path())
}

/// Answers a request with a method that its path does not allow.
pub(crate) async fn method_not_allowed(Shared(intake): Shared<Intake>, headers: HeaderMap) -> Problem {
    astray(&intake, &headers, Problem::method_not_allowed())
}

/// A request that no route accepts. With a brand's token it is a webhook with a mistake in its URL or method,
/// which Braze drops, so it is counted and logged as a refused webhook.
fn astray(intake: &Intake, headers: &HeaderMap, problem: Problem) -> Problem {
    match bearer(headers).and_then(|token| intake.brands.of_token(token)) {
        Some(brand) => refused(intake, brand.id.as_str(), problem),
        None => problem,
    }
}

/// Counts and logs a refusal.
fn refused(intake: &Intake, brand: &str, problem: Problem) -> Problem {
    let refused = intake.webhooks.refused(problem.kind());
    tracing::warn!(
        event = "intake.webhook_refused",
        brand,
        kind = problem.kind(),
        refused,
        "A webhook was refused."
    );
    problem
}

/// A webhook for a brand whose file cannot be used. It is counted, and Braze tries again; the log says once a
/// minute that the file cannot be used.
fn too_early(intake: &Intake, request: &Request) -> Problem {
    // If a file cannot be read at all, its tokens are not known, so the request may come from anybody and is
    // limited. Braze also tries again after a 429.
    let limited = intake.limits.client(Asks::Post, clients::caller(request)).err();
    let problem = limited.unwrap_or_else(Problem::brand_unavailable);
    intake.webhooks.refused(problem.kind());
    problem
}

/// A request whose token belongs to no brand. Beyond the client's limit it is counted and not logged, so that
/// nobody can fill the log.
fn stranger(intake: &Intake, request: &Request) -> Problem {
    if let Err(problem) = intake.limits.client(Asks::Post, clients::caller(request)) {
        intake.webhooks.refused(problem.kind());
        return problem;
    }
    refused(intake, "", Problem::no_token())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Takes the content of a webhook.
async fn take(intake: &Intake, brand: &Brand, request: Request) -> Result<WebhookAccepted, Problem> {
    let members = match of_webhook(request).await {
        Ok(members) => members,
        Err(problem) => {
            intake.figures.refused(None, Channel::Event, &problem);
            return Err(problem);
        }
    };
    let scope = members.iter().find_map(|(name, value)| match value {
        Loose::Plain(Value::String(scope)) if name == "q_scope" => intake.scope_of(scope),
        Loose::Plain(_) | Loose::Nested | Loose::Unreadable => None,
    });
    // A webhook that names another brand's activation says nothing about that activation.
    let scope = scope.filter(|scope| brand.activations.contains_key(scope));
    let taken = Box::pin(take_members(intake, brand, members)).await;
    taken.inspect_err(|problem| intake.figures.refused(scope.as_ref(), Channel::Event, problem))
}

async fn take_members(
    intake: &Intake,
    brand: &Brand,
    members: Vec<(String, Loose)>,
) -> Result<WebhookAccepted, Problem> {
    let now = intake.clock.now();
    match read(members)? {
        WebhookContent::Event(told) => take_event(intake, brand, told, now).await,
        WebhookContent::SubscriptionChange(change) => {
            let activation = activation_of(intake, brand, &change.scope)?;
            let id = subscription_change::take(intake, (brand, activation), change.contact, now).await?;
            Ok(WebhookAccepted { id, standing: Stands::default() })
        }
    }
}

/// The activation of a webhook, which must be the token's brand's.
fn activation_of<'a>(intake: &'a Intake, brand: &Brand, scope: &str) -> Result<&'a Activation, Problem> {
    let scope = Scope::parse(scope).map_err(|_| Problem::unknown_scope("q_scope"))?;
    let (owner, activation) = intake.terms(&scope, "q_scope")?;
    if owner.id == brand.id { Ok(activation) } else { Err(Problem::another_brands_scope()) }
}

async fn take_event(
    intake: &Intake,
    brand: &Brand,
    mut told: WebhookEvent,
    now: Timestamp,
) -> Result<WebhookAccepted, Problem> {
    let activation = activation_of(intake, brand, &told.scope)?;
    let terms = activation.events.get(&told.event).ok_or_else(Problem::unknown_event)?;
    open(activation, "q_scope", now)?;
    let email = as_known(intake, (brand, activation), told.email.clone()).await?;
    let sent_at = moment(&mut told, (activation, terms), now)?;
    let extras = extras(&mut told, terms);
    let dropped = std::mem::take(&mut told.dropped);
    let participation =
        participation(intake, (brand, activation), terms, (told, email, sent_at, extras), now);
    let stored = keep(intake, (brand, activation), &participation, "q_scope").await?;
    report(intake, brand, &dropped, now);
    let standing = match stored {
        Inserted::New(standing) => Stands::of(standing),
        Inserted::Existing(_) => Stands::default(),
    };
    Ok(WebhookAccepted { id: Some(participation.id().to_string()), standing })
}

/// When the event happened. Only an incentive that measures from this time depends on it.
fn moment(
    told: &mut WebhookEvent,
    (activation, terms): (&Activation, &EventActivation),
    now: Timestamp,
) -> Result<Option<Timestamp>, Problem> {
    let incentive = terms.incentive.as_ref().and_then(|id| activation.incentives.get(id));
    let measures = incentive.is_some_and(|incentive| incentive.needs_sent_at());
    let given = told.sent_at.take();
    let refused = |message: &str, code| {
        let error = FieldError::new("sent_at", message, code);
        Err(Problem::invalid(vec![error]))
    };
    let moment = given.as_deref().and_then(domain::moment::read);
    let is_ahead =
        moment.is_some_and(|moment| moment.as_second().saturating_sub(now.as_second()) > MOST_AHEAD_S);
    match (moment, given) {
        (None, None) if measures => refused("is missing: the incentive measures from it", "sent-at-missing"),
        (None, Some(_)) if measures => {
            refused("must be a date and time with offset, or seconds since 1970", "sent-at-unreadable")
        }
        (Some(_), _) if is_ahead && measures => {
            refused("is more than five minutes ahead of our clock", "sent-at-ahead")
        }
        (None, Some(_)) => {
            told.dropped.push(Dropped::UnusableValue);
            Ok(None)
        }
        (Some(_), _) if is_ahead => {
            told.dropped.push(Dropped::UnusableValue);
            Ok(None)
        }
        (moment, _) => Ok(moment),
    }
}

/// The values that the activation writes to the profile. An empty value counts as absent. Values come from
/// consumers, so one that is too long is cut, as Braze would do, and those that do not fit are left out.
fn extras(told: &mut WebhookEvent, terms: &EventActivation) -> Attributes {
    let mut extras = Attributes::default();
    let mut room = MOST_ATTRIBUTE_BYTES;
    for extra in &terms.extras {
        let value = match told.others.remove(&extra.name) {
            None => continue,
            Some(None) => Err(Dropped::UnusableValue),
            Some(Some(value)) => match attribute(value) {
                None => continue,
                Some(AttributeValue::Text(text)) if domain::invisible::trim(&text).is_empty() => continue,
                Some(AttributeValue::Text(text)) if liquid::is_unrendered(&text) => {
                    Err(Dropped::UnrenderedLiquid)
                }
                Some(value) => extra.value(cut(value)).ok_or(Dropped::UnusableValue),
            },
        };
        let set = value.and_then(|value| {
            let left = room.checked_sub(attribute_size(&extra.name, &value)).ok_or(Dropped::TooLarge)?;
            extras.set(&extra.name, value).map_err(|_| Dropped::UnusableValue)?;
            room = left;
            Ok(())
        });
        told.dropped.extend(set.err());
    }
    // The other values are not used, but one that cannot be read still shows a mistake in the template.
    let unreadable = told.others.values().filter(|value| value.is_none()).count();
    told.dropped.extend(std::iter::repeat_n(Dropped::UnusableValue, unreadable));
    extras
}

fn cut(value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::Text(text) => AttributeValue::Text(text.chars().take(LONGEST_TEXT).collect()),
        other => other,
    }
}

/// Counts the values that were left out, and logs them once a minute. The health report also shows a mistake
/// in the template while it continues.
fn report(intake: &Intake, brand: &Brand, dropped: &[Dropped], now: Timestamp) {
    for what in dropped {
        let kind = what.name();
        let count = intake.webhooks.dropped(kind);
        if let Some(line) = intake.troubles.repeats().line(kind, brand.id.as_str(), now) {
            tracing::warn!(event = "intake.value_dropped", brand = %brand.id, kind, dropped = count, times = line.times, "A value of a webhook was left out.");
        }
        if *what == Dropped::UnrenderedLiquid {
            unrendered(intake, brand, now);
        }
    }
}

/// Shows a mistake in a brand's template in the health report, until it has not happened for ten minutes.
fn unrendered(intake: &Intake, brand: &Brand, now: Timestamp) {
    let text = "Braze sends webhooks with a piece of a template, or with a word such as null, instead of a value: \
                correct the webhook's template";
    intake.troubles.report_for(SHOWN_FOR, "unrendered-liquid", Subject::brand(&brand.id), now, text);
}

fn participation(
    intake: &Intake,
    (brand, activation): (&Brand, &Activation),
    terms: &EventActivation,
    (told, email, sent_at, extras): (WebhookEvent, Email, Option<Timestamp>, Attributes),
    now: Timestamp,
) -> Participation {
    let occasion = told.dispatch_id.as_deref().filter(|_| terms.repeatable);
    let contact = Contact::Email(email.clone());
    let id = intake.id_key.event(&activation.scope, &told.event, &contact, occasion);
    let profile = told.external_id.map(ProfileRef::ExternalId).or(told.braze_id.map(ProfileRef::BrazeId));
    let event = BrazeEvent { name: told.event, profile, sent_at };
    Acceptance::new(id, (brand, activation), now).by_event(event, email, extras)
}
