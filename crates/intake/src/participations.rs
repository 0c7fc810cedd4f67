//! `POST /participations`, and below it `GET /participations/{id}`.

pub(crate) mod shown;
mod signer;

use axum::Json;
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use domain::brand::{Activation, Brand, Repeats};
use domain::contact::{Contact, Email, Phone};
use domain::ids::{Channel, Scope};
use domain::participation::{Participation, State};
use domain::seen::{self, Asking};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ports::store::Inserted;
use serde::Serialize;

use crate::accept::{keep, open};
use crate::answers::Allowed;
use crate::asked::{AskedBody, read};
use crate::body::Received;
use crate::clients::{self, Asks, Caller};
use crate::form::{self, FormWishes};
use crate::freshness::NOT_STORED;
use crate::problem::Problem;
use crate::spelling::as_known;
use crate::ways::Accepting;
use crate::won::{Stands, of_earlier};
use crate::{Intake, consent, details, idempotency, paused, withdrawal};
use signer::{counted, signed};

/// The answer to an accepted participation. To callers that neither sign nor created it, it is the same whatever the participation's state is.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct ParticipationAccepted {
    /// The participation's id; absent if the consumer took part already and the caller may not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    id: Option<String>,
    /// The state of processing, for engineers.
    state: &'static str,
    /// Whether the consumer took part already.
    repeat: bool,
    /// Where it stands in the order of its incentive.
    #[serde(flatten)]
    standing: Stands,
}

impl ParticipationAccepted {
    /// The answer to callers that may not know the participation.
    fn repeat() -> Self {
        Self { id: None, state: State::RECEIVED, repeat: true, standing: Stands::default() }
    }
}

impl IntoResponse for ParticipationAccepted {
    fn into_response(self) -> Response {
        let path = self.id.as_ref().map(|id| format!("/participations/{id}"));
        let location = path.and_then(|path| HeaderValue::from_str(&path).ok());
        let kept = [(header::CACHE_CONTROL, NOT_STORED)];
        let mut response = (StatusCode::ACCEPTED, kept, Json(self)).into_response();
        response.headers_mut().extend(location.map(|location| (header::LOCATION, location)));
        response
    }
}

/// The answer to a request that only asks whether it would be accepted.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct DryRun {
    /// Always `true`.
    dry_run: bool,
}

/// Accepts a participation: it is durable before the answer, and announced if it is new. The same consumer in the same activation and
/// channel is the same participation. Its id is returned to the caller that created it, and to callers that sign.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/participations",
    tag = "public",
    operation_id = "participate",
    params(("Idempotency-Key" = Option<String>, Header, description = "16 to 64 random characters, the same for each repetition.")),
    request_body(content(
        (crate::described_body::ParticipationAsked = "application/json"),
        (crate::described_body::FormAsked = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, body = DryRun, description = "With `dry_run`: the request would be accepted. Nothing was stored."),
        (status = 202, content((ParticipationAccepted = "application/json"), (String = "text/html")), description = "It is durable. A form gets a page.", headers(("Location" = String, description = "Where it can be followed."))),
        (status = 303, description = "A form is durable, and says where to go.", headers(("Location" = String, description = "The page that `return_to` names."))),
        (status = "default", content((Problem = "application/problem+json"), (String = "text/html")), description = "A problem. A form gets a page."),
    )
))]
pub(crate) async fn accept(Shared(intake): Shared<Intake>, request: Request) -> Response {
    let caller = clients::caller(&request);
    let (Parts { headers, .. }, body) = request.into_parts();
    let mut body = Received::read(&headers, body).await;
    let wishes = body.as_mut().ok().and_then(|body| body.form.take());
    let Some(mut wishes) = wishes else {
        return accepted(&intake, caller, &headers, body).await.into_response();
    };
    let asked = of_a_form(&intake, &headers, body, &mut wishes);
    let mut response = accepted(&intake, caller, &headers, asked).await.into_response();
    response.extensions_mut().insert(wishes);
    response
}

/// A form as JSON would be, if it may be posted from where it is.
fn of_a_form(
    intake: &Intake,
    headers: &HeaderMap,
    body: Result<Received, Problem>,
    wishes: &mut FormWishes,
) -> Result<Received, Problem> {
    let mut body = body?;
    let scope = body.members.peek("scope").and_then(|text| Scope::parse(text).ok());
    if let Some((brand, _)) = scope.and_then(|scope| intake.brands.activation(&scope)) {
        form::of_the_brand(brand, headers)?;
        form::returns_to(brand, wishes)?;
    }
    let allowed = Allowed::of(intake, &body.members, Asking::Unsigned);
    if let Some(answers) = body.members.attributes_mut() {
        form::typed(answers, |name| allowed.kind(name));
    }
    Ok(body)
}

/// Accepts a participation, and counts a refusal. A question whether a request would be accepted is refused without being counted.
async fn accepted(
    intake: &Intake,
    caller: Option<Caller>,
    headers: &HeaderMap,
    body: Result<Received, Problem>,
) -> Result<Response, Problem> {
    let members = body.as_ref().ok().map(|body| &body.members);
    let is_asked_only = members.is_some_and(|members| members.says("dry_run"));
    let scope = members.and_then(|members| intake.scope_of(members.peek("scope")?));
    let by_phone = members.is_some_and(|members| members.peek("phone").is_some());
    let channel = if by_phone { Channel::Sms } else { Channel::Email };
    let taken = Box::pin(taken(intake, caller, headers, body)).await;
    if let Err(problem) = &taken
        && !is_asked_only
    {
        intake.figures.refused(scope.as_ref(), channel, problem);
    }
    taken
}

async fn taken(
    intake: &Intake,
    caller: Option<Caller>,
    headers: &HeaderMap,
    body: Result<Received, Problem>,
) -> Result<Response, Problem> {
    let now = intake.clock.now();
    let signer = match &body {
        Ok(body) => signed(intake, headers, body, now).await,
        Err(_unread) => Ok(None),
    };
    let asking = counted(intake, signer, headers, (Asks::Post, caller))?;
    let body = body?;
    let key = idempotency::key(headers)?;
    let rules = (Allowed::of(intake, &body.members, asking), consent::rules(intake, &body.members));
    let mut asked = read(body.members, rules, now)?;
    let scope = Scope::parse(&asked.scope).map_err(|_| Problem::unknown_scope("scope"))?;
    let terms = intake.terms(&scope, "scope")?;
    if !asked.declines_email {
        open(terms.1, "scope", now)?;
    }
    let email = match asked.email.take() {
        Some(typed) => Some(as_known(intake, terms, typed).await?),
        None => None,
    };
    let accepting = Accepting { id_key: &intake.id_key, terms, key, import: None, now };
    if asked.dry_run {
        if paused::since(intake, &terms.1.scope).await.is_some() {
            return Err(Problem::paused());
        }
        return would_accept(accepting, email, asked);
    }
    if asked.declines_email
        && let Some(told) = Box::pin(withdraw(intake, terms, (&asked, email.as_ref()), asking, now)).await?
        // A request by number that suffices to take part may also replace the details.
        && !(asked.phone.is_some() && asked.refusals.is_empty() && open(terms.1, "scope", now).is_ok())
    {
        return Ok(told.into_response());
    }
    open(terms.1, "scope", now)?;
    if !asked.refusals.is_empty() {
        return Err(Problem::invalid(asked.refusals));
    }
    let participation = match &asked.phone {
        Some(phone) => accepting.by_phone((phone, email), &asked)?,
        None => accepting.by_email(email, asked)?,
    };
    let stored = match keep(intake, terms, &participation, "scope").await? {
        Inserted::New(standing) => Inserted::New(standing),
        Inserted::Existing(earlier) => {
            let replaced = details::replace(intake, terms.0, &participation, *earlier, now);
            let stored = Box::pin(replaced).await?;
            Inserted::Existing(Box::new(stored))
        }
    };
    let answer = answer(intake, terms.0, asking, &participation, &stored).await?;
    Ok(answer.into_response())
}

/// Says whether a request would be accepted. It does not look at what is stored: nobody learns whether a consumer takes part already.
fn would_accept(
    accepting: Accepting<'_>,
    email: Option<Email>,
    asked: AskedBody,
) -> Result<Response, Problem> {
    if !asked.declines_email {
        if !asked.refusals.is_empty() {
            return Err(Problem::invalid(asked.refusals));
        }
        match &asked.phone {
            Some(phone) => accepting.by_phone((phone, email), &asked)?,
            None => accepting.by_email(email, asked)?,
        };
    }
    Ok(([(header::CACHE_CONTROL, NOT_STORED)], Json(DryRun { dry_run: true })).into_response())
}

async fn answer(
    intake: &Intake,
    brand: &Brand,
    asking: Asking,
    asked: &Participation,
    stored: &Inserted,
) -> Result<ParticipationAccepted, Problem> {
    let (id, received) = (Some(asked.id().to_string()), State::RECEIVED);
    let earlier = match stored {
        Inserted::New(standing) => {
            let standing = Stands::of(*standing);
            return Ok(ParticipationAccepted { id, state: received, repeat: false, standing });
        }
        Inserted::Existing(earlier) => earlier,
    };
    // A caller that repeats the key of the first request also sent that request.
    let own = asked.repeat_key().is_some() && asked.repeat_key() == earlier.repeat_key();
    let state = if asking == Asking::Signed || brand.intake.repeats == Repeats::Tell {
        seen::participation(earlier, asking).state
    } else if own {
        received
    } else {
        return Ok(ParticipationAccepted::repeat());
    };
    let standing = of_earlier(intake, earlier, asking).await?;
    Ok(ParticipationAccepted { id, state, repeat: !own, standing })
}

/// Withdraws the consent of a consumer who takes part already. The answer is that to any repeated request.
async fn withdraw(
    intake: &Intake,
    (brand, activation): (&Brand, &Activation),
    (asked, email): (&AskedBody, Option<&Email>),
    asking: Asking,
    now: Timestamp,
) -> Result<Option<ParticipationAccepted>, Problem> {
    let phone = asked.phone.as_ref().zip(activation.sms.as_ref());
    let phone = phone.and_then(|(phone, sms)| Phone::parse(phone, sms.region).ok());
    let contact = match (phone, email) {
        (Some(phone), email) => Contact::Phone { phone, email: email.cloned() },
        (None, Some(email)) if asked.phone.is_none() => Contact::Email(email.clone()),
        (None, _) => return Ok(None),
    };
    let id = intake.id_key.participation(&activation.scope, &contact);
    let Some(stored) = withdrawal::obey(intake, brand, id, now).await? else { return Ok(None) };
    Ok(Some(match asking == Asking::Signed || brand.intake.repeats == Repeats::Tell {
        true => {
            let state = seen::participation(&stored, asking).state;
            let standing = of_earlier(intake, &stored, asking).await?;
            ParticipationAccepted { id: Some(id.to_string()), state, repeat: true, standing }
        }
        false => ParticipationAccepted::repeat(),
    }))
}
