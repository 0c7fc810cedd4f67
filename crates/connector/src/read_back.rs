//! Reads back the rewards and events that Braze accepted. Braze answers with success to a write whose profile was merged or
//! deleted, and the write has no effect.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::Timestamp;
use domain::brand::Brand;
use domain::callback::{Callback, CallbackKind};
use domain::decide::{Terms, read_back};
use domain::ids::{BrandId, ParticipationId};
use domain::participation::{Participation, SentParts};
use domain::profile::ProfileRef;
use domain::reservation::Slot;
use domain::time::later;
use futures::future::join_all;
use metrics::Metric;
use ports::error::in_full;
use ports::read_backs::{DueBatches, MOST_IN_BATCH, ReadBackBatch};
use ports::store::{MOST_ITEMS, Saved};

use crate::budget::Rank;
use crate::connector::Connector;
use crate::endpoints::look_up::SentProfiles;
use crate::endpoints::{BrandAccess, BrazeEndpoint};
use crate::read;
use crate::reschedule;
use crate::work_item::WorkItem;

/// How long a participation waits to be read back again if another worker saved it meanwhile, or if its batch failed.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How long batches wait if their brand is not configured, or cannot be used.
const WITHOUT_BRAND: Duration = Duration::from_secs(3_600);

/// How long participations that cannot be read wait to be read back.
const UNTIL_READABLE: Duration = Duration::from_secs(3_600);

/// The most calls for due batches in one tick; the next tick continues.
const MOST_CALLS: usize = 20;

/// Stores which participations of a run are to be read back. This comes before the participations are saved, so a crash
/// costs a request at most, and loses nothing.
pub(crate) async fn expect(connector: &Connector, brand: &Brand, items: &[WorkItem]) -> ports::Result<()> {
    let sent = items.iter().filter(|item| item.to_read_back && item.participation.sent().is_some());
    let ids: Vec<ParticipationId> = sent.map(|item| item.participation.id()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let due_at = later(connector.deps.clock.now(), brand.braze.settle);
    connector.deps.read_backs.keep_batches(&batches(&brand.id, due_at, None, &ids)).await
}

/// Reports rewards and events that were given up: to the log, to the metrics, and to Quikly.
pub(crate) async fn report_unplaced(
    connector: &Connector,
    brand: &Brand,
    items: &mut [WorkItem],
) -> ports::Result<()> {
    for item in items.iter_mut().filter(|item| item.unreported) {
        let participation = &item.participation;
        let unplaced = participation.unplaced().unreported();
        let (id, scope) = (participation.id(), participation.scope());
        if let Some(reward) = unplaced.reward {
            call_back(connector, brand, item, CallbackKind::RewardUnplaced, reward.since).await?;
            tracing::error!(event = "connector.reward_unplaced", participation = %id, %scope, "A reward could not be placed on a profile.");
        }
        if let Some(event) = unplaced.flow_event {
            call_back(connector, brand, item, CallbackKind::EventUnplaced, event.since).await?;
            tracing::error!(event = "connector.event_unplaced", participation = %id, %scope, "An event could not be placed on a profile.");
        }
        let given_up = [unplaced.reward, unplaced.flow_event].into_iter().flatten().count();
        connector.braze.counters.count(Metric::RewardsUnplaced, Some(participation.brand()), given_up as u64);
        item.participation.reported();
    }
    Ok(())
}

async fn call_back(
    connector: &Connector,
    brand: &Brand,
    item: &WorkItem,
    kind: CallbackKind,
    since: Timestamp,
) -> ports::Result<()> {
    match &item.facts.award {
        Some(award) if brand.callback.is_some() => {
            connector.deps.callbacks.call_back(&Callback::of(award, kind, since)).await
        }
        Some(_) | None => Ok(()),
    }
}

fn batches(
    brand: &BrandId,
    due_at: Timestamp,
    slot: Option<Slot>,
    ids: &[ParticipationId],
) -> Vec<ReadBackBatch> {
    let batch =
        |ids: &[ParticipationId]| ReadBackBatch { brand: brand.clone(), due_at, ids: ids.to_vec(), slot };
    ids.chunks(MOST_IN_BATCH).map(batch).collect()
}

/// Reads back everything that is due. What fails comes again a minute later.
pub(crate) async fn all_due(connector: &Connector) {
    for _call in 0..MOST_CALLS {
        match connector.deps.read_backs.due_batches(connector.deps.clock.now()).await {
            Ok(due) => {
                let is_full = due.is_full();
                read_back_some(connector, due).await;
                if !is_full {
                    return;
                }
            }
            Err(error) => return failed(connector, "", &error),
        }
    }
}

/// Reads back some batches, with brands in parallel.
async fn read_back_some(connector: &Connector, due: DueBatches) {
    for error in &due.unreadable {
        if let Some(line) = connector.line("connector.unreadable", &error.to_string()) {
            tracing::error!(event = "connector.unreadable", times = line.times, error = %in_full(error), "A stored record cannot be read; everything else continues.");
        }
    }
    let mut by_brand: BTreeMap<BrandId, Vec<ReadBackBatch>> = BTreeMap::new();
    for batch in due.batches {
        by_brand.entry(batch.brand.clone()).or_default().push(batch);
    }
    join_all(by_brand.iter().map(|(brand, batches)| Pass { connector, brand }.take_all(batches))).await;
}

fn failed(connector: &Connector, brand: &str, error: &ports::Error) {
    if let Some(line) = connector.line("connector.read_back_failed", brand) {
        tracing::error!(event = "connector.read_back_failed", brand, times = line.times, error = %in_full(error), "Rewards could not be read back; a later tick tries again.");
    }
}

/// Reads back the due batches of one brand.
#[derive(Clone, Copy)]
struct Pass<'a> {
    connector: &'a Connector,
    brand: &'a BrandId,
}

/// When participations are read back again, and in which slot.
type Again = BTreeMap<Timestamp, (Option<Slot>, Vec<ParticipationId>)>;

impl Pass<'_> {
    /// Takes all batches together. If that fails, each is taken alone, and those that fail again are put off: they hold up
    /// neither the others nor another brand.
    async fn take_all(self, due: &[ReadBackBatch]) {
        const DOING: &str = "reading back";
        let Pass { connector, brand } = self;
        if connector.guarded(brand, DOING, self.take(due)).await.is_ok() {
            return;
        }
        for batch in due.chunks(1) {
            let Err(error) = connector.guarded(brand, DOING, self.take(batch)).await else { continue };
            failed(connector, brand.as_str(), &error);
            if let Err(error) = self.put_off(batch).await {
                failed(connector, brand.as_str(), &error);
            }
        }
    }

    async fn take(self, due: &[ReadBackBatch]) -> ports::Result<()> {
        let (brands, now) = (self.connector.brands(), self.connector.deps.clock.now());
        let (items, unreadable) = self.read(due).await?;
        let mut again = match brands.brand(self.brand) {
            Some(brand) => self.compare(brand, items, now).await?,
            None => {
                let ids = items.iter().map(|item| item.participation.id()).collect::<Vec<_>>();
                let until = later(now, WITHOUT_BRAND);
                if ids.is_empty() { Again::new() } else { Again::from([(until, (None, ids))]) }
            }
        };
        if !unreadable.is_empty() {
            again.entry(later(now, UNTIL_READABLE)).or_default().1.extend(unreadable);
        }
        self.replace(due, &again).await
    }

    async fn put_off(self, due: &[ReadBackBatch]) -> ports::Result<()> {
        let ids = due.iter().flat_map(|batch| batch.ids.iter().copied()).collect();
        let until = later(self.connector.deps.clock.now(), AGAIN_AFTER);
        self.replace(due, &Again::from([(until, (None, ids))])).await
    }

    /// Replaces batches with those that are to be read back again.
    async fn replace(self, due: &[ReadBackBatch], again: &Again) -> ports::Result<()> {
        let kept: Vec<ReadBackBatch> =
            again.iter().flat_map(|(due_at, (slot, ids))| batches(self.brand, *due_at, *slot, ids)).collect();
        let read_backs = &self.connector.deps.read_backs;
        if !kept.is_empty() {
            read_backs.keep_batches(&kept).await?;
        }
        let done: Vec<_> = due.iter().map(ReadBackBatch::key).collect();
        read_backs.batches_done(&done).await
    }

    /// The participations of the batches with their awards, and those that cannot be read. Slots that batches hold are given
    /// to their first ones.
    async fn read(self, due: &[ReadBackBatch]) -> ports::Result<(Vec<WorkItem>, Vec<ParticipationId>)> {
        let ids: BTreeSet<ParticipationId> = due.iter().flat_map(|batch| batch.ids.iter().copied()).collect();
        let ids: Vec<ParticipationId> = ids.into_iter().collect();
        let first = |batch: &ReadBackBatch| Some((*batch.ids.first()?, batch.slot?));
        let slots: BTreeMap<ParticipationId, Slot> = due.iter().filter_map(first).collect();
        let (mut items, unreadable) = read::items(self.connector, self.brand, &ids).await?;
        for item in &mut items {
            if let Some(slot) = slots.get(&item.participation.id()) {
                item.participation.holds(Some(*slot));
            }
        }
        Ok((items, unreadable))
    }

    /// Compares what was sent with what Braze shows, and has what is missing written again. Returns what could not be
    /// read back yet.
    async fn compare(self, brand: &Brand, items: Vec<WorkItem>, now: Timestamp) -> ports::Result<Again> {
        let mut jobs: Vec<(WorkItem, ProfileRef)> = Vec::new();
        for item in items {
            let Some(terms) = terms(brand, &item.participation) else { continue };
            if let Some(profile) =
                read_back::due(&item.participation, &terms, now).map(|sent| sent.profile.clone())
            {
                jobs.push((item, profile));
            }
        }
        let to = BrandAccess { access: &self.connector.braze, brand, rank: Rank::Live };
        let performed = SentProfiles::perform(&to, jobs).await?;
        let mut again = Again::new();
        for item in performed.resting {
            let due_at = item.participation.due_at().unwrap_or_else(|| later(now, AGAIN_AFTER));
            let (slot, ids) = again.entry(due_at).or_default();
            *slot = slot.or(item.participation.slot());
            ids.push(item.participation.id());
        }
        let missing =
            performed.active.into_iter().filter_map(|item| found_missing(brand, item, now)).collect();
        let (_, conflicts) = again.entry(later(now, AGAIN_AFTER)).or_default();
        conflicts.extend(self.write_again(brand, missing).await?);
        Ok(again)
    }

    /// Saves those whose parts are missing, and returns those that another worker saved first.
    async fn write_again(self, brand: &Brand, items: Vec<WorkItem>) -> ports::Result<Vec<ParticipationId>> {
        let deps = &self.connector.deps;
        let participations: Vec<Participation> = items.into_iter().map(|item| item.participation).collect();
        reschedule::later(deps, Some(brand), &participations).await;
        let mut conflicts = Vec::new();
        for some in participations.chunks(MOST_ITEMS) {
            let saved = deps.store.save(some).await?;
            let lost = some.iter().zip(saved).filter(|(_, saved)| *saved == Saved::Conflict);
            conflicts.extend(lost.map(|(participation, _)| participation.id()));
        }
        Ok(conflicts)
    }
}

fn terms<'a>(brand: &'a Brand, participation: &Participation) -> Option<Terms<'a>> {
    let activation = brand.activations.get(participation.scope())?;
    Some(Terms { brand, activation })
}

/// The participation with what its profile does not show; `None` if the profile shows everything.
fn found_missing(brand: &Brand, mut item: WorkItem, now: Timestamp) -> Option<WorkItem> {
    let terms = terms(brand, &item.participation)?;
    let sent: SentParts = item.participation.sent()?.clone();
    let found = item.facts.confirmed.as_ref().map(|confirmed| &confirmed.found[..]).unwrap_or_default();
    let award = item.facts.award.as_ref();
    let parts = read_back::missing(&item.participation, &sent, &terms, award, found);
    if parts.is_empty() {
        return None;
    }
    item.participation.holds(None);
    item.participation.found_missing(parts, now);
    tracing::warn!(event = "connector.reward_missing", participation = %item.participation.id(), times = sent.missing_before.saturating_add(1), "Braze accepted a reward or an event, and the profile does not show it; it is written again.");
    Some(item)
}
