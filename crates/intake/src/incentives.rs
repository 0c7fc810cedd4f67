//! `GET /incentives/{scope}/{id}`: how much of an incentive is left, and for a raffle, everything that is
//! needed to verify it.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::response::{IntoResponse, Response};
use domain::ids::{IncentiveId, LedgerKey, Scope};
use domain::incentive::raffle::DrawnList;
use domain::incentive::{Incentive, Kind};
use domain::ledger::Counts;
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;

use crate::field_error::FieldError;
use crate::freshness::{A_MINUTE, A_SECOND, Tagged};
use crate::pace::in_ms;
use crate::problem::Problem;
use crate::{Intake, failing};

/// The most winning tickets shown with the incentive. All of them are in a list of their own.
const MOST_SHOWN: u32 = 1_000;

/// How much of an incentive is left.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct RewardsLeft {
    /// How many rewards there are; `null` for no limit.
    #[cfg_attr(test, schema(required))]
    pub(crate) quantity: Option<u32>,
    /// How many rewards were given.
    pub(crate) claimed: u32,
    /// How many a consumer who comes now can still get; `null` for no limit.
    #[cfg_attr(test, schema(required))]
    pub(crate) remaining: Option<u32>,
}

impl RewardsLeft {
    pub(crate) fn of(incentive: &Incentive, counts: &Counts) -> Self {
        let quantity = incentive.quantity.limit();
        let remaining = quantity.map(|limit| limit.saturating_sub(counts.given).saturating_sub(counts.held));
        Self { quantity, claimed: counts.given, remaining }
    }
}

/// The counters of an incentive.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct ShownIncentive {
    /// The activation.
    scope: String,
    /// The incentive's id.
    incentive: String,
    #[serde(flatten)]
    left: RewardsLeft,
    /// How many places are kept for participations that are not credited yet.
    held: u32,
    /// How many wait for a place.
    waiting: u32,
    #[serde(flatten)]
    raffle: ShownRaffle,
    /// When to ask again, in milliseconds; absent if nothing changes any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    next_ms: Option<u64>,
}

/// What a raffle shows besides: everything that is needed to verify it.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct ShownRaffle {
    /// How many tickets there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    lots: Option<u32>,
    /// The SHA-256 of the seed, from the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    seed_sha256: Option<String>,
    /// Before the draw: how many tickets belong to participations that are not credited yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    open_lots: Option<u32>,
    /// Before the draw: until when it waits for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    drawn_by: Option<String>,
    /// After the draw: when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    drawn_at: Option<String>,
    /// After the draw: the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    seed: Option<String>,
    /// After the draw: how many tickets won.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    winners: Option<u32>,
    /// After the draw: the first winning tickets, best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    winning_tickets: Option<Vec<String>>,
}

/// Shows the counters of an incentive.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/incentives/{scope}/{id}",
    tag = "public",
    operation_id = "incentive",
    params(("scope" = String, Path, description = "The activation."), ("id" = String, Path, description = "The incentive.")),
    responses(
        (status = 200, body = ShownIncentive, description = "The counters."),
        (status = 304, description = "They are those of the `If-None-Match`."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem."),
    )
))]
pub(crate) async fn show(
    Shared(intake): Shared<Intake>,
    headers: HeaderMap,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let (ledger, incentive) = find(&intake, path)?;
    let counts = watched_counts(&intake, &ledger).await?;
    let raffle = match incentive.kind {
        Kind::Raffle { .. } => raffle(&intake, (&ledger, incentive), &counts).await?,
        Kind::First(_) | Kind::Tiers(_) | Kind::Speed { .. } | Kind::Decay { .. } | Kind::Draw { .. } => {
            ShownRaffle::default()
        }
    };
    let next = intake.pace.of_counters((&ledger, incentive), &counts, intake.clock.now());
    let shown = ShownIncentive {
        scope: ledger.scope.to_string(),
        incentive: incentive.id.to_string(),
        left: RewardsLeft::of(incentive, &counts),
        held: counts.held,
        waiting: counts.waiting,
        raffle,
        next_ms: next.map(in_ms),
    };
    Ok(Tagged::of(&shown, &[]).answer(&headers, A_SECOND))
}

/// The tickets of a raffle after it is drawn, one a line: with the seed, they show which tickets had to win.
pub(crate) async fn tickets(
    Shared(intake): Shared<Intake>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    drawn(&intake, path, DrawnList::Tickets, query).await
}

/// The winning tickets, one a line, best first.
pub(crate) async fn winners(
    Shared(intake): Shared<Intake>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    drawn(&intake, path, DrawnList::Winners, query).await
}

/// Returns a page of a list, with a link to the next page.
async fn drawn(
    intake: &Intake,
    path: Result<Path<(String, String)>, PathRejection>,
    list: DrawnList,
    query: Option<String>,
) -> Result<Response, Problem> {
    let (ledger, incentive) = find(intake, path)?;
    let ListPage { after, limit } = ListPage::of(query.as_deref().unwrap_or_default())?;
    if counts(intake, &ledger).await?.drawn_at.is_none() {
        return Err(Problem::no_such_path());
    }
    let part = intake
        .ledger
        .drawn(&ledger, list, after, limit)
        .await
        .map_err(|error| unreachable(intake, &error))?;
    let lines: String = part.tickets.iter().map(|ticket| format!("{}\n", hex::encode(ticket.0))).collect();
    let next = after.saturating_add(u32::try_from(part.tickets.len()).unwrap_or(u32::MAX));
    let mut response = lines.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, A_MINUTE);
    if next > after && next < part.of {
        let (scope, id, name) = (&ledger.scope, &incentive.id, list.name());
        let link = format!("</incentives/{scope}/{id}/{name}?after={next}&limit={limit}>; rel=\"next\"");
        // Scopes and ids contain only plain characters.
        let link = HeaderValue::from_str(&link).map_err(|_| Problem::unavailable())?;
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// Which lines of a list are wanted.
struct ListPage {
    /// The lines start behind this many.
    after: u32,
    /// The most lines to return.
    limit: u32,
}

impl ListPage {
    /// The lines of a page unless fewer are asked for. A shorter list comes as a whole.
    const LINES: u32 = 10_000;

    fn of(query: &str) -> Result<Self, Problem> {
        let mut page = Self { after: 0, limit: Self::LINES };
        let mut errors = Vec::new();
        let number = |name, message| FieldError::new(name, message, "out_of_range");
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match (name, value.parse::<u32>()) {
                ("after", Ok(after)) => page.after = after,
                ("limit", Ok(limit @ 1..=Self::LINES)) => page.limit = limit,
                ("after", Err(_)) => errors.push(number("after", "must be a number from 0").with("min", 0)),
                ("limit", _) => {
                    let error = number("limit", "must be a number from 1 to 10000");
                    errors.push(error.with("min", 1).with("max", Self::LINES));
                }
                (_, _) => {}
            }
        }
        if errors.is_empty() { Ok(page) } else { Err(Problem::bad_parameters(errors)) }
    }
}

fn find(
    intake: &Intake,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(LedgerKey, &Incentive), Problem> {
    let none = |_| Problem::no_such_incentive();
    let Path((scope, id)) = path.map_err(|_| Problem::no_such_incentive())?;
    let (scope, id) = (Scope::parse(&scope).map_err(none)?, IncentiveId::parse(&id).map_err(none)?);
    let (_, activation) = intake.known(&scope)?.ok_or_else(Problem::no_such_incentive)?;
    let incentive = activation.incentives.get(&id).ok_or_else(Problem::no_such_incentive)?;
    Ok((activation.ledger(Some(&id)), incentive))
}

pub(crate) async fn counts(intake: &Intake, ledger: &LedgerKey) -> Result<Counts, Problem> {
    intake.ledger.counts(ledger).await.map_err(|error| unreachable(intake, &error))
}

/// The counters for a page that anybody may watch. They may be some moments old.
pub(crate) async fn watched_counts(intake: &Intake, ledger: &LedgerKey) -> Result<Counts, Problem> {
    let read = intake.counts_cache.counts(&intake.ledger, ledger, intake.clock.now()).await;
    read.map_err(|error| unreachable(intake, &error))
}

pub(crate) fn unreachable(intake: &Intake, error: &ports::Error) -> Problem {
    failing::say(intake, "intake.store_failed", "", error, "An incentive could not be shown.");
    Problem::unavailable()
}

async fn raffle(
    intake: &Intake,
    (ledger, incentive): (&LedgerKey, &Incentive),
    counts: &Counts,
) -> Result<ShownRaffle, Problem> {
    let seed = intake.id_key.raffle_seed(ledger);
    let commitment = counts.commitment.unwrap_or_else(|| seed.commitment());
    let mut shown = ShownRaffle {
        lots: Some(counts.entered),
        seed_sha256: Some(hex::encode(commitment.0)),
        ..ShownRaffle::default()
    };
    if let Some(drawn_at) = counts.drawn_at {
        let part = |list, most| intake.ledger.drawn(ledger, list, 0, most);
        let won = part(DrawnList::Winners, MOST_SHOWN).await.map_err(|error| unreachable(intake, &error))?;
        let lots = match counts.frozen {
            Some(frozen) => frozen.lots,
            None => part(DrawnList::Tickets, 1).await.map_err(|error| unreachable(intake, &error))?.of,
        };
        shown.lots = Some(lots);
        shown.winners = Some(won.of);
        shown.winning_tickets = Some(won.tickets.iter().map(|ticket| hex::encode(ticket.0)).collect());
        shown.drawn_at = Some(drawn_at.to_string());
        shown.seed = Some(seed.publish());
    } else {
        shown.open_lots = counts.open_lots;
        shown.drawn_by = Some(incentive.drawn_by().to_string());
    }
    Ok(shown)
}
