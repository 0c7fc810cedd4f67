//! Questions to Braze: who has an address or a number, and whether an event arrived. Look-ups by address are one a request, and the
//! scarcest requests there are.

use std::time::Duration;

use braze::{Answer, Export, ExportQuery, Fields, Next};
use domain::Timestamp;
use domain::brand::Brand;
use domain::profile::ProfileRef;
use domain::reservation::{Observed, Slot};
use futures::StreamExt;
use futures::stream;
use ports::limits::Endpoint;

use crate::case::Case;
use crate::pace::{Admission, PATIENCE, asked_wait, observed};
use crate::retry::back_off;
use crate::step::{Connector, Performed};
use crate::translate;
use crate::valve::{Shut, Valve};

/// Look-ups under way at once for one brand: enough to fill 2,500 a minute at a third of a second each.
const AT_ONCE: usize = 16;

/// A slot shorter than this would be over before a message that is late by a second: its participation comes a second early, and
/// waits.
const SHORT: Duration = Duration::from_secs(5);

/// "Does this profile carry this event, no older than that?"
pub(crate) struct ProfileEventQuestion {
    pub(crate) profile: ProfileRef,
    pub(crate) event: String,
    pub(crate) since: Timestamp,
}

/// Answers `FindProfile` for each case, in the order of acceptance, as far as slots go.
pub(crate) async fn profiles(connector: &Connector, brand: &Brand, cases: Vec<Case>) -> Performed {
    let asked = cases.into_iter().map(|case| {
        let query = translate::find_query(&case.participation.contact);
        (case, query)
    });
    ask_all(connector, brand, asked.collect(), Fields::IdentityAndAttributes, |case, export| {
        case.facts.found = Some(export.users.iter().map(translate::found_profile).collect());
    })
    .await
}

/// Answers `EventRecorded` for each case. These are rare: only what became uncertain asks.
pub(crate) async fn events(
    connector: &Connector,
    brand: &Brand,
    questions: Vec<(Case, ProfileEventQuestion)>,
) -> Performed {
    let mut performed = Performed::default();
    for (case, question) in questions {
        let asked = vec![(case, translate::export_query(&question.profile))];
        let answered = ask_all(connector, brand, asked, Fields::IdentityAndEvents, |case, export| {
            let events = export.users.iter().flat_map(|user| &user.custom_events);
            let mut ours = events.filter(|event| event.name == question.event);
            let since = whole_second(question.since);
            case.facts.recorded = Some(ours.any(|event| event.last.is_none_or(|last| last >= since)));
        });
        performed.extend(answered.await);
    }
    performed
}

/// Braze does not promise to keep fractions of a second: a time cut to the second is still ours.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

async fn ask_all(
    connector: &Connector,
    brand: &Brand,
    asked: Vec<(Case, ExportQuery)>,
    fields: Fields,
    learn: impl Fn(&mut Case, &Export),
) -> Performed {
    if asked.is_empty() {
        return Performed::default();
    }
    let outside = &connector.outside;
    let (ready, mut performed) = admit(connector, brand, asked).await;
    let Some(client) = connector.workspaces.client(outside, brand).await else {
        let now = outside.clock.now();
        performed
            .resting
            .extend(ready.into_iter().map(|(_, case, _)| rest_after_failure(connector, case, None, now)));
        return performed;
    };
    let valve = Valve::default();
    let answers: Vec<(Case, Result<Answer<Export>, Shut>)> = stream::iter(ready)
        .map(|(from, case, query)| {
            let (client, valve) = (&client, &valve);
            async move {
                wait_until(connector, from).await;
                if let Err(shut) = valve.enter(|| outside.clock.now()).await {
                    return (case, Err(shut));
                }
                let answer = client.export_ids(&query, fields).await;
                let refused = matches!(&answer.result, Err(error) if stops_the_rest(error));
                valve.leave(observed(&answer, outside.clock.now()), refused);
                (case, Ok(answer))
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let now = outside.clock.now();
    let mut said = Vec::new();
    for (case, answer) in answers {
        take_in(connector, case, answer, &learn, now, &mut said, &mut performed);
    }
    if said.contains(&Observed::KeyRefused) {
        connector.key_was_refused(brand);
    }
    connector.pace.observe(outside, brand, Endpoint::ExportIds, &said).await;
    performed
}

/// Once Braze throttles or refuses the key, the other requests of the group would only draw the same answer.
fn stops_the_rest(error: &braze::Error) -> bool {
    matches!(error, braze::Error::Throttled { .. }) || error.next() == Next::Configuration
}

/// Turns an answer into a fact, or puts the case off.
fn take_in(
    connector: &Connector,
    mut case: Case,
    answer: Result<Answer<Export>, Shut>,
    learn: &impl Fn(&mut Case, &Export),
    now: Timestamp,
    said: &mut Vec<Observed>,
    performed: &mut Performed,
) {
    // It has been used, or is worth nothing any more. Until then it is kept, whatever else is asked meanwhile.
    case.participation.slot = None;
    let answer = match answer {
        Ok(answer) => answer,
        Err(shut) => {
            let until = match shut {
                Shut::Refused => now,
                Shut::UsedUp { until } => until,
            };
            case.put_off(until + connector.outside.chance.jitter(PATIENCE), now);
            performed.resting.push(case);
            return;
        }
    };
    said.extend(observed(&answer, now));
    let asked = asked_wait(&answer, now);
    match answer.result {
        Ok(export) => {
            case.answered();
            learn(&mut case, &export);
            performed.active.push(case);
        }
        Err(error) if error.next() == Next::Refused => {
            case.answered();
            case.facts.refused = Some(format!("the look-up failed: {error}"));
            performed.active.push(case);
        }
        Err(error) => {
            tracing::debug!(participation = %case.participation.id, %error, "connector.look_up_failed");
            performed.resting.push(rest_after_failure(connector, case, asked, now));
        }
    }
}

pub(crate) fn rest_after_failure(
    connector: &Connector,
    mut case: Case,
    asked: Option<Duration>,
    now: Timestamp,
) -> Case {
    case.failed();
    let wait = back_off(case.participation.failures, asked, &*connector.outside.chance);
    case.put_off(now + wait, now);
    case
}

type Admitted = Vec<(Timestamp, Case, ExportQuery)>;

/// Cases whose slot has come, or comes within our patience; the others rest until theirs does.
async fn admit(
    connector: &Connector,
    brand: &Brand,
    asked: Vec<(Case, ExportQuery)>,
) -> (Admitted, Performed) {
    let now = connector.outside.clock.now();
    let own =
        |case: &Case| case.participation.slot.filter(|slot| slot.from <= now + PATIENCE && now < slot.until);
    let has_slot = |case: &Case| own(case).is_some();
    let without = asked.iter().filter(|(case, _)| !has_slot(case)).count();
    let mut admissions = if without > 0 {
        connector.pace.admit(&connector.outside, brand, Endpoint::ExportIds, without).await.into_iter()
    } else {
        Vec::new().into_iter()
    };
    let mut ready = Vec::new();
    let mut performed = Performed::default();
    for (mut case, query) in asked {
        let admission = match own(&case) {
            Some(slot) => Some(Admission::At(slot.from.max(now))),
            None => admissions.next(),
        };
        match admission {
            Some(Admission::At(from)) => ready.push((from, case, query)),
            Some(Admission::Later(slot)) => {
                let left = Duration::try_from(slot.from.duration_since(now)).unwrap_or_default();
                connector.tallied.look_up_waits(left);
                case.participation.slot = Some(slot);
                case.put_off(come_for(slot), now);
                performed.resting.push(case);
            }
            Some(Admission::Closed(until)) => {
                case.participation.slot = None;
                case.put_off(until, now);
                performed.resting.push(case);
            }
            None => performed.resting.push(rest_after_failure(connector, case, None, now)),
        }
    }
    (ready, performed)
}

/// When to come for a slot.
fn come_for(slot: Slot) -> Timestamp {
    let length = Duration::try_from(slot.until.duration_since(slot.from)).unwrap_or_default();
    if length < SHORT { slot.from.saturating_sub(PATIENCE).unwrap_or(slot.from) } else { slot.from }
}

/// Waits for a slot that is about to come.
pub(crate) async fn wait_until(connector: &Connector, from: Timestamp) {
    let now = connector.outside.clock.now();
    if from > now {
        let left = Duration::try_from(from.duration_since(now)).unwrap_or_default();
        connector.outside.clock.sleep(left).await;
    }
}
