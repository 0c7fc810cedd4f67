//! Subscriptions of numbers: read and written fifty to a request.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use braze::{Answer, Client, GroupPhones, MOST_PHONES, Next, SetEndpoint, Statuses, SubscriptionState};
use domain::Timestamp;
use domain::brand::Brand;
use domain::decide::{Subscription, Written};
use domain::ids::SubscriptionGroup;
use domain::reservation::Observed;
use domain::time::later;
use futures::StreamExt;
use futures::stream;
use ports::limits::Endpoint;

use crate::case::Case;
use crate::case::Performed;
use crate::connector::Connector;
use crate::pace::{Admission, asked_wait, observed, wait_until};
use crate::retry::back_off;

/// Requests of a group under way at once: fifty numbers each, far below their limits with answers that take a second.
const AT_ONCE: usize = 16;

/// A number to be subscribed.
pub(crate) struct Job {
    pub(crate) case: Case,
    pub(crate) group: SubscriptionGroup,
    pub(crate) double_opt_in: bool,
}

/// The consumers' numbers, each once.
fn phones<'a>(cases: impl Iterator<Item = &'a Case>) -> Vec<String> {
    let phones = cases.filter_map(|case| case.participation.phone());
    let phones: BTreeSet<String> = phones.map(|phone| phone.as_str().to_owned()).collect();
    phones.into_iter().collect()
}

/// Puts what is alike together.
fn grouped<K: Ord, T>(items: impl IntoIterator<Item = (K, T)>) -> BTreeMap<K, Vec<T>> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for (key, item) in items {
        groups.entry(key).or_default().push(item);
    }
    groups
}

/// Cuts into pieces of at most `most`.
fn pieces<T>(items: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut items = items.into_iter();
    let mut pieces = Vec::new();
    loop {
        let piece: Vec<T> = items.by_ref().take(most).collect();
        if piece.is_empty() {
            return pieces;
        }
        pieces.push(piece);
    }
}

/// Answers `Subscription` for each case: one request for fifty numbers of a group, whatever their activation.
pub(crate) async fn read(
    connector: &Connector,
    brand: &Brand,
    questions: Vec<(Case, SubscriptionGroup)>,
) -> Performed {
    let mut performed = Performed::default();
    let mut said = Vec::new();
    for (group, cases) in grouped(questions.into_iter().map(|(case, group)| (group, case))) {
        let mut pending = pieces(cases, connector.one_by_one.at_once(&brand.id));
        while !pending.is_empty() {
            let endpoint = Endpoint::StatusGet;
            let admissions = connector.pace.admit(&connector.outside, brand, endpoint, pending.len()).await;
            let reads: Vec<Read> = stream::iter(pending.into_iter().zip(admissions))
                .map(|(piece, admission)| read_piece(connector, brand, &group, piece, admission))
                .buffered(AT_ONCE)
                .collect()
                .await;
            pending = Vec::new();
            for read in reads {
                performed.extend(read.performed);
                pending.extend(read.again);
                said.extend(read.said);
            }
        }
    }
    conclude(connector, brand, Endpoint::StatusGet, &said).await;
    performed
}

/// What came of one request that reads.
#[derive(Default)]
struct Read {
    performed: Performed,
    /// What is to be asked again, in smaller pieces.
    again: Vec<Vec<Case>>,
    said: Option<Observed>,
}

async fn read_piece(
    connector: &Connector,
    brand: &Brand,
    group: &SubscriptionGroup,
    piece: Vec<Case>,
    admission: Admission,
) -> Read {
    let now = connector.outside.clock.now();
    let mut read = Read::default();
    let client = match ready(connector, brand, Endpoint::StatusGet, admission).await {
        Ok(client) => client,
        Err(until) => {
            read.performed.resting.extend(piece.into_iter().map(|case| put_off(case, until, now)));
            return read;
        }
    };
    let phones = phones(piece.iter());
    let answer = client.subscription_statuses(group.as_str(), &phones).await;
    let now = connector.outside.clock.now();
    read.said = hear(connector, brand, Endpoint::StatusGet, &answer, now);
    let asked = asked_wait(&answer, now);
    match answer.result {
        Ok(Statuses::InOrder(states)) => {
            let states: HashMap<String, SubscriptionState> = phones.into_iter().zip(states).collect();
            let state = |case: &Case| {
                let phone = case.participation.phone().map(|phone| phone.as_str());
                phone.and_then(|phone| states.get(phone)).copied().unwrap_or(SubscriptionState::Unknown)
            };
            let learned = piece.into_iter().map(|case| {
                let state = state(&case);
                learn(case, state)
            });
            read.performed.active.extend(learned);
        }
        Ok(Statuses::Unkeyed) => {
            connector.one_by_one.remember(&brand.id);
            read.again = pieces(piece, 1);
        }
        Err(error) if error.next() == Next::Refused && piece.len() > 1 => {
            let half = piece.len().div_ceil(2);
            read.again = pieces(piece, half);
        }
        Err(error) if error.next() == Next::Refused => {
            read.performed.active.extend(piece.into_iter().map(|mut case| {
                case.facts.refused = Some(format!("the number's subscription cannot be read: {error}"));
                case
            }));
        }
        Err(error) => {
            report(connector, brand, group, &error);
            let rest = |case: Case| case.rest_after_failure(asked, &*connector.outside.chance, now);
            read.performed.resting.extend(piece.into_iter().map(rest));
        }
    }
    read
}

fn learn(mut case: Case, state: SubscriptionState) -> Case {
    case.participation.answered();
    case.facts.subscription = Some(match state {
        SubscriptionState::Subscribed => Subscription::Subscribed,
        SubscriptionState::Unsubscribed | SubscriptionState::Unknown => Subscription::NotSubscribed,
    });
    case
}

/// A number that is to be subscribed to a group, and everyone for whom it is.
struct Wanted {
    group: SubscriptionGroup,
    phone: String,
    cases: Vec<Case>,
}

/// Performs `Subscribe` for each case, fifty numbers in a request, whatever their groups, and each number of a group once. Should Braze
/// refuse a request, it is halved until the refusal has found its number, or its group.
pub(crate) async fn subscribe(connector: &Connector, brand: &Brand, jobs: Vec<Job>) -> Vec<Case> {
    let mut done = Vec::new();
    let mut said = Vec::new();
    for (double_opt_in, jobs) in grouped(jobs.into_iter().map(|job| (job.double_opt_in, job))) {
        let mut pending = pieces(wanted(jobs, &mut done), MOST_PHONES);
        while !pending.is_empty() {
            let endpoint = Endpoint::StatusSet;
            let admissions = connector.pace.admit(&connector.outside, brand, endpoint, pending.len()).await;
            let sets: Vec<(Vec<Wanted>, Fate, Option<Observed>)> =
                stream::iter(pending.into_iter().zip(admissions))
                    .map(|(piece, admission)| async move {
                        let sent = Sent { brand, double_opt_in, admission };
                        let (fate, said) = set_piece(connector, &sent, &piece).await;
                        (piece, fate, said)
                    })
                    .buffered(AT_ONCE)
                    .collect()
                    .await;
            pending = Vec::new();
            for (piece, fate, heard) in sets {
                said.extend(heard);
                if matches!(fate, Fate::Split) {
                    let half = piece.len().div_ceil(2);
                    pending.extend(pieces(piece, half));
                } else {
                    let cases = piece.into_iter().flat_map(|wanted| wanted.cases);
                    done.extend(cases.map(|case| take_in(connector, case, &fate)));
                }
            }
        }
    }
    conclude(connector, brand, Endpoint::StatusSet, &said).await;
    done
}

/// What is to be subscribed, group by group. Without a number there is nothing to subscribe: those are done.
fn wanted(jobs: Vec<Job>, done: &mut Vec<Case>) -> Vec<Wanted> {
    let mut of_number = Vec::with_capacity(jobs.len());
    for Job { mut case, group, .. } in jobs {
        match case.participation.phone().map(|phone| phone.as_str().to_owned()) {
            Some(phone) => of_number.push(((group, phone), case)),
            None => {
                let reason = "there is no number to subscribe".to_owned();
                case.facts.written = Some(Written::Refused { reason });
                done.push(case);
            }
        }
    }
    let wanted = |((group, phone), cases)| Wanted { group, phone, cases };
    grouped(of_number).into_iter().map(wanted).collect()
}

/// The same as a request names it.
fn by_group(piece: &[Wanted]) -> Vec<GroupPhones> {
    let by_group = grouped(piece.iter().map(|wanted| (wanted.group.as_str(), wanted.phone.clone())));
    by_group.into_iter().map(|(group, phones)| GroupPhones { group: group.to_owned(), phones }).collect()
}

/// One request that writes.
struct Sent<'a> {
    brand: &'a Brand,
    double_opt_in: bool,
    admission: Admission,
}

/// What became of it, for all its numbers.
enum Fate {
    Done,
    Refused(String),
    NotDone(Option<std::time::Duration>),
    Unknown(Option<std::time::Duration>),
    NotBefore(Timestamp),
    Split,
}

async fn set_piece(connector: &Connector, sent: &Sent<'_>, piece: &[Wanted]) -> (Fate, Option<Observed>) {
    let client = match ready(connector, sent.brand, Endpoint::StatusSet, sent.admission).await {
        Ok(client) => client,
        Err(until) => return (Fate::NotBefore(until), None),
    };
    let groups = by_group(piece);
    let answer = client.subscribe(SetEndpoint::V2, &groups, sent.double_opt_in).await;
    let now = connector.outside.clock.now();
    let said = hear(connector, sent.brand, Endpoint::StatusSet, &answer, now);
    let asked = asked_wait(&answer, now);
    let Err(error) = answer.result else { return (Fate::Done, said) };
    // One group that is not there must not hold up the others.
    if groups.len() > 1 && matches!(error, braze::Error::UnknownGroup) {
        return (Fate::Split, said);
    }
    if let Some(wanted) = piece.first() {
        report(connector, sent.brand, &wanted.group, &error);
    }
    let fate = match error.next() {
        Next::Retry { .. } | Next::Configuration => Fate::NotDone(asked),
        Next::Unknown => Fate::Unknown(asked),
        Next::Refused if piece.len() > 1 => Fate::Split,
        Next::Refused => Fate::Refused(format!("Braze refused the number: {error}")),
    };
    (fate, said)
}

fn take_in(connector: &Connector, mut case: Case, fate: &Fate) -> Case {
    let now = connector.outside.clock.now();
    let mut retry_at = |asked| {
        case.participation.failed();
        later(now, back_off(case.participation.failures(), asked, &*connector.outside.chance))
    };
    case.facts.written = Some(match fate {
        Fate::Refused(reason) => Written::Refused { reason: reason.clone() },
        Fate::NotDone(asked) => Written::NotDone { retry_at: retry_at(*asked) },
        Fate::NotBefore(until) => Written::NotDone { retry_at: *until },
        Fate::Unknown(asked) => Written::Unknown { retry_at: retry_at(*asked) },
        Fate::Done | Fate::Split => {
            case.participation.answered();
            Written::Done
        }
    });
    case
}

/// Waits for the slot and gives the client; or says until when there is nothing to be done.
async fn ready(
    connector: &Connector,
    brand: &Brand,
    endpoint: Endpoint,
    admission: Admission,
) -> Result<std::sync::Arc<Client>, Timestamp> {
    match admission {
        Admission::At(slot) => {
            wait_until(&*connector.outside.clock, slot.from).await;
            let now = connector.outside.clock.now();
            if let Some(until) = connector.pace.valve(brand, endpoint).rests_until(now) {
                return Err(until);
            }
            let client = connector.workspaces.client(&connector.outside, &connector.seen, brand).await;
            client.ok_or_else(|| later(connector.outside.clock.now(), domain::reservation::PROBE_INTERVAL))
        }
        Admission::Later(slot) => Err(slot.from),
        Admission::Closed(until) => Err(until),
    }
}

/// What an answer says of the limit, known at once to those who come next.
fn hear<T>(
    connector: &Connector,
    brand: &Brand,
    endpoint: Endpoint,
    answer: &Answer<T>,
    now: Timestamp,
) -> Option<Observed> {
    let said = observed(answer, now);
    connector.pace.valve(brand, endpoint).hear(said, now);
    said
}

fn put_off(mut case: Case, until: Timestamp, now: Timestamp) -> Case {
    case.participation.put_off(until, now);
    case
}

async fn conclude(connector: &Connector, brand: &Brand, endpoint: Endpoint, said: &[Observed]) {
    if said.contains(&Observed::KeyRefused) {
        connector.key_was_refused(brand);
    }
    connector.pace.observe(&connector.outside, brand, endpoint, said).await;
}

fn report(connector: &Connector, brand: &Brand, group: &SubscriptionGroup, error: &braze::Error) {
    if matches!(error, braze::Error::UnknownGroup) {
        let group = group.as_str();
        let Some(line) = connector.line("connector.unknown_group", &format!("{} {group}", brand.id)) else {
            return;
        };
        tracing::error!(event = "connector.unknown_group", brand = %brand.id, group, times = line.times, "Braze does not know the brand's subscription group; its SMS participations wait.");
    } else {
        tracing::debug!(event = "connector.subscription_failed", brand = %brand.id, %error, "A request about subscriptions failed.");
    }
}
