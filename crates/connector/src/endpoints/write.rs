//! Commands to Braze: writes to profiles, many in a request.

use std::time::Duration;

use braze::{AfterError, Answer, ObjectOutcome, WriteOutcome};
use domain::Timestamp;
use domain::decide::{ProfileWrite, Written};
use domain::participation::Cause;
use domain::profile::{ProfileHint, ProfileRef};
use domain::reservation::Observed;
use domain::rollup::CountedEvent;
use domain::time::later;
use futures::future::join_all;
use metrics::Metric;
use ports::limits::Endpoint;
use ports::store::{MOST_ITEMS, Saved};

use super::batches::{Joint, WriteJob, batches, writes};
use super::fate::ObjectFate;
use super::{BrandAccess, BrazeEndpoint};
use crate::budget::{Admission, asked_wait};
use crate::call_record::RefusedObjects;
use crate::causes::cause;
use crate::recent::Whose;
use crate::reschedule;
use crate::work_item::{Performed, WorkItem};

/// After this many halvings in vain in a row, the fault is not in one write: Braze accepts none of them.
/// Seven halvings find one write in 75.
const MOST_IN_VAIN: u32 = 8;

/// Performs the writes of all participations in as few requests as the brand's contract allows.
pub(crate) struct Writes;

impl BrazeEndpoint for Writes {
    type Job = WriteJob;

    async fn perform(to: &BrandAccess<'_>, jobs: Vec<WriteJob>) -> ports::Result<Performed> {
        let (done, jobs) = unchanged(to, jobs);
        let mut performed = Performed { active: done, resting: Vec::new() };
        if jobs.is_empty() {
            return Ok(performed);
        }
        let batches = batches(to.brand, jobs);
        let admissions = to.admit(Endpoint::Track, batches.len()).await;
        let sent = batches.into_iter().zip(admissions).map(|(batch, admission)| async move {
            match admission {
                Admission::At(slot) => {
                    to.wait_until(slot.from).await;
                    send(to, batch).await
                }
                Admission::Later(slot) => Ok(not_sent(to, batch, slot.from)),
                Admission::Closed(until) => Ok(not_sent(to, batch, until)),
            }
        });
        for items in join_all(sent).await {
            performed.active.extend(items?);
        }
        Ok(performed)
    }
}

/// Leaves out what the profiles show already. A write with nothing left is done.
fn unchanged(to: &BrandAccess<'_>, jobs: Vec<WriteJob>) -> (Vec<WorkItem>, Vec<WriteJob>) {
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for (mut item, mut write) in jobs {
        let found = item.facts.found.as_deref().unwrap_or_default();
        count_saved(to, &item, write.leave_out_unchanged(found));
        // What Braze shows is more reliable than what we remember.
        if item.facts.found.is_none() {
            let left_out = to.access.recent.leave_out(whose(&item), &mut write, to.now());
            count_saved(to, &item, left_out);
        }
        if write.is_empty() {
            take_in(to, &mut item, write, &ObjectFate::Done);
            done.push(item);
        } else {
            left.push((item, write));
        }
    }
    (done, left)
}

/// Counts attributes that need not be sent.
fn count_saved(to: &BrandAccess<'_>, item: &WorkItem, attributes: usize) {
    to.access.counts(&item.participation, CountedEvent::DataPointSaved, attributes);
    let count = u64::try_from(attributes).unwrap_or(u64::MAX);
    to.access.counters.count(Metric::AttributesSaved, Some(&to.brand.id), count);
}

fn whose(item: &WorkItem) -> Whose<'_> {
    Whose { brand: item.participation.brand(), way: item.participation.way() }
}

/// Records that a batch is about to be sent.
fn begin(to: &BrandAccess<'_>, batch: &[Joint]) {
    for joint in batch {
        for (item, _) in &joint.jobs {
            to.access.recent.begins(whose(item), &joint.write);
        }
    }
}

/// Records the outcome of a batch.
fn end(to: &BrandAccess<'_>, batch: &[Joint], fates: Option<&[ObjectFate]>, now: Timestamp) {
    for (index, joint) in batch.iter().enumerate() {
        let taken = fates.is_some_and(|fates| matches!(fates.get(index), Some(ObjectFate::Done)));
        if let Some((item, _)) = joint.jobs.first().filter(|_| taken) {
            to.access.counts(&item.participation, CountedEvent::DataPointSent, data_points(&joint.write));
        }
        for (item, _) in &joint.jobs {
            to.access.recent.ends(whose(item), &joint.write, taken, now);
        }
    }
}

/// How many data points a write may cost the brand: one for each attribute and event.
fn data_points(write: &ProfileWrite) -> usize {
    write.attributes.len().saturating_add(usize::from(write.event.is_some()))
}

/// Puts off the jobs of a batch that must not be sent before this moment.
fn not_sent(to: &BrandAccess<'_>, batch: Vec<Joint>, until: Timestamp) -> Vec<WorkItem> {
    let jobs = batch.into_iter().flat_map(|joint| joint.jobs);
    jobs.map(|(mut item, write)| {
        take_in(to, &mut item, write, &ObjectFate::NotBefore(Cause::NoSlot, until));
        item
    })
    .collect()
}

/// Sends one batch. A request that Braze refuses as a whole is halved until the object at fault is found, and
/// so is one that keeps failing.
async fn send(to: &BrandAccess<'_>, batch: Vec<Joint>) -> ports::Result<Vec<WorkItem>> {
    let batch = save_intentions(to, batch).await?;
    let mut items = Vec::with_capacity(batch.len());
    let mut said = Vec::new();
    let mut in_vain = 0;
    let mut pending = vec![batch];
    while let Some(mut batch) = pending.pop() {
        if batch.is_empty() {
            continue;
        }
        let halves_failures = in_vain < MOST_IN_VAIN && batch.iter().all(Joint::is_stubborn);
        let Some(outcomes) = request(to, &batch, halves_failures, &mut said).await else {
            in_vain += 1;
            let rest = batch.split_off(batch.len() / 2);
            pending.extend([rest, batch]);
            continue;
        };
        if outcomes.iter().any(|fate| matches!(fate, ObjectFate::Done)) {
            in_vain = 0;
        }
        for (joint, fate) in batch.into_iter().zip(outcomes) {
            if joint.jobs.len() > 1 && matches!(fate, ObjectFate::Refused(_)) {
                // One of the participations is at fault. Sent alone, only that one is refused.
                pending.push(joint.jobs.into_iter().map(Joint::of).collect());
                continue;
            }
            for (mut item, write) in joint.jobs {
                take_in(to, &mut item, write, &fate);
                items.push(item);
            }
        }
    }
    to.access.budget.observe(&to.access.deps, to.brand, Endpoint::Track, &said).await;
    Ok(items)
}

/// Before a command that must not be repeated, stores in the participation that it is about to be given. The
/// save is conditional, so of two workers on the same participation only one goes on.
async fn save_intentions(to: &BrandAccess<'_>, batch: Vec<Joint>) -> ports::Result<Vec<Joint>> {
    let (mut batch, once): (Vec<Joint>, Vec<Joint>) = batch.into_iter().partition(Joint::is_repeatable);
    let now = to.now();
    let mut once = once.into_iter().flat_map(|joint| joint.jobs);
    loop {
        let mut some: Vec<WriteJob> = once.by_ref().take(MOST_ITEMS).collect();
        if some.is_empty() {
            return Ok(batch);
        }
        for (item, _) in &mut some {
            item.participation.put_off(later(now, to.brand.braze.settle.max(Duration::from_secs(1))), now);
        }
        let intentions: Vec<_> = some.iter().map(|(item, _)| item.participation.clone()).collect();
        reschedule::later(&to.access.deps, Some(to.brand), &intentions).await;
        let saved = to.access.deps.store.save(&intentions).await?;
        for ((mut item, write), saved) in some.into_iter().zip(saved) {
            if saved == Saved::Saved {
                item.participation.saved();
                batch.push(Joint::of((item, write)));
            }
        }
    }
}

/// Sends one request. Returns `None` if it is to be split: it was refused as a whole, or it failed and
/// failures are halved.
async fn request(
    to: &BrandAccess<'_>,
    batch: &[Joint],
    halves_failures: bool,
    said: &mut Vec<Observed>,
) -> Option<Vec<ObjectFate>> {
    let all = |fate: ObjectFate| Some(vec![fate; batch.len()]);
    if let Some(until) = to.breaker(Endpoint::Track).rests_until(to.now()) {
        return all(ObjectFate::NotBefore(Cause::NoSlot, until));
    }
    let Some(client) = to.client().await else {
        return all(ObjectFate::NotDone(Cause::NoKey, None));
    };
    begin(to, batch);
    let about = batch.iter().flat_map(|joint| &joint.jobs).map(|(item, _)| &item.participation);
    let call = to.call(Endpoint::Track, batch.len(), about);
    let answer = client.track(&writes(batch)).await;
    let now = to.now();
    to.access.record(&to.brand.id, call, (&answer, &refused_objects(&answer)), now);
    said.extend(to.hear(Endpoint::Track, &answer, now));
    let asked = asked_wait(&answer, now);
    let error = match answer.result {
        Ok(outcomes) => {
            let fates: Vec<ObjectFate> = outcomes.iter().map(fate).collect();
            end(to, batch, Some(&fates), now);
            return Some(fates);
        }
        Err(error) => error,
    };
    end(to, batch, None, now);
    tracing::debug!(event = "connector.write_failed", brand = %to.brand.id, objects = batch.len(), %error, "A write to Braze failed.");
    let at_once = asked.is_none() && !matches!(error, braze::Error::Throttled { .. });
    let halves = halves_failures && batch.len() > 1 && at_once;
    match error.next() {
        AfterError::Retry { .. } if halves => None,
        AfterError::Retry { .. } => all(ObjectFate::NotDone(cause(&error), asked)),
        AfterError::Unknown if halves && batch.iter().all(Joint::is_repeatable) => None,
        AfterError::Unknown => all(ObjectFate::Unknown(cause(&error), asked)),
        AfterError::Configuration => {
            to.access.key_was_refused(to.brand);
            all(ObjectFate::NotDone(cause(&error), asked))
        }
        AfterError::Refused if batch.len() > 1 => None,
        AfterError::Refused => all(ObjectFate::Refused(error.to_string())),
    }
}

/// The objects that Braze refused.
fn refused_objects(answer: &Answer<Vec<WriteOutcome>>) -> RefusedObjects {
    let mut refused = RefusedObjects::default();
    for outcome in answer.result.iter().flatten() {
        if let ObjectOutcome::Refused(refusal) = outcome.worst() {
            refused.count = refused.count.saturating_add(1);
            refused.text = refused.text.or(refusal.known_text());
        }
    }
    refused
}

/// The outcome of a write is the worst outcome of its objects, so that nothing uncertain counts as done.
fn fate(outcome: &WriteOutcome) -> ObjectFate {
    match outcome.worst() {
        ObjectOutcome::Done => ObjectFate::Done,
        ObjectOutcome::Refused(refusal) => {
            ObjectFate::Refused(format!("Braze refused the profile: {refusal}"))
        }
        ObjectOutcome::NotDone => ObjectFate::NotDone(Cause::NotTaken, None),
        ObjectOutcome::Unknown => ObjectFate::Unknown(Cause::AnswerLost, None),
    }
}

/// Turns the outcome of a write into a fact.
fn take_in(to: &BrandAccess<'_>, item: &mut WorkItem, write: ProfileWrite, fate: &ObjectFate) {
    let now = to.now();
    let written = fate.written(item, &*to.access.deps.chance, now);
    item.participation.learns_of_consent(&write, &written, now);
    item.participation.learns_of_number(&write, &written);
    let is_apart = write.takes_number || write.consent.as_ref().is_some_and(|consent| consent.alone);
    let write_shows_reward = write.shows_reward;
    match &written {
        Written::Done => {
            let braze_id = item.facts.braze_id_of(&write.profile);
            item.to_read_back |= item.participation.shows(&write, braze_id, now);
            // A profile that loses the number is not the consumer's.
            if !write.takes_number {
                item.learned = learned(item, write, now);
            }
            if let Some(learned) = &item.learned {
                item.facts.known = Some(Some(learned.clone()));
            }
        }
        Written::Refused { reason } if item.participation.state().is_end() && write_shows_reward => {
            tracing::warn!(event = "connector.reward_not_shown", participation = %item.participation.id(), reason, "Braze refuses to write the reward to the profile.");
        }
        Written::Unknown { .. } if item.participation.state().has_open_attempt() => {
            tracing::warn!(event = "connector.event_uncertain", participation = %item.participation.id(), "The outcome of a custom event is not known; it is verified once Braze has applied its writes.");
        }
        Written::Refused { .. } | Written::NotDone { .. } | Written::Unknown { .. } => {}
    }
    // Whatever the outcome is, the profiles may no longer show what was read before.
    for found in item.facts.found.iter_mut().flatten() {
        found.attributes.clear();
    }
    match (is_apart, written) {
        // A write apart from the flow has no effect on it; its own progress says what comes next.
        (true, Written::NotDone { retry_at } | Written::Unknown { retry_at }) => {
            item.facts.apart_retry_at = Some(retry_at);
        }
        (true, Written::Done | Written::Refused { .. }) => {}
        (false, written) => item.facts.written = Some(written),
    }
}

/// The hint to remember about a profile that was just looked up or created. There is none if we knew the
/// profile already, or if Braze chose it by address or number.
fn learned(item: &WorkItem, write: ProfileWrite, now: Timestamp) -> Option<ProfileHint> {
    item.facts.found.as_ref()?;
    match write.profile {
        ProfileRef::Email(_) | ProfileRef::Phone(_) => None,
        profile @ (ProfileRef::ExternalId(_) | ProfileRef::Alias(_) | ProfileRef::BrazeId(_)) => {
            Some(ProfileHint { profile, learned_at: now, created: write.create, by: item.participation.id() })
        }
    }
}
