//! Commands to Braze: what is to be written to profiles, many to a request.

use std::ops::Range;
use std::time::Duration;

use braze::{BatchLimit, Next, ObjectOutcome, Write, WriteOutcome};
use domain::Timestamp;
use domain::brand::Brand;
use domain::decide::{Command, ProfileWrite, Written};
use domain::profile::{KnownProfile, ProfileRef};
use domain::reservation::Observed;
use futures::future::join_all;
use ports::limits::Endpoint;
use ports::store::{MOST_ITEMS, Saved};

use crate::case::Case;
use crate::look_up::wait_until;
use crate::pace::{Admission, asked_wait, observed};
use crate::retry::back_off;
use crate::step::{Connector, Performed};
use crate::{translate, wake};

/// After so many failures in a row a write goes alone: whatever is wrong with it must not hold up others.
const ALONE_AFTER: u32 = 3;

/// A case with what is to be written for it.
type Job = (Case, ProfileWrite);

/// Performs the writes of all cases in as few requests as the brand's contract allows.
pub(crate) async fn profiles(
    connector: &Connector,
    brand: &Brand,
    jobs: Vec<Job>,
) -> ports::Result<Performed> {
    let (done, jobs) = unchanged(connector, jobs);
    let mut performed = Performed { active: done, resting: Vec::new() };
    if jobs.is_empty() {
        return Ok(performed);
    }
    let batches = batches(brand, jobs);
    let admissions = connector.pace.admit(&connector.outside, brand, Endpoint::Track, batches.len()).await;
    let sent = batches.into_iter().zip(admissions).map(|(batch, admission)| async move {
        match admission {
            Admission::At(slot) => {
                wait_until(connector, slot.from).await;
                send(connector, brand, batch).await
            }
            Admission::Later(slot) => Ok(not_sent(batch, slot.from)),
            Admission::Closed(until) => Ok(not_sent(batch, until)),
        }
    });
    for cases in join_all(sent).await {
        performed.active.extend(cases?);
    }
    Ok(performed)
}

/// Leaves out what the profiles show already. Where nothing is left to write, it is done.
fn unchanged(connector: &Connector, jobs: Vec<Job>) -> (Vec<Case>, Vec<Job>) {
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for (mut case, mut write) in jobs {
        let found = case.facts.found.as_deref().unwrap_or_default();
        connector.tallied.attributes_saved(write.leave_out_unchanged(found));
        if write.is_empty() {
            take_in(connector, &mut case, write, Fate::Done);
            done.push(case);
        } else {
            left.push((case, write));
        }
    }
    (done, left)
}

/// Groups that fit a request, in order. What has failed repeatedly goes alone.
fn batches(brand: &Brand, jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let limits = &brand.braze.limits;
    let limit = BatchLimit::new(limits.track_objects.get(), limits.track_per_array).unwrap_or_default();
    let (alone, together): (Vec<Job>, Vec<Job>) =
        jobs.into_iter().partition(|(case, _)| case.participation.failures >= ALONE_AFTER);
    let writes: Vec<Write> = together.iter().map(|(_, write)| translate::write(write)).collect();
    let groups: Vec<Range<usize>> = braze::pack(&writes, limit);
    let mut together = together.into_iter();
    let mut batches: Vec<Vec<Job>> =
        groups.into_iter().map(|group| together.by_ref().take(group.len()).collect()).collect();
    batches.extend(alone.into_iter().map(|job| vec![job]));
    batches
}

fn not_sent(batch: Vec<Job>, retry_at: Timestamp) -> Vec<Case> {
    let put_off = |(mut case, _): Job| {
        case.facts.written = Some(Written::NotDone { retry_at });
        case
    };
    batch.into_iter().map(put_off).collect()
}

/// Sends one batch. Should Braze refuse the request as a whole, it is halved until the refusal has found its object.
async fn send(connector: &Connector, brand: &Brand, batch: Vec<Job>) -> ports::Result<Vec<Case>> {
    let batch = save_intentions(connector, brand, batch).await?;
    let mut cases = Vec::with_capacity(batch.len());
    let mut said = Vec::new();
    let mut pending = vec![batch];
    while let Some(mut batch) = pending.pop() {
        let Some(outcomes) = request(connector, brand, &batch, &mut said).await else {
            let rest = batch.split_off(batch.len() / 2);
            pending.extend([rest, batch]);
            continue;
        };
        for ((mut case, write), written) in batch.into_iter().zip(outcomes) {
            take_in(connector, &mut case, write, written);
            cases.push(case);
        }
    }
    connector.pace.observe(&connector.outside, brand, Endpoint::Track, &said).await;
    Ok(cases)
}

/// Before a command that must not be repeated, the participation says that it is about to be given. The save is
/// conditional: of two workers at the same participation, one goes on.
async fn save_intentions(connector: &Connector, brand: &Brand, batch: Vec<Job>) -> ports::Result<Vec<Job>> {
    let (once, mut batch): (Vec<Job>, Vec<Job>) =
        batch.into_iter().partition(|(_, write)| !Command::Write(write.clone()).is_repeatable());
    let now = connector.outside.clock.now();
    let mut once = once.into_iter();
    loop {
        let mut some: Vec<Job> = once.by_ref().take(MOST_ITEMS).collect();
        if some.is_empty() {
            return Ok(batch);
        }
        for (case, _) in &mut some {
            case.put_off(now + brand.braze.settle.max(Duration::from_secs(1)), now);
        }
        let intentions: Vec<_> = some.iter().map(|(case, _)| case.participation.clone()).collect();
        wake::later(connector, &intentions).await;
        let saved = connector.outside.store.save(&intentions).await?;
        for ((mut case, write), saved) in some.into_iter().zip(saved) {
            if saved == Saved::Saved {
                case.participation.version += 1;
                batch.push((case, write));
            }
        }
    }
}

/// One request. `None` when it was refused as a whole and can be split.
async fn request(
    connector: &Connector,
    brand: &Brand,
    batch: &[Job],
    said: &mut Vec<Observed>,
) -> Option<Vec<Fate>> {
    let all = |fate: Fate| Some(vec![fate; batch.len()]);
    let Some(client) = connector.workspaces.client(&connector.outside, brand).await else {
        return all(Fate::NotDone(None));
    };
    let writes: Vec<Write> = batch.iter().map(|(_, write)| translate::write(write)).collect();
    let answer = client.track(&writes).await;
    let now = connector.outside.clock.now();
    said.extend(observed(&answer, now));
    let asked = asked_wait(&answer, now);
    let error = match answer.result {
        Ok(outcomes) => return Some(outcomes.iter().map(fate).collect()),
        Err(error) => error,
    };
    tracing::debug!(brand = %brand.id, objects = batch.len(), %error, "connector.write_failed");
    match error.next() {
        Next::Retry { .. } => all(Fate::NotDone(asked)),
        Next::Unknown => all(Fate::Unknown),
        Next::Configuration => {
            connector.key_was_refused(brand);
            all(Fate::NotDone(asked))
        }
        Next::Refused if batch.len() > 1 => None,
        Next::Refused => all(Fate::Refused(error.to_string())),
    }
}

/// What became of everything that is written to one profile.
#[derive(Debug, Clone)]
enum Fate {
    Done,
    Refused(String),
    NotDone(Option<Duration>),
    Unknown,
}

/// The worst of a write's objects counts for all of it: nothing uncertain is called done.
fn fate(outcome: &WriteOutcome) -> Fate {
    match outcome.worst() {
        ObjectOutcome::Done => Fate::Done,
        ObjectOutcome::Refused(refusal) => Fate::Refused(format!("Braze refused the profile: {refusal}")),
        ObjectOutcome::NotDone => Fate::NotDone(None),
        ObjectOutcome::Unknown => Fate::Unknown,
    }
}

/// Turns a fate into a fact.
fn take_in(connector: &Connector, case: &mut Case, write: ProfileWrite, fate: Fate) {
    let outside = &connector.outside;
    let now = outside.clock.now();
    let mut retry_at = |asked| {
        case.failed();
        now + back_off(case.participation.failures, asked, &*outside.chance)
    };
    let written = match fate {
        Fate::NotDone(asked) => Written::NotDone { retry_at: retry_at(asked) },
        Fate::Unknown => Written::Unknown { retry_at: retry_at(None) },
        Fate::Refused(reason) => {
            if case.participation.state.is_end() {
                tracing::warn!(participation = %case.participation.id, reason, "connector.reward_not_shown: Braze refuses it");
            }
            Written::Refused { reason }
        }
        Fate::Done => {
            case.answered();
            case.shows(&write);
            case.learned = learned(case, write, now);
            if let Some(learned) = &case.learned {
                case.facts.known = Some(Some(learned.clone()));
            }
            Written::Done
        }
    };
    if case.participation.state.has_open_attempt() && matches!(written, Written::Unknown { .. }) {
        tracing::warn!(participation = %case.participation.id, "connector.event_uncertain: verified once Braze has settled");
    }
    // Whatever became of it, what the profiles showed before may be so no more.
    for found in case.facts.found.iter_mut().flatten() {
        found.attributes.clear();
    }
    case.facts.written = Some(written);
}

/// What to remember of a profile that was looked up or created just now. What we knew already, and what Braze chooses by
/// address, teaches nothing.
fn learned(case: &Case, write: ProfileWrite, now: Timestamp) -> Option<KnownProfile> {
    case.facts.found.as_ref()?;
    match write.profile {
        ProfileRef::Email(_) => None,
        profile @ (ProfileRef::ExternalId(_) | ProfileRef::Alias(_) | ProfileRef::BrazeId(_)) => {
            Some(KnownProfile { profile, learned_at: now, created: write.create, by: case.participation.id })
        }
    }
}
