//! `GET /participations/{id}`.

use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::response::Response;
use domain::Timestamp;
use domain::ids::ParticipationId;
use domain::participation::Participation;
use domain::seen::{self, Asking, Expected};
use domain::time::{between, later};
use http::{HeaderMap, Uri};
use ports::store::Read;
use serde::Serialize;

use super::signer::{counted, signed_path};
use crate::accept::unreadable;
use crate::clients::{Asks, Caller};
use crate::field_error::FieldError;
use crate::freshness::{NOT_STORED, Tagged};
use crate::pace::{in_ms, of_participation};
use crate::problem::Problem;
use crate::won::{Won, of_award};
use crate::{Intake, failing, held};

/// The members that change with the participations of others. A request that waits does not wait for them.
const OF_OTHERS: [&str; 3] = ["quantity", "claimed", "remaining"];

/// A participation, as the caller may see it.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct ShownParticipation {
    /// The participation's id.
    id: String,
    /// The state of processing, for engineers. The front end's page lists the states.
    state: &'static str,
    /// What the consumer may expect: `on_its_way`, `won`, `waiting`, `entered`, `nothing` or `refused`.
    #[cfg_attr(test, schema(value_type = OutcomeShown))]
    outcome: &'static str,
    /// Whether the outcome stays as it is.
    r#final: bool,
    /// Whether the participation is credited.
    credited: bool,
    /// When it was accepted.
    accepted_at: String,
    /// When it was credited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    credited_at: Option<String>,
    /// When it got its reward; absent for a reward that an earlier version gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    rewarded_at: Option<String>,
    /// While the consumer is asked to confirm: until when the answer counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    answer_by: Option<String>,
    /// Why it ended without success, if the caller may know that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    reason: Option<String>,
    /// Whether Braze has the consent. It is shown only to callers that sign, because it may tell that the consumer had
    /// unsubscribed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    consent: Option<&'static str>,
    #[serde(flatten)]
    won: Won,
    /// `true` if the reward was written to Braze three times and no profile shows it, or Braze refuses it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schema(required = false))]
    reward_unplaced: bool,
    /// `true` if the same happened to the event that the participation logs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schema(required = false))]
    event_unplaced: bool,
    /// When the state last changed.
    updated_at: String,
    /// When to ask again, in milliseconds; absent if the outcome is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    next_ms: Option<u64>,
}

/// What the consumer may expect.
#[cfg(test)]
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "it only describes the JSON")]
pub(crate) enum OutcomeShown {
    OnItsWay,
    Won,
    Waiting,
    Entered,
    Nothing,
    Refused,
}

/// Shows the state of a participation, and what it has won. With `wait`, the answer comes once that changes, or after so many seconds,
/// where the process can hold the request.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/participations/{id}",
    tag = "public",
    operation_id = "participation",
    params(
        ("id" = String, Path, description = "The id from the answer to the POST."),
        ("wait" = Option<u32>, Query, description = "How long to wait for a change, in seconds; at most 20."),
    ),
    responses(
        (status = 200, body = ShownParticipation, description = "The participation."),
        (status = 304, description = "It is that of the `If-None-Match`, apart from the incentive's counters."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem."),
    )
))]
pub(crate) async fn show(
    Shared(intake): Shared<Intake>,
    caller: Option<Extension<Caller>>,
    uri: Uri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let id = id.ok().and_then(|Path(id)| ParticipationId::parse(&id).ok());
    let found = match id {
        Some(id) => find(&intake, id).await?,
        None => Ok(None),
    };
    let signer = match &found {
        Ok(Some(participation)) => signed_path(&intake, &headers, uri.path(), participation).await,
        Ok(None) | Err(_) => Ok(None),
    };
    let asking = counted(&intake, signer, &headers, (Asks::Read, caller.map(|Extension(caller)| caller)))?;
    let participation = found?.ok_or_else(Problem::no_such_participation)?;
    let present = seen_by(&intake, &participation, asking).await?;
    let mut shown = Tagged::of(&present, &OF_OTHERS);
    if let Some(wait) = wait(query.as_deref().unwrap_or_default())?
        && !present.r#final
        && (shown.is_known(&headers) || !headers.contains_key(http::header::IF_NONE_MATCH))
    {
        shown = changed(&intake, (participation.id(), shown), asking, wait).await?;
    }
    Ok(shown.answer(&headers, NOT_STORED))
}

/// Waits until a participation looks different, at most so long.
async fn changed(
    intake: &Intake,
    (id, first): (ParticipationId, Tagged),
    asking: Asking,
    wait: Duration,
) -> Result<Tagged, Problem> {
    let mut last = first;
    let Some(mut held) = intake.held.hold() else { return Ok(last) };
    let until = later(intake.clock.now(), wait);
    while intake.clock.now() < until && held.pauses(&*intake.clock).await {
        let participation = find(intake, id).await??.ok_or_else(Problem::no_such_participation)?;
        let shown = Tagged::of(&seen_by(intake, &participation, asking).await?, &OF_OTHERS);
        if !shown.says_the_same(&last) {
            return Ok(shown);
        }
        last = shown;
    }
    Ok(last)
}

/// How long to wait for a change; `None` if the answer is to come at once.
fn wait(query: &str) -> Result<Option<Duration>, Problem> {
    let named = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == "wait");
    let Some((_, value)) = named else { return Ok(None) };
    match value.parse::<u32>() {
        Ok(0) => Ok(None),
        Ok(seconds) => Ok(Some(Duration::from_secs(seconds.into()).min(held::LONGEST))),
        Err(_) => {
            let error = FieldError::new("wait", "must be a number of seconds", "out_of_range");
            Err(Problem::bad_parameters(vec![error.with("min", 0).with("max", held::LONGEST.as_secs())]))
        }
    }
}

/// Reads a participation. The inner error says that it cannot be read.
async fn find(
    intake: &Intake,
    id: ParticipationId,
) -> Result<Result<Option<Participation>, Problem>, Problem> {
    Ok(readable(intake, intake.store.get(&[id]).await.map_err(|error| unavailable(intake, &error))?))
}

/// What the caller sees of a participation.
async fn seen_by(
    intake: &Intake,
    participation: &Participation,
    asking: Asking,
) -> Result<ShownParticipation, Problem> {
    let award = match participation.has_award() {
        true => {
            let read = intake.ledger.awards(&[participation.id()]).await;
            readable(intake, read.map_err(|error| unavailable(intake, &error))?)?
        }
        false => None,
    };
    let credited_at = award.as_ref().map_or(participation.earned_at(), |award| award.credited_at);
    let shows_win = seen::shows_win(participation, asking);
    let award = award.filter(|_| shows_win).map(|award| seen::award(participation, award, asking));
    let (won, drawn) = match &award {
        Some(award) => of_award(intake, award).await.map(|(won, counts)| (won, counts.drawn_at.is_some()))?,
        None => (Won::default(), false),
    };
    let rewarded_at = award.as_ref().and_then(|award| award.rewarded_at);
    let (seen, unplaced) = (seen::participation(participation, asking), participation.unplaced());
    let expected = Expected::of(seen.stage, award.as_ref(), drawn);
    let age = between(participation.accepted_at(), intake.clock.now());
    Ok(ShownParticipation {
        id: participation.id().to_string(),
        state: seen.state,
        outcome: expected.prospect.name(),
        r#final: expected.is_final,
        credited: credited_at.is_some(),
        accepted_at: participation.accepted_at().to_string(),
        credited_at: credited_at.map(|at| at.to_string()),
        rewarded_at: rewarded_at.map(|at| at.to_string()),
        answer_by: seen.asked_at.and_then(|asked_at| answer_by(intake, participation, asked_at)),
        reason: seen.reason.map(str::to_owned),
        consent: seen.consent,
        won,
        reward_unplaced: shows_win && unplaced.reward.is_some(),
        event_unplaced: shows_win && unplaced.flow_event.is_some(),
        updated_at: seen.updated_at.to_string(),
        next_ms: of_participation(expected, seen.asked_at.is_some(), age).map(in_ms),
    })
}

/// Until when the consumer's answer counts.
fn answer_by(intake: &Intake, participation: &Participation, asked_at: Timestamp) -> Option<String> {
    let (_, activation) = intake.brands.activation(participation.scope())?;
    let window = activation.answers_within(participation.channel())?;
    Some(later(asked_at, window).to_string())
}

/// The item that was asked for.
fn readable<T>(intake: &Intake, read: Read<T>) -> Result<Option<T>, Problem> {
    match read.unreadable.first() {
        Some(one) => Err(unreadable(intake, &one.why)),
        None => Ok(read.found.into_iter().next()),
    }
}

fn unavailable(intake: &Intake, error: &ports::Error) -> Problem {
    failing::say(intake, "intake.store_failed", "", error, "A participation could not be shown.");
    Problem::unavailable()
}
