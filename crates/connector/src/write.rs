//! Commands to Braze: what is to be written to profiles, many to a request.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use braze::{BatchLimit, Next, ObjectOutcome, Write, WriteOutcome};
use domain::Timestamp;
use domain::brand::Brand;
use domain::decide::{Command, ProfileWrite, Written};
use domain::profile::{KnownProfile, ProfileRef};
use domain::reservation::Observed;
use domain::time::later;
use futures::future::join_all;
use ports::limits::Endpoint;
use ports::store::{MOST_ITEMS, Saved};

use crate::case::Case;
use crate::case::Performed;
use crate::connector::Connector;
use crate::pace::{Admission, asked_wait, observed, wait_until};
use crate::recent::Whose;
use crate::retry::back_off;
use crate::{translate, wake};

/// Writes that have failed so often in a row go by themselves, and are halved while they fail: whatever is wrong with one must not
/// hold up others.
const STUBBORN_AFTER: u32 = 3;

/// Halvings in vain, one after another, after which nothing is wrong with the writes: Braze takes none. Seven find one in 75.
const MOST_IN_VAIN: u32 = 8;

/// A case with what is to be written for it.
type Job = (Case, ProfileWrite);

/// What is written as one object, and for whom.
struct Joint {
    write: ProfileWrite,
    jobs: Vec<Job>,
}

impl Joint {
    fn of(job: Job) -> Self {
        Self { write: job.1.clone(), jobs: vec![job] }
    }

    fn is_stubborn(&self) -> bool {
        self.jobs.iter().any(|(case, _)| case.participation.failures() >= STUBBORN_AFTER)
    }

    fn is_repeatable(&self) -> bool {
        self.jobs.iter().all(|(_, write)| Command::Write(write.clone()).is_repeatable())
    }
}

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
                wait_until(&*connector.outside.clock, slot.from).await;
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
        // What Braze shows says more than what we remember.
        if case.facts.found.is_none() {
            let left_out =
                connector.recent.leave_out(whose(&case), &mut write, connector.outside.clock.now());
            connector.tallied.attributes_saved(left_out);
        }
        if write.is_empty() {
            take_in(connector, &mut case, write, Fate::Done);
            done.push(case);
        } else {
            left.push((case, write));
        }
    }
    (done, left)
}

fn whose(case: &Case) -> Whose<'_> {
    Whose { brand: case.participation.brand(), way: case.participation.way() }
}

/// Remembers that a batch is about to be sent.
fn begin(connector: &Connector, batch: &[Joint]) {
    for joint in batch {
        for (case, _) in &joint.jobs {
            connector.recent.begins(whose(case), &joint.write);
        }
    }
}

/// Remembers what became of it.
fn end(connector: &Connector, batch: &[Joint], fates: Option<&[Fate]>, now: Timestamp) {
    for (index, joint) in batch.iter().enumerate() {
        let taken = fates.is_some_and(|fates| matches!(fates.get(index), Some(Fate::Done)));
        for (case, _) in &joint.jobs {
            connector.recent.ends(whose(case), &joint.write, taken, now);
        }
    }
}

/// One object for all that is written to a profile, where that does the same: Braze takes one update of a profile at a time, and fewer
/// objects make fewer requests.
fn joints(jobs: Vec<Job>) -> Vec<Joint> {
    let mut joints: Vec<Joint> = Vec::with_capacity(jobs.len());
    let mut last_of: HashMap<ProfileRef, usize> = HashMap::new();
    for job in jobs {
        let last = last_of.get(&job.1.profile).and_then(|index| joints.get_mut(*index));
        let joined = last.and_then(|joint| Some((joint.write.joined(&job.1)?, joint)));
        match joined {
            Some((write, joint)) => {
                joint.write = write;
                joint.jobs.push(job);
            }
            None => {
                last_of.insert(job.1.profile.clone(), joints.len());
                joints.push(Joint::of(job));
            }
        }
    }
    joints
}

/// Groups that fit a request, in order. What has failed repeatedly goes by itself.
fn batches(brand: &Brand, jobs: Vec<Job>) -> Vec<Vec<Joint>> {
    let (stubborn, others): (Vec<Joint>, Vec<Joint>) = joints(jobs).into_iter().partition(Joint::is_stubborn);
    let mut batches = packed(brand, others);
    batches.extend(packed(brand, stubborn));
    batches
}

fn packed(brand: &Brand, joints: Vec<Joint>) -> Vec<Vec<Joint>> {
    let limits = &brand.braze.limits;
    #[expect(clippy::expect_used, reason = "another limit than the brand's would be refused by Braze")]
    let limit = BatchLimit::new(limits.track_objects.get(), limits.track_per_array)
        .expect("a brand file has 1 to 75 objects");
    let groups: Vec<Range<usize>> = braze::pack(&writes(&joints), limit);
    let mut joints = joints.into_iter();
    groups.into_iter().map(|group| joints.by_ref().take(group.len()).collect()).collect()
}

fn writes(joints: &[Joint]) -> Vec<Write> {
    joints.iter().map(|joint| translate::write(&joint.write)).collect()
}

fn not_sent(batch: Vec<Joint>, retry_at: Timestamp) -> Vec<Case> {
    let put_off = |(mut case, _): Job| {
        case.facts.written = Some(Written::NotDone { retry_at });
        case
    };
    batch.into_iter().flat_map(|joint| joint.jobs).map(put_off).collect()
}

/// Sends one batch. Should Braze refuse the request as a whole, it is halved until the refusal has found its object, and so is what
/// fails again and again.
async fn send(connector: &Connector, brand: &Brand, batch: Vec<Joint>) -> ports::Result<Vec<Case>> {
    let batch = save_intentions(connector, brand, batch).await?;
    let mut cases = Vec::with_capacity(batch.len());
    let mut said = Vec::new();
    let mut in_vain = 0;
    let mut pending = vec![batch];
    while let Some(mut batch) = pending.pop() {
        if batch.is_empty() {
            continue;
        }
        let halves_failures = in_vain < MOST_IN_VAIN && batch.iter().all(Joint::is_stubborn);
        let Some(outcomes) = request(connector, brand, &batch, halves_failures, &mut said).await else {
            in_vain += 1;
            let rest = batch.split_off(batch.len() / 2);
            pending.extend([rest, batch]);
            continue;
        };
        if outcomes.iter().any(|fate| matches!(fate, Fate::Done)) {
            in_vain = 0;
        }
        for (joint, fate) in batch.into_iter().zip(outcomes) {
            if joint.jobs.len() > 1 && matches!(fate, Fate::Refused(_)) {
                // One of them is at fault: alone, it is refused alone.
                pending.push(joint.jobs.into_iter().map(Joint::of).collect());
                continue;
            }
            for (mut case, write) in joint.jobs {
                take_in(connector, &mut case, write, fate.clone());
                cases.push(case);
            }
        }
    }
    connector.pace.observe(&connector.outside, brand, Endpoint::Track, &said).await;
    Ok(cases)
}

/// Before a command that must not be repeated, the participation says that it is about to be given. The save is
/// conditional: of two workers at the same participation, one goes on.
async fn save_intentions(
    connector: &Connector,
    brand: &Brand,
    batch: Vec<Joint>,
) -> ports::Result<Vec<Joint>> {
    let (mut batch, once): (Vec<Joint>, Vec<Joint>) = batch.into_iter().partition(Joint::is_repeatable);
    let now = connector.outside.clock.now();
    let mut once = once.into_iter().flat_map(|joint| joint.jobs);
    loop {
        let mut some: Vec<Job> = once.by_ref().take(MOST_ITEMS).collect();
        if some.is_empty() {
            return Ok(batch);
        }
        for (case, _) in &mut some {
            case.participation.put_off(later(now, brand.braze.settle.max(Duration::from_secs(1))), now);
        }
        let intentions: Vec<_> = some.iter().map(|(case, _)| case.participation.clone()).collect();
        wake::later(connector, &intentions).await;
        let saved = connector.outside.store.save(&intentions).await?;
        for ((mut case, write), saved) in some.into_iter().zip(saved) {
            if saved == Saved::Saved {
                case.participation.saved();
                batch.push(Joint::of((case, write)));
            }
        }
    }
}

/// One request. `None` when it is to be split: it was refused as a whole, or it failed and failures are halved.
async fn request(
    connector: &Connector,
    brand: &Brand,
    batch: &[Joint],
    halves_failures: bool,
    said: &mut Vec<Observed>,
) -> Option<Vec<Fate>> {
    let all = |fate: Fate| Some(vec![fate; batch.len()]);
    let valve = connector.pace.valve(brand, Endpoint::Track);
    if let Some(until) = valve.rests_until(connector.outside.clock.now()) {
        return all(Fate::NotBefore(until));
    }
    let Some(client) = connector.workspaces.client(&connector.outside, &connector.seen, brand).await else {
        return all(Fate::NotDone(None));
    };
    begin(connector, batch);
    let answer = client.track(&writes(batch)).await;
    let now = connector.outside.clock.now();
    let heard = observed(&answer, now);
    valve.hear(heard, now);
    said.extend(heard);
    let asked = asked_wait(&answer, now);
    let error = match answer.result {
        Ok(outcomes) => {
            let fates: Vec<Fate> = outcomes.iter().map(fate).collect();
            end(connector, batch, Some(&fates), now);
            return Some(fates);
        }
        Err(error) => error,
    };
    end(connector, batch, None, now);
    tracing::debug!(event = "connector.write_failed", brand = %brand.id, objects = batch.len(), %error, "A write to Braze failed.");
    let at_once = asked.is_none() && !matches!(error, braze::Error::Throttled { .. });
    let halves = halves_failures && batch.len() > 1 && at_once;
    match error.next() {
        Next::Retry { .. } if halves => None,
        Next::Retry { .. } => all(Fate::NotDone(asked)),
        Next::Unknown if halves && batch.iter().all(Joint::is_repeatable) => None,
        Next::Unknown => all(Fate::Unknown(asked)),
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
    /// Not sent: Braze asked to be left alone until then.
    NotBefore(Timestamp),
    Unknown(Option<Duration>),
}

/// The worst of a write's objects counts for all of it: nothing uncertain is called done.
fn fate(outcome: &WriteOutcome) -> Fate {
    match outcome.worst() {
        ObjectOutcome::Done => Fate::Done,
        ObjectOutcome::Refused(refusal) => Fate::Refused(format!("Braze refused the profile: {refusal}")),
        ObjectOutcome::NotDone => Fate::NotDone(None),
        ObjectOutcome::Unknown => Fate::Unknown(None),
    }
}

/// Turns a fate into a fact.
fn take_in(connector: &Connector, case: &mut Case, write: ProfileWrite, fate: Fate) {
    let outside = &connector.outside;
    let now = outside.clock.now();
    let mut retry_at = |asked| {
        case.participation.failed();
        later(now, back_off(case.participation.failures(), asked, &*outside.chance))
    };
    let written = match fate {
        Fate::NotDone(asked) => Written::NotDone { retry_at: retry_at(asked) },
        Fate::NotBefore(retry_at) => Written::NotDone { retry_at },
        Fate::Unknown(asked) => Written::Unknown { retry_at: retry_at(asked) },
        Fate::Refused(reason) => {
            if case.participation.state().is_end() {
                tracing::warn!(event = "connector.reward_not_shown", participation = %case.participation.id(), reason, "Braze refuses to write the reward to the profile.");
            }
            Written::Refused { reason }
        }
        Fate::Done => {
            case.participation.answered();
            case.participation.shows(&write);
            case.learned = learned(case, write, now);
            if let Some(learned) = &case.learned {
                case.facts.known = Some(Some(learned.clone()));
            }
            Written::Done
        }
    };
    if case.participation.state().has_open_attempt() && matches!(written, Written::Unknown { .. }) {
        tracing::warn!(event = "connector.event_uncertain", participation = %case.participation.id(), "The outcome of a custom event is not known; it is verified once Braze has settled.");
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
            Some(KnownProfile {
                profile,
                learned_at: now,
                created: write.create,
                by: case.participation.id(),
            })
        }
    }
}
