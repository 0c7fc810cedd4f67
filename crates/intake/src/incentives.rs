//! `GET /incentives/{scope}/{id}`: how much of an incentive is left, and for a raffle, everything that is
//! needed to verify it.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::response::{IntoResponse, Response};
use domain::award::{Award, AwardStatus};
use domain::ids::{IncentiveId, LedgerKey, Scope};
use domain::incentive::raffle::{DrawnList, Ticket};
use domain::incentive::{Incentive, Kind};
use domain::ledger::numbers::{standing_of, takes_place};
use domain::ledger::{Counts, Standing};
use domain::participation::Participation;
use domain::seen::{self, Asking};
use http::{HeaderValue, header};
use ports::shown;
use serde_json::{Map, Value, json};

use crate::problem::{FieldError, Problem};
use crate::{Intake, failing};

/// The most winning tickets shown with the incentive. All of them are in a list of their own.
const MOST_SHOWN: u32 = 1_000;

/// Shows the counters of an incentive.
pub(crate) async fn show(
    Shared(intake): Shared<Intake>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let (ledger, incentive) = find(&intake, path)?;
    let counts = counts(&intake, &ledger).await?;
    let mut members = left(incentive, &counts);
    members.insert("scope".to_owned(), ledger.scope.as_str().into());
    members.insert("incentive".to_owned(), incentive.id.as_str().into());
    members.insert("waiting".to_owned(), counts.waiting.into());
    members.insert("held".to_owned(), counts.held.into());
    if let Kind::Raffle { .. } = incentive.kind {
        members.extend(raffle(&intake, (&ledger, incentive), &counts).await?);
    }
    Ok(Json(Value::Object(members)))
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
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match (name, value.parse::<u32>()) {
                ("after", Ok(after)) => page.after = after,
                ("limit", Ok(limit @ 1..=Self::LINES)) => page.limit = limit,
                ("after", Err(_)) => errors.push(FieldError::new("after", "must be a number from 0")),
                ("limit", _) => errors.push(FieldError::new("limit", "must be a number from 1 to 10000")),
                (_, _) => {}
            }
        }
        if errors.is_empty() { Ok(page) } else { Err(Problem::no_such_page(errors)) }
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

async fn counts(intake: &Intake, ledger: &LedgerKey) -> Result<Counts, Problem> {
    intake.ledger.counts(ledger).await.map_err(|error| unreachable(intake, &error))
}

fn unreachable(intake: &Intake, error: &ports::Error) -> Problem {
    failing::say(intake, "intake.store_failed", "", error, "An incentive could not be shown.");
    Problem::unavailable()
}

/// How many rewards there are, how many were given, and how many are left for new participations.
fn left(incentive: &Incentive, counts: &Counts) -> Map<String, Value> {
    let limit = incentive.quantity.limit();
    let left = limit.map(|limit| limit.saturating_sub(counts.given).saturating_sub(counts.held));
    let mut members = Map::new();
    members.insert("quantity".to_owned(), limit.into());
    members.insert("claimed".to_owned(), counts.given.into());
    members.insert("remaining".to_owned(), left.into());
    members
}

async fn raffle(
    intake: &Intake,
    (ledger, incentive): (&LedgerKey, &Incentive),
    counts: &Counts,
) -> Result<Map<String, Value>, Problem> {
    let seed = intake.id_key.raffle_seed(ledger);
    let commitment = counts.commitment.unwrap_or_else(|| seed.commitment());
    let mut members = Map::new();
    members.insert("lots".to_owned(), counts.entered.into());
    members.insert("seed_sha256".to_owned(), hex::encode(commitment.0).into());
    if let Some(drawn_at) = counts.drawn_at {
        let part = |list, most| intake.ledger.drawn(ledger, list, 0, most);
        let won = part(DrawnList::Winners, MOST_SHOWN).await.map_err(|error| unreachable(intake, &error))?;
        let lots = match counts.frozen {
            Some(frozen) => frozen.lots,
            None => part(DrawnList::Tickets, 1).await.map_err(|error| unreachable(intake, &error))?.of,
        };
        members.insert("lots".to_owned(), lots.into());
        members.insert("winners".to_owned(), won.of.into());
        let won: Vec<String> = won.tickets.iter().map(|ticket| hex::encode(ticket.0)).collect();
        members.insert("drawn_at".to_owned(), drawn_at.to_string().into());
        members.insert("seed".to_owned(), seed.publish().into());
        members.insert("winning_tickets".to_owned(), won.into());
    } else {
        if let Some(open) = counts.open_lots {
            members.insert("open_lots".to_owned(), open.into());
        }
        members.insert("drawn_by".to_owned(), incentive.drawn_by().to_string().into());
    }
    Ok(members)
}

/// Where a participation that was just accepted stands, as the answer says it. `"position": null` means that it is not known yet.
pub(crate) fn of_standing(standing: Standing) -> Map<String, Value> {
    let (name, value) = match standing {
        Standing::Unnumbered => return Map::new(),
        Standing::Place(place) => ("position", place.into()),
        Standing::Waiting(waiting) => ("waiting", waiting.into()),
        Standing::WaitingAtLeast(ahead) => ("waiting_at_least", ahead.into()),
        Standing::NotKnownYet => ("position", Value::Null),
    };
    Map::from_iter([(name.to_owned(), value)])
}

/// Where a participation that was accepted before stands now, in the same members, with the reward if it has one.
pub(crate) async fn of_earlier(
    intake: &Intake,
    participation: &Participation,
    asking: Asking,
) -> Result<Map<String, Value>, Problem> {
    if !participation.has_award() || !seen::shows_win(participation, asking) {
        return Ok(Map::new());
    }
    let read = intake.ledger.awards(&[participation.id()]).await;
    let Some(award) = read.map_err(|error| unreachable(intake, &error))?.found.pop() else {
        return Ok(Map::new());
    };
    let award = seen::award(participation, award, asking);
    if award.status == AwardStatus::New {
        return Ok(of_standing(not_entered(intake, &award)));
    }
    let mut members = of_award(intake, &award).await?;
    let stands =
        |name: &str, value: &Value| matches!(name, "position" | "reward" | "waiting") && !value.is_null();
    members.retain(|name, value| stands(name, value));
    Ok(members)
}

/// Where a participation stands whose line is not entered yet.
fn not_entered(intake: &Intake, award: &Award) -> Standing {
    if !takes_place(&award.offer) {
        return Standing::Unnumbered;
    }
    let known = intake.brands.activation(&award.ledger.scope).zip(award.ledger.incentive.as_ref());
    let incentive = known.and_then(|((_, activation), id)| activation.incentives.get(id));
    let numbered = award.number.zip(incentive);
    numbered
        .map_or(Standing::NotKnownYet, |(number, incentive)| standing_of(number.get(), incentive.quantity))
}

/// What a participation's award looks like to the caller that asks for the participation.
pub(crate) async fn of_award(intake: &Intake, award: &Award) -> Result<Map<String, Value>, Problem> {
    let mut members = Map::new();
    let Some(id) = &award.ledger.incentive else { return Ok(members) };
    let counts = counts(intake, &award.ledger).await?;
    let activation = intake.brands.activation(&award.ledger.scope).map(|(_, activation)| activation);
    if let Some(incentive) = activation.and_then(|activation| activation.incentives.get(id)) {
        members.extend(left(incentive, &counts));
    }
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("incentive", id.as_str().into());
    put("reward", Value::Null);
    match &award.status {
        AwardStatus::Rewarded { place, reward } => {
            put("reward", shown::reward(reward));
            if let Some(place) = place {
                put("position", (*place).into());
            }
        }
        AwardStatus::Reserved { place } => {
            put("position", (*place).into());
        }
        AwardStatus::Waiting => {
            let ahead =
                intake.ledger.waiting_ahead_of(award).await.map_err(|error| unreachable(intake, &error))?;
            put("waiting", (ahead + 1).into());
        }
        AwardStatus::InRaffle => {
            put("ticket", hex::encode(Ticket::of(award.id).0).into());
            if counts.drawn_at.is_some() {
                put("no_reward", "not_drawn".into());
            }
        }
        AwardStatus::New => {
            let standing = of_standing(not_entered(intake, award)).into_iter();
            members.extend(standing.filter(|(_, value)| !value.is_null()));
        }
        AwardStatus::NoPrize(why) => {
            put("no_reward", why.name().into());
        }
        AwardStatus::Released => {
            put("no_reward", json!("not_credited"));
        }
    }
    Ok(members)
}
