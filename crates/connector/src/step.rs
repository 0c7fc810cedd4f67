//! One run over some participations: read them, take each as far as it goes, save.

use domain::Timestamp;
use domain::award::Award;
use domain::brand::Brand;
use domain::decide;
use domain::ids::{BrandId, ParticipationId};
use domain::participation::Participation;
use domain::rollup::Rollup;
use metrics::Metric;
use ports::store::{Due, MOST_ITEMS, Saved};

use crate::award;
use crate::budget::Rank;
use crate::clock_watch::is_of_the_future;
use crate::connector::Connector;
use crate::enter;
use crate::glimpses::Glimpses;
use crate::guard::Panics;
use crate::lost_consents;
use crate::profile_cache;
use crate::read;
use crate::read_back;
use crate::reschedule;
use crate::turns;
use crate::without_terms::{self, Missing};
use crate::work_item::{Stepped, WorkItem};

/// Why participations are processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A message or a caller asks for it.
    Asked,
    /// The participations are due, and the tick has come.
    Tick,
}

impl Connector {
    /// Processes participations of one brand, each as far as it goes.
    ///
    /// # Errors
    /// If the store cannot be read or written, or if something panicked. Nothing is lost: a participation
    /// that was not saved is processed again.
    pub async fn step(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<Stepped> {
        self.step_at(Occasion::Asked, brand, (ids, Glimpses::default())).await
    }

    /// Does the same for those that the tick found due.
    pub(crate) async fn step_due(&self, brand: &BrandId, due: Vec<Due>) -> ports::Result<Stepped> {
        let ids: Vec<ParticipationId> = due.iter().map(|due| due.id).collect();
        let glimpses = Glimpses::of(due);
        self.step_at(Occasion::Tick, brand, (&ids, glimpses)).await
    }

    async fn step_at(
        &self,
        occasion: Occasion,
        brand: &BrandId,
        (ids, mut glimpses): (&[ParticipationId], Glimpses),
    ) -> ports::Result<Stepped> {
        const DOING: &str = "stepping participations";
        let (mut stepped, mut panics) = (Stepped::default(), Panics::default());
        for some in self.suspects.apart(ids) {
            let stepping = self.step_together(occasion, brand, (&some, &mut glimpses));
            if let Some(done) = panics.watch(self, (brand, DOING), &some, stepping).await? {
                stepped.add(done);
            }
        }
        panics.done(DOING)?;
        Ok(stepped)
    }

    async fn step_together(
        &self,
        occasion: Occasion,
        brand: &BrandId,
        (ids, glimpses): (&[ParticipationId], &mut Glimpses),
    ) -> ports::Result<Stepped> {
        let hold = self.in_hand.take(ids);
        let brands = self.brands();
        let (glimpsed, unread) = match brands.brand(brand) {
            Some(_) => glimpses.take(&hold.ids),
            None => (Vec::new(), hold.ids.clone()),
        };
        let (mut items, _unreadable) = read::items(self, brand, &unread).await?;
        items.extend(glimpsed);
        if let Some(brand) = brands.brand(brand) {
            items = enter::lines(self, brand, items).await?;
        }
        let now = self.deps.clock.now();
        items.iter_mut().for_each(|item| item.counts_from_here(now));
        let (mut items, early): (Vec<WorkItem>, Vec<WorkItem>) =
            items.into_iter().partition(|item| is_processed(item, brands.brand(brand), now));
        for item in items.iter_mut().filter(|item| !is_due(item, now)) {
            item.mark_looked_at();
        }
        reschedule::again(&self.deps, early.iter().map(|item| &item.participation)).await;
        if occasion == Occasion::Tick {
            let left: Vec<WorkItem> =
                items.extract_if(.., |item| reschedule::has_a_message(&item.participation, now)).collect();
            reschedule::in_case_of_loss(&self.deps, left.iter().map(|item| &item.participation)).await;
        }
        for item in items.iter_mut().filter(|item| reschedule::is_polled(&item.participation)) {
            item.mark_polled();
        }
        items.sort_by_key(|item| item.participation.accepted_at());
        let taken = items.len();
        let mut stepped = match brands.brand(brand) {
            Some(brand) => self.take_by_rank(brand, items).await?,
            None => {
                let missing = if brands.may_be_broken(brand) { Missing::Broken } else { Missing::Brand };
                let items = items.into_iter().map(|item| (item, missing)).collect();
                self.finish(None, without_terms::rest(self, (brand, None), items).await?).await?
            }
        };
        stepped.left_alone += ids.len().saturating_sub(taken);
        Ok(stepped)
    }

    /// Processes and saves first consumers who are there now, and then participations from files.
    async fn take_by_rank(&self, brand: &Brand, items: Vec<WorkItem>) -> ports::Result<Stepped> {
        let (live, imported): (Vec<WorkItem>, Vec<WorkItem>) =
            items.into_iter().partition(|item| Rank::of(&item.participation) == Rank::Live);
        let mut stepped = Stepped::default();
        for (rank, items) in [(Rank::Live, live), (Rank::Imported, imported)] {
            if !items.is_empty() {
                stepped.add(self.finish(Some(brand), turns::take(self, (brand, rank), items).await?).await?);
            }
        }
        Ok(stepped)
    }

    /// Arranges follow-up messages first and saves then: a crash in between costs one wasted message, and no
    /// participation.
    async fn finish(&self, brand: Option<&Brand>, mut items: Vec<WorkItem>) -> ports::Result<Stepped> {
        profile_cache::remember(self, &items).await;
        if let Some(brand) = brand {
            read_back::expect(self, brand, &items).await?;
            read_back::report_unplaced(self, brand, &mut items).await?;
            lost_consents::report(&self.deps, brand, &mut items).await?;
            reschedule::looks(&self.deps, brand, items.iter().map(|item| &item.participation)).await;
        }
        let (unchanged, mut items): (Vec<WorkItem>, Vec<WorkItem>) =
            items.into_iter().partition(WorkItem::is_unchanged);
        let mut stepped = Stepped { waiting: unchanged.len(), ..Stepped::default() };
        let now = self.deps.clock.now();
        let rollups: Vec<Rollup> = items.iter_mut().map(|item| item.rollup(now)).collect();
        reschedule::later(&self.deps, brand, &participations_of(&items)).await;
        // A poll that changed nothing has reached nothing that roll-ups count.
        let (polled, items): (Vec<_>, Vec<_>) = items.into_iter().zip(rollups).partition(|(item, _)| {
            item.is_polled_again() && reschedule::is_left_to_the_tick(brand, &item.participation, now)
        });
        let mut polled: Vec<WorkItem> = polled.into_iter().map(|(item, _)| item).collect();
        polled.iter_mut().for_each(|item| reschedule::not_this_minute(&mut item.participation, now));
        let (items, mut rollups): (Vec<WorkItem>, Vec<Rollup>) = items.into_iter().unzip();
        // What was counted of requests goes along, so that it costs no write. It is lost if this save loses a conflict.
        if let Some(first) = rollups.first_mut() {
            first.merge(&self.braze.figures.take(now));
        }
        let mut seen = Vec::new();
        for some in polled.chunks(MOST_ITEMS) {
            let saved = self.deps.store.put_off(&participations_of(some)).await?;
            self.saved(some, saved, (&mut stepped, &mut seen));
        }
        for (some, rollups) in items.chunks(MOST_ITEMS).zip(rollups.chunks(MOST_ITEMS)) {
            let lines: Vec<Award> = some.iter().filter_map(WorkItem::unsaved_line).cloned().collect();
            let saved = self.deps.store.save_with_lines(&participations_of(some), rollups, &lines).await?;
            self.saved(some, saved, (&mut stepped, &mut seen));
        }
        award::noted(self, &seen).await?;
        Ok(stepped)
    }

    /// Counts what became of items that were saved, and collects those that have seen their changed award.
    fn saved(
        &self,
        items: &[WorkItem],
        saved: Vec<Saved>,
        (stepped, seen): (&mut Stepped, &mut Vec<ParticipationId>),
    ) {
        for (item, saved) in items.iter().zip(saved) {
            match saved {
                Saved::Conflict => {
                    stepped.left_alone += 1;
                    continue;
                }
                Saved::Saved if item.participation.due_at().is_none() => stepped.ended += 1,
                Saved::Saved => {
                    stepped.waiting += 1;
                    self.braze.counters.count(Metric::Deferred, Some(item.participation.brand()), 1);
                }
            }
            self.braze.seen.rests(&item.participation);
            // A participation that still waits is processed again anyway, and then with its award as it is.
            seen.extend(item.changed_award());
            if item.ended {
                self.count_end(item);
                log_end(&item.participation);
            }
        }
    }

    fn count_end(&self, item: &WorkItem) {
        let brand = item.participation.brand();
        self.braze.counters.count(Metric::Ended, Some(brand), 1);
        let earned = item.participation.earned_at().is_some();
        if earned || item.facts.award.as_ref().is_some_and(|award| award.credited_at.is_some()) {
            self.braze.counters.count(Metric::Credited, Some(brand), 1);
        }
    }
}

fn participations_of(items: &[WorkItem]) -> Vec<Participation> {
    items.iter().map(|item| item.participation.clone()).collect()
}

/// A new participation is processed when a message says so; afterwards it is left alone until it is due,
/// however many messages come. It is also due if another participation changed its award, or if it was put
/// off under a clock that has been set back since, because its due time means nothing then.
///
/// One that waits for Braze to apply a write may be looked at before it is due.
fn is_processed(item: &WorkItem, brand: Option<&Brand>, now: Timestamp) -> bool {
    let participation = &item.participation;
    let activation = brand.and_then(|brand| brand.activations.get(participation.scope()));
    is_due(item, now) || activation.is_some_and(|activation| decide::may_look(participation, activation, now))
}

fn is_due(item: &WorkItem, now: Timestamp) -> bool {
    let participation = &item.participation;
    item.changed_award().is_some()
        || participation.due_at().is_some_and(|due| {
            participation.version() == 0 || due <= now || is_of_the_future(participation.updated_at(), now)
        })
}

fn log_end(participation: &Participation) {
    let (id, scope, state) = (participation.id(), participation.scope(), participation.state());
    match state.reason() {
        Some(reason) => {
            tracing::warn!(event = "connector.ended", participation = %id, %scope, state = state.name(), reason, "A participation has ended.");
        }
        None => {
            tracing::info!(event = "connector.ended", participation = %id, %scope, state = state.name(), "A participation has ended.");
        }
    }
}
