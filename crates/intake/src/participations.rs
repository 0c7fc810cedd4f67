//! `POST /participations` and `GET /participations/{id}`.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::{Extension, Json};
use domain::Timestamp;
use domain::brand::{Activation, Brand, Repeats};
use domain::consent::{ConsentRules, Respondent};
use domain::contact::{Contact, Email, Phone};
use domain::ids::{Channel, ParticipationId, Scope};
use domain::participation::{Participation, State};
use domain::seen::{self, Asking};
use http::{HeaderMap, StatusCode, Uri};
use ports::store::{Inserted, Read};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::accept::{keep, open, unreadable};
use crate::answers::Allowed;
use crate::body::{Members, Received};
use crate::clients::{Asks, Caller, claims_to_be_signed};
use crate::consent::{self, SaidConsent};
use crate::problem::{FieldError, Problem};
use crate::spelling::{Typed, as_known};
use crate::ways::{Accepting, AskedBody};
use crate::{Intake, details, failing, idempotency, incentives, signature, withdrawal};

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ParticipationAccepted {
    /// The answer to the caller that created the participation, and to callers that sign.
    Told {
        id: String,
        state: &'static str,
        /// Where it stands in the order of its incentive.
        #[serde(flatten)]
        standing: Map<String, Value>,
    },
    /// The answer to all other callers that post a consumer who takes part already. It is the same whatever the participation's state is.
    Repeat { state: &'static str, repeat: bool },
}

#[derive(Serialize)]
pub(crate) struct ShownParticipation {
    id: String,
    state: &'static str,
    credited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Whether Braze has the consent. It is shown only to callers that sign, because it may tell that the consumer had
    /// unsubscribed.
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<&'static str>,
    #[serde(flatten)]
    won: Map<String, Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reward_unplaced: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    event_unplaced: bool,
    updated_at: String,
}

/// Accepts a participation: it is durable before the answer, and announced if it is new. The same consumer in the same activation and
/// channel is the same participation. Its id is returned to the caller that created it, and to callers that sign.
pub(crate) async fn accept(
    Shared(intake): Shared<Intake>,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
    body: Result<Received, Problem>,
) -> Result<(StatusCode, Json<ParticipationAccepted>), Problem> {
    let now = intake.clock.now();
    let signer = match &body {
        Ok(body) => signed(&intake, &headers, body, now).await,
        Err(_unread) => Ok(None),
    };
    let asking = counted(&intake, signer, &headers, (Asks::Post, caller))?;
    let body = body?;
    let key = idempotency::key(&headers)?;
    let rules = (Allowed::of(&intake, &body.members, asking), consent::rules(&intake, &body.members));
    let mut asked = read(body.members, rules, now)?;
    let scope = Scope::parse(&asked.scope).map_err(|_| Problem::unknown_scope("scope"))?;
    let terms = intake.terms(&scope, "scope")?;
    if !asked.declines_email {
        open(terms.1, "scope", now)?;
    }
    let email = match asked.email.take() {
        Some(typed) => Some(as_known(&intake, terms, typed).await?),
        None => None,
    };
    if asked.declines_email
        && let Some(told) = Box::pin(withdraw(&intake, terms, (&asked, email.as_ref()), asking, now)).await?
        // A request by number that suffices to take part may also replace the details.
        && !(asked.phone.is_some() && asked.refusals.is_empty() && open(terms.1, "scope", now).is_ok())
    {
        return Ok((StatusCode::ACCEPTED, Json(told)));
    }
    open(terms.1, "scope", now)?;
    if !asked.refusals.is_empty() {
        return Err(Problem::invalid(asked.refusals));
    }
    let accepting = Accepting { id_key: &intake.id_key, terms, key, import: None, now };
    let participation = match &asked.phone {
        Some(phone) => accepting.by_phone((phone, email), &asked)?,
        None => accepting.by_email(email, asked)?,
    };
    let stored = match keep(&intake, terms, &participation, "scope").await? {
        Inserted::New(standing) => Inserted::New(standing),
        Inserted::Existing(earlier) => {
            let replaced = details::replace(&intake, terms.0, &participation, *earlier, now);
            let stored = Box::pin(replaced).await?;
            Inserted::Existing(Box::new(stored))
        }
    };
    let answer = answer(&intake, terms.0, asking, &participation, &stored).await?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn answer(
    intake: &Intake,
    brand: &Brand,
    asking: Asking,
    asked: &Participation,
    stored: &Inserted,
) -> Result<ParticipationAccepted, Problem> {
    let (id, received) = (asked.id().to_string(), State::RECEIVED);
    let earlier = match stored {
        Inserted::New(standing) => {
            let standing = incentives::of_standing(*standing);
            return Ok(ParticipationAccepted::Told { id, state: received, standing });
        }
        Inserted::Existing(earlier) => earlier,
    };
    let state = if asking == Asking::Signed || brand.intake.repeats == Repeats::Tell {
        seen::participation(earlier, asking).state
    } else if asked.repeat_key().is_some() && asked.repeat_key() == earlier.repeat_key() {
        // A caller that repeats the key of the first request also sent that request.
        received
    } else {
        return Ok(ParticipationAccepted::Repeat { state: received, repeat: true });
    };
    let standing = incentives::of_earlier(intake, earlier, asking).await?;
    Ok(ParticipationAccepted::Told { id, state, standing })
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
            let standing = incentives::of_earlier(intake, &stored, asking).await?;
            ParticipationAccepted::Told { id: id.to_string(), state, standing }
        }
        false => ParticipationAccepted::Repeat { state: State::RECEIVED, repeat: true },
    }))
}

/// Counts a request that claims to be signed: against the brand if the claim is true, or else against its client. Other requests were
/// counted before.
fn counted(
    intake: &Intake,
    signer: Result<Option<&Brand>, Problem>,
    headers: &HeaderMap,
    (asks, caller): (Asks, Option<Extension<Caller>>),
) -> Result<Asking, Problem> {
    if let Ok(Some(brand)) = &signer {
        intake.limits.brand(&brand.id)?;
    } else if claims_to_be_signed(headers) {
        intake.limits.client(asks, caller.map(|Extension(caller)| caller))?;
    }
    Ok(if signer?.is_some() { Asking::Signed } else { Asking::Unsigned })
}

/// The brand that signed the request; `None` if the brand does not sign. If it signs, an unsigned request is refused before anything is
/// said about the body.
async fn signed<'a>(
    intake: &'a Intake,
    headers: &HeaderMap,
    body: &Received,
    now: Timestamp,
) -> Result<Option<&'a Brand>, Problem> {
    let scope = body.members.peek("scope").and_then(|text| Scope::parse(text).ok());
    let brand = scope.and_then(|scope| Some(intake.brands.activation(&scope)?.0));
    let Some(brand) = brand.filter(|brand| brand.intake.signing_secret.is_some()) else {
        return Ok(None);
    };
    verified(intake, brand, headers, &body.raw, now).await
}

/// Checks the signature of a path. A caller with a signature of a brand that signs may know why a participation ended; anybody may ask
/// without one.
async fn signed_path<'a>(
    intake: &'a Intake,
    headers: &HeaderMap,
    path: &str,
    participation: &Participation,
) -> Result<Option<&'a Brand>, Problem> {
    match intake.brands.brand(participation.brand()) {
        Some(brand) if headers.contains_key(signature::SIGNATURE_HEADER) => {
            verified(intake, brand, headers, path.as_bytes(), intake.clock.now()).await
        }
        Some(_) | None => Ok(None),
    }
}

/// Checks a signature, if the brand has a signing secret.
async fn verified<'a>(
    intake: &Intake,
    brand: &'a Brand,
    headers: &HeaderMap,
    signed: &[u8],
    now: Timestamp,
) -> Result<Option<&'a Brand>, Problem> {
    let Some(secret) = &brand.intake.signing_secret else { return Ok(None) };
    let secret = intake.secrets.get(secret).await.map_err(|error| {
        let refused = "A request was refused with 503.";
        failing::say(intake, "intake.no_secret", brand.id.as_str(), &error, refused);
        Problem::unavailable()
    })?;
    let secret = secret.expose_secret();
    if let Some(flaw) = signature::flaw(secret)
        && let Some(line) = intake.troubles.repeats().line("intake.flawed_secret", brand.id.as_str(), now)
    {
        tracing::error!(event = "intake.flawed_secret", brand = %brand.id, flaw, times = line.times, since = %line.since, "The signing secret has a flaw; participations are still accepted.");
    }
    signature::verify(headers, signed, secret, now).map_err(|why| {
        if let Some(line) = intake.troubles.repeats().line("intake.unsigned", brand.id.as_str(), now) {
            tracing::warn!(event = "intake.unsigned", brand = %brand.id, times = line.times, why = ?why, "A request was not signed correctly.");
        }
        Problem::unsigned(why)
    })?;
    Ok(Some(brand))
}

/// Shows the state of a participation, and what it has won.
pub(crate) async fn show(
    Shared(intake): Shared<Intake>,
    caller: Option<Extension<Caller>>,
    uri: Uri,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<ShownParticipation>, Problem> {
    let id = id.ok().and_then(|Path(id)| ParticipationId::parse(&id).ok());
    let unavailable = |error: ports::Error| {
        failing::say(&intake, "intake.store_failed", "", &error, "A participation could not be shown.");
        Problem::unavailable()
    };
    let found = match id {
        Some(id) => readable(&intake, intake.store.get(&[id]).await.map_err(unavailable)?),
        None => Ok(None),
    };
    let signer = match &found {
        Ok(Some(participation)) => signed_path(&intake, &headers, uri.path(), participation).await,
        Ok(None) | Err(_) => Ok(None),
    };
    let asking = counted(&intake, signer, &headers, (Asks::Read, caller))?;
    let participation = found?.ok_or_else(Problem::no_such_participation)?;
    let award = match participation.has_award() {
        true => readable(&intake, intake.ledger.awards(&[participation.id()]).await.map_err(unavailable)?)?,
        false => None,
    };
    let credited_at = award.as_ref().map_or(participation.earned_at(), |award| award.credited_at);
    let shows_win = seen::shows_win(&participation, asking);
    let won = match award.filter(|_| shows_win) {
        Some(award) => incentives::of_award(&intake, &seen::award(&participation, award, asking)).await?,
        None => Map::new(),
    };
    let (seen, unplaced) = (seen::participation(&participation, asking), participation.unplaced());
    Ok(Json(ShownParticipation {
        id: participation.id().to_string(),
        state: seen.state,
        credited: credited_at.is_some(),
        reason: seen.reason.map(str::to_owned),
        consent: seen.consent,
        won,
        reward_unplaced: shows_win && unplaced.reward.is_some(),
        event_unplaced: shows_win && unplaced.flow_event.is_some(),
        updated_at: seen.updated_at.to_string(),
    }))
}

/// The item that was asked for.
fn readable<T>(intake: &Intake, read: Read<T>) -> Result<Option<T>, Problem> {
    match read.unreadable.first() {
        Some(one) => Err(unreadable(intake, &one.why)),
        None => Ok(read.found.into_iter().next()),
    }
}

/// Reads a body, as far as that can be done without knowing the activation.
pub(crate) fn read(
    mut body: Members,
    (allowed, rules): (Allowed<'_>, Option<&ConsentRules>),
    now: Timestamp,
) -> Result<AskedBody, Problem> {
    let mut errors = Vec::new();
    let scope = body.text("scope", &mut errors);
    let email = body.text("email", &mut errors);
    let phone = body.text("phone", &mut errors);
    let way = if phone.is_some() { Channel::Sms } else { Channel::Email };
    let mut refusals = Vec::new();
    let asked = Respondent { way, has_email: email.is_some() };
    let said = consent::read(&mut body, rules, asked, now, (&mut errors, &mut refusals));
    let members = body.object("attributes", &mut errors);
    let attributes =
        allowed.read(members, now, if said.declines_email { &mut refusals } else { &mut errors });
    body.finish(&mut errors);
    let email = match email {
        Some(text) => {
            Typed::parse(&text).map_err(|error| errors.push(FieldError::new("email", error.to_string()))).ok()
        }
        None => None,
    };
    require("scope", scope.is_some(), &mut errors);
    require("email", email.is_some() || phone.is_some(), &mut errors);
    if !said.declines_email {
        errors.append(&mut refusals);
    }
    let SaidConsent { consent, declines_email } = said;
    match scope {
        Some(scope) if errors.is_empty() => {
            Ok(AskedBody { scope, email, phone, consent, declines_email, attributes, refusals })
        }
        Some(_) | None => Err(Problem::invalid(errors)),
    }
}

fn require(field: &str, there: bool, errors: &mut Vec<FieldError>) {
    if !there && !errors.iter().any(|error| error.field == field) {
        errors.push(FieldError::new(field, "is missing"));
    }
}
