//! Questions to Braze: who has an address or a number, and whether an event arrived. Look-ups by address are one a request, and the
//! scarcest requests there are.

use std::collections::HashMap;
use std::time::Duration;

use braze::{Answer, Client, Export, ExportQuery, Fields, MOST_IDENTIFIERS, Next};
use domain::Timestamp;
use domain::brand::Brand;
use domain::profile::{Alias, ProfileRef};
use domain::reservation::{Observed, Slot};
use domain::time::{between, earlier, later};
use futures::future::join_all;
use ports::limits::Endpoint;

use crate::case::Case;
use crate::case::Performed;
use crate::connector::Connector;
use crate::pace::{Admission, PATIENCE, asked_wait, at_the_earliest, observed, wait_until};
use crate::translate;
use crate::valve::{Shut, Valve};

/// A slot shorter than this would be over before a message that is late by a second: its participation comes a second early, and
/// waits.
const SHORT: Duration = Duration::from_secs(5);

/// "Does this profile carry this event, no older than that?"
pub(crate) struct ProfileEventQuestion {
    pub(crate) profile: ProfileRef,
    pub(crate) event: String,
    pub(crate) since: Timestamp,
}

/// A request, and everyone who wants its answer.
struct Request<Q> {
    query: ExportQuery,
    by: Vec<(Case, Q)>,
}

/// What Braze answered, when, and what that says of the limit.
struct Heard {
    answer: Answer<Export>,
    at: Timestamp,
    said: Option<Observed>,
}

/// What came of a request for those who wanted its answer, and whether it asked for several profiles.
type Answered<Q> = (Vec<(Case, Q)>, bool, Result<Heard, Shut>);

/// Answers `FindProfile` for each case, in the order of acceptance, as far as slots go.
pub(crate) async fn profiles(connector: &Connector, brand: &Brand, cases: Vec<Case>) -> Performed {
    let requests =
        alike(cases.into_iter().map(|case| (translate::find_query(&case.participation.contact), case)));
    let found = |case: &mut Case, (): &(), export: &Export| {
        case.facts.found = Some(export.users.iter().map(translate::found_profile).collect());
    };
    ask_all(connector, brand, requests, Fields::IdentityAndAttributes, found).await.0
}

/// Answers `FindAlias` for each case, as many in a request as Braze takes. What cannot be asked for by alias is as good as not there: it is
/// asked for by contact.
pub(crate) async fn aliases(
    connector: &Connector,
    brand: &Brand,
    questions: Vec<(Case, Alias)>,
) -> Performed {
    let found = |case: &mut Case, alias: &ProfileRef, export: &Export| {
        let theirs = export.users.iter().filter(|user| translate::is_of(user, alias));
        let found: Vec<_> = theirs.map(translate::found_profile).collect();
        case.participation.no_such_alias = found.is_empty();
        case.facts.found = (!found.is_empty()).then_some(found);
    };
    let questions = questions.into_iter().map(|(case, alias)| (case, ProfileRef::Alias(alias)));
    let requests = in_pieces(questions.collect(), |(_, alias)| alias);
    let (mut performed, refused) =
        ask_all(connector, brand, requests, Fields::IdentityAndAttributes, found).await;
    performed.active.extend(refused.into_iter().map(|(mut case, _)| {
        case.participation.no_such_alias = true;
        case
    }));
    performed
}

/// One request for all who ask the same, in the order of the first.
fn alike(questions: impl Iterator<Item = (ExportQuery, Case)>) -> Vec<Request<()>> {
    let mut requests: Vec<Request<()>> = Vec::new();
    let mut places: HashMap<ExportQuery, usize> = HashMap::new();
    for (query, case) in questions {
        match places.get(&query).and_then(|place| requests.get_mut(*place)) {
            Some(request) => request.by.push((case, ())),
            None => {
                places.insert(query.clone(), requests.len());
                requests.push(Request { query, by: vec![(case, ())] });
            }
        }
    }
    requests
}

/// Answers `EventRecorded` for each case, as many in a request as Braze takes.
pub(crate) async fn events(
    connector: &Connector,
    brand: &Brand,
    questions: Vec<(Case, ProfileEventQuestion)>,
) -> Performed {
    let recorded = |case: &mut Case, question: &ProfileEventQuestion, export: &Export| {
        let theirs = export.users.iter().filter(|user| translate::is_of(user, &question.profile));
        let mut ours =
            theirs.flat_map(|user| &user.custom_events).filter(|event| event.name == question.event);
        let since = whole_second(question.since);
        case.facts.recorded = Some(ours.any(|event| event.last.is_none_or(|last| last >= since)));
    };
    let requests = together(questions);
    let (mut performed, refused) =
        ask_all(connector, brand, requests, Fields::IdentityAndEvents, recorded).await;
    // Of those that were refused together one is at fault: alone, it is refused alone.
    let alone = refused.into_iter().map(about).collect();
    performed.extend(ask_all(connector, brand, alone, Fields::IdentityAndEvents, recorded).await.0);
    performed
}

/// Questions by kind of identifier: Braze's documentation leaves open whether several kinds may be asked at once.
fn together(questions: Vec<(Case, ProfileEventQuestion)>) -> Vec<Request<ProfileEventQuestion>> {
    let (mut by_external_id, mut by_alias, mut requests) = (Vec::new(), Vec::new(), Vec::new());
    for (case, question) in questions {
        match question.profile {
            ProfileRef::ExternalId(_) => by_external_id.push((case, question)),
            ProfileRef::Alias(_) => by_alias.push((case, question)),
            ProfileRef::BrazeId(_) | ProfileRef::Email(_) => requests.push(about((case, question))),
        }
    }
    for kind in [by_external_id, by_alias] {
        requests.extend(in_pieces(kind, |(_, question)| &question.profile));
    }
    requests
}

/// As many in a request as Braze takes.
fn in_pieces<Q>(questions: Vec<(Case, Q)>, profile: impl Fn(&(Case, Q)) -> &ProfileRef) -> Vec<Request<Q>> {
    let mut questions = questions.into_iter().peekable();
    let mut requests = Vec::new();
    while questions.peek().is_some() {
        let by: Vec<(Case, Q)> = questions.by_ref().take(MOST_IDENTIFIERS).collect();
        requests.push(Request { query: translate::export_query(by.iter().map(&profile)), by });
    }
    requests
}

fn about(question: (Case, ProfileEventQuestion)) -> Request<ProfileEventQuestion> {
    Request { query: translate::export_query(std::iter::once(&question.1.profile)), by: vec![question] }
}

/// Braze does not promise to keep fractions of a second: a time cut to the second is still ours.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// Sends the requests that have a slot; what came of them, and who was refused together with others.
async fn ask_all<Q>(
    connector: &Connector,
    brand: &Brand,
    requests: Vec<Request<Q>>,
    fields: Fields,
    learn: impl Fn(&mut Case, &Q, &Export),
) -> (Performed, Vec<(Case, Q)>) {
    let mut refused = Vec::new();
    if requests.is_empty() {
        return (Performed::default(), refused);
    }
    let outside = &connector.outside;
    let (ready, mut performed) = admit(connector, brand, requests).await;
    let Some(client) = connector.workspaces.client(outside, &connector.seen, brand).await else {
        let now = outside.clock.now();
        let cases = ready.into_iter().flat_map(|(_, request)| request.by);
        performed
            .resting
            .extend(cases.map(|(case, _)| case.rest_after_failure(None, &*connector.outside.chance, now)));
        return (performed, refused);
    };
    let valve = connector.pace.valve(brand, Endpoint::ExportIds);
    let asked = ready.into_iter().map(|(slot, Request { query, by })| {
        let (client, valve) = (&client, &valve);
        async move {
            let heard = ask(connector, client, valve, slot, &query, fields).await;
            (by, query.asks_for_several(), heard)
        }
    });
    let answers: Vec<Answered<Q>> = join_all(asked).await;
    let now = outside.clock.now();
    let mut said = Vec::new();
    for (by, together, heard) in answers {
        said.extend(heard.as_ref().ok().and_then(|heard| heard.said));
        for (case, question) in by {
            if together && matches!(&heard, Ok(heard) if is_refused(&heard.answer)) {
                refused.push((case, question));
            } else {
                let learn = |case: &mut Case, export: &Export| learn(case, &question, export);
                take_in(connector, case, &heard, learn, now, &mut performed);
            }
        }
    }
    if said.contains(&Observed::KeyRefused) {
        connector.key_was_refused(brand);
    }
    connector.pace.observe(outside, brand, Endpoint::ExportIds, &said).await;
    (performed, refused)
}

/// One request, in its slot or not at all.
async fn ask(
    connector: &Connector,
    client: &Client,
    valve: &Valve,
    slot: Slot,
    query: &ExportQuery,
    fields: Fields,
) -> Result<Heard, Shut> {
    let clock = &connector.outside.clock;
    wait_until(&*connector.outside.clock, slot.from).await;
    let passage = valve.enter(slot, || clock.now()).await?;
    if clock.now() >= slot.until {
        return Err(Shut::Missed);
    }
    let answer = client.export_ids(query, fields).await;
    let at = clock.now();
    let said = observed(&answer, at);
    match &answer.result {
        Err(braze::Error::NotSent(_) | braze::Error::Lost(_)) => passage.unanswered(at),
        Ok(_) | Err(_) => passage.answered(at_the_earliest(said, &answer.limits), at),
    }
    Ok(Heard { answer, at, said })
}

fn is_refused(answer: &Answer<Export>) -> bool {
    matches!(&answer.result, Err(error) if error.next() == Next::Refused)
}

/// Turns an answer into a fact, or puts the case off.
fn take_in(
    connector: &Connector,
    mut case: Case,
    heard: &Result<Heard, Shut>,
    learn: impl Fn(&mut Case, &Export),
    now: Timestamp,
    performed: &mut Performed,
) {
    // It has been used, or is worth nothing any more. Until then it is kept, whatever else is asked meanwhile.
    case.participation.slot = None;
    let Heard { answer, at, .. } = match heard {
        Ok(heard) => heard,
        Err(Shut::Down) => {
            performed.resting.push(case.rest_after_failure(None, &*connector.outside.chance, now));
            return;
        }
        Err(shut) => {
            let until = match shut {
                Shut::Refused | Shut::Missed | Shut::Down => now,
                Shut::UsedUp { until } => *until,
            };
            case.put_off(later(until, connector.outside.chance.jitter(PATIENCE)), now);
            performed.resting.push(case);
            return;
        }
    };
    match &answer.result {
        Ok(export) => {
            case.answered();
            learn(&mut case, export);
            performed.active.push(case);
        }
        Err(error) if error.next() == Next::Refused => {
            case.answered();
            case.facts.refused = Some(format!("the look-up failed: {error}"));
            performed.active.push(case);
        }
        Err(error) => {
            tracing::debug!(participation = %case.participation.id, %error, "connector.look_up_failed");
            performed.resting.push(case.rest_after_failure(
                asked_wait(answer, *at),
                &*connector.outside.chance,
                now,
            ));
        }
    }
}

type Admitted<Q> = Vec<(Slot, Request<Q>)>;

/// Requests whose slot has come, or comes within our patience; the cases of the others rest until theirs does.
async fn admit<Q>(
    connector: &Connector,
    brand: &Brand,
    requests: Vec<Request<Q>>,
) -> (Admitted<Q>, Performed) {
    let now = connector.outside.clock.now();
    let own = |request: &Request<Q>| {
        let slots = request.by.iter().filter_map(|(case, _)| case.participation.slot);
        slots.into_iter().find(|slot| slot.from <= later(now, PATIENCE) && now < slot.until)
    };
    let without = requests.iter().filter(|request| own(request).is_none()).count();
    let mut admissions = if without > 0 {
        connector.pace.admit(&connector.outside, brand, Endpoint::ExportIds, without).await.into_iter()
    } else {
        Vec::new().into_iter()
    };
    let mut ready = Vec::new();
    let mut performed = Performed::default();
    for request in requests {
        let admission = match own(&request) {
            Some(slot) => Some(Admission::At(slot)),
            None => admissions.next(),
        };
        match admission {
            Some(Admission::At(slot)) => ready.push((slot, request)),
            Some(Admission::Later(slot)) => {
                let left = between(now, slot.from);
                connector.tallied.look_up_waits(left);
                performed.resting.extend(put_off(request, come_for(slot), Some(slot), now));
            }
            Some(Admission::Closed(until)) => performed.resting.extend(put_off(request, until, None, now)),
            None => {
                let rest =
                    |(case, _): (Case, Q)| case.rest_after_failure(None, &*connector.outside.chance, now);
                performed.resting.extend(request.by.into_iter().map(rest));
            }
        }
    }
    (ready, performed)
}

/// Has everyone who wants an answer come again; if a slot is booked for it, the first one holds it.
fn put_off<Q>(
    request: Request<Q>,
    until: Timestamp,
    mut slot: Option<Slot>,
    now: Timestamp,
) -> impl Iterator<Item = Case> {
    request.by.into_iter().map(move |(mut case, _)| {
        case.participation.slot = slot.take();
        case.put_off(until, now);
        case
    })
}

/// When to come for a slot.
fn come_for(slot: Slot) -> Timestamp {
    let length = between(slot.from, slot.until);
    if length < SHORT { earlier(slot.from, PATIENCE) } else { slot.from }
}
