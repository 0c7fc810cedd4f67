//! Requests to `/users/export/ids`. Each is sent in its slot or not at all, and its answer becomes facts of
//! the participations that need it.

use braze::{AfterError, Answer, Client, Export, ExportQuery, Fields};
use domain::Timestamp;
use domain::participation::{Cause, Participation};
use domain::reservation::{Observed, Slot};
use domain::time::later;
use futures::future::join_all;
use ports::limits::Endpoint;

use super::BrandAccess;
use super::admission::{Request, admit};
use crate::breaker::{Breaker, Rejection};
use crate::budget::{PATIENCE, asked_wait, at_the_earliest, observed};
use crate::causes::cause;
use crate::work_item::{Performed, WorkItem};

/// Braze's answer, when it came, and what it says about the limit.
struct Heard {
    answer: Answer<Export>,
    at: Timestamp,
    said: Option<Observed>,
}

/// The work items that need the answer of a request, whether it asked for several profiles, and what came of
/// it.
type Answered<Q> = (Vec<(WorkItem, Q)>, bool, Result<Heard, Rejection>);

/// Sends the requests that have a slot. Returns the work items with what they learned, and those that were
/// refused together with others.
pub(super) async fn ask_all<Q>(
    to: &BrandAccess<'_>,
    requests: Vec<Request<Q>>,
    fields: Fields,
    learn: impl Fn(&mut WorkItem, &Q, &Export),
) -> (Performed, Vec<(WorkItem, Q)>) {
    let mut refused = Vec::new();
    if requests.is_empty() {
        return (Performed::default(), refused);
    }
    let (ready, mut performed) = admit(to, requests).await;
    let Some(client) = to.client().await else {
        let now = to.now();
        let items = ready.into_iter().flat_map(|(_, request)| request.by);
        performed
            .resting
            .extend(items.map(|(item, _)| to.rest_after_failure(item, (Cause::NoKey, None), now)));
        return (performed, refused);
    };
    let breaker = to.breaker(Endpoint::ExportIds);
    let asked = ready.into_iter().map(|(slot, Request { query, by })| {
        let (client, breaker) = (&client, &breaker);
        async move {
            let about = by.iter().map(|(item, _)| &item.participation);
            let heard = ask(to, (client, breaker), slot, (&query, fields), about).await;
            (by, query.asks_for_several(), heard)
        }
    });
    let answers: Vec<Answered<Q>> = join_all(asked).await;
    let now = to.now();
    let mut said = Vec::new();
    for (by, together, heard) in answers {
        said.extend(heard.as_ref().ok().and_then(|heard| heard.said));
        for (item, question) in by {
            if together && matches!(&heard, Ok(heard) if is_refused(&heard.answer)) {
                refused.push((item, question));
            } else {
                let learn = |item: &mut WorkItem, export: &Export| learn(item, &question, export);
                take_in(to, item, &heard, learn, now, &mut performed);
            }
        }
    }
    to.conclude(Endpoint::ExportIds, &said).await;
    (performed, refused)
}

/// Sends one request in its slot, or not at all.
async fn ask(
    to: &BrandAccess<'_>,
    (client, breaker): (&Client, &Breaker),
    slot: Slot,
    (query, fields): (&ExportQuery, Fields),
    about: impl ExactSizeIterator<Item = &Participation>,
) -> Result<Heard, Rejection> {
    let clock = &to.access.deps.clock;
    to.wait_until(slot.from).await;
    let permit = breaker.enter(slot, || clock.now()).await?;
    if clock.now() >= slot.until {
        return Err(Rejection::Missed);
    }
    let call = to.call(Endpoint::ExportIds, query.identifiers(), about);
    let answer = client.export_ids(query, fields).await;
    let at = clock.now();
    to.record(call, &answer, at);
    let said = observed(&answer, at);
    match &answer.result {
        Err(braze::Error::NotSent(_) | braze::Error::Lost(_)) => permit.unanswered(at),
        Ok(_) | Err(_) => permit.answered(at_the_earliest(said, &answer.limits), at),
    }
    Ok(Heard { answer, at, said })
}

fn is_refused(answer: &Answer<Export>) -> bool {
    matches!(&answer.result, Err(error) if error.next() == AfterError::Refused)
}

/// Turns an answer into a fact, or puts the work item off.
fn take_in(
    to: &BrandAccess<'_>,
    mut item: WorkItem,
    heard: &Result<Heard, Rejection>,
    learn: impl Fn(&mut WorkItem, &Export),
    now: Timestamp,
    performed: &mut Performed,
) {
    // The slot is used, or worth nothing any more. Until then it is kept, whatever else is asked in between.
    item.participation.holds(None);
    let Heard { answer, at, .. } = match heard {
        Ok(heard) => heard,
        Err(Rejection::Down) => {
            performed.resting.push(to.rest_after_failure(item, (Cause::Unreachable, None), now));
            return;
        }
        Err(rejection) => {
            let until = match rejection {
                Rejection::Refused | Rejection::Missed | Rejection::Down => now,
                Rejection::UsedUp { until } => *until,
            };
            item.participation.held_up(rejection.cause(), now);
            item.participation.put_off(later(until, to.access.deps.chance.jitter(PATIENCE)), now);
            performed.resting.push(item);
            return;
        }
    };
    match &answer.result {
        Ok(export) => {
            item.participation.answered(*at);
            learn(&mut item, export);
            performed.active.push(item);
        }
        Err(error) if error.next() == AfterError::Refused => {
            item.participation.answered(*at);
            item.facts.refused = Some(format!("the look-up failed: {error}"));
            performed.active.push(item);
        }
        Err(error) => {
            tracing::debug!(event = "connector.look_up_failed", participation = %item.participation.id(), %error, "A look-up failed.");
            performed.resting.push(item.rest_after_failure(
                (cause(error), asked_wait(answer, *at)),
                &*to.access.deps.chance,
                now,
            ));
        }
    }
}
