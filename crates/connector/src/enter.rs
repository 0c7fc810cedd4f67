//! Enters participations in their ledgers, in order.

use std::collections::{BTreeMap, HashMap};

use domain::award::{Award, Resolution};
use domain::brand::Brand;
use domain::ids::{BrandId, LedgerKey, ParticipationId};
use domain::ledger::Rules;
use domain::message::QueueName;
use futures::future::try_join;
use ports::store::MOST_ITEMS;

use crate::award::resolve;
use crate::connector::Connector;
use crate::guard::Panics;
use crate::work_item::WorkItem;
use crate::{read, reschedule, unreadable};

/// Whether taking part was enough to earn the credit.
fn has_earned(item: &WorkItem) -> bool {
    item.participation.earned_at().is_some()
}

impl Connector {
    /// Enters participations in their ledgers in this order, credits those that earned it by taking part, and
    /// lets their flows continue. It asks nothing of Braze, so participations behind these wait only for the
    /// ledger.
    ///
    /// # Errors
    /// If the store or the ledgers cannot be reached, or if something panicked. Repeating the call is safe.
    pub async fn enter(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<()> {
        const DOING: &str = "entering participations";
        let mut panics = Panics::default();
        // The order counts, so if a suspect is among them, all are entered one by one.
        let at_once = if self.suspects.are_among(ids) { 1 } else { ids.len().max(1) };
        for some in ids.chunks(at_once) {
            panics.watch(self, (brand, DOING), some, self.enter_together(brand, some)).await?;
        }
        panics.done(DOING)
    }

    pub(crate) async fn enter_together(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<()> {
        let brands = self.brands();
        let Some(brand) = brands.brand(brand) else { return Ok(()) };
        let mut items = Vec::with_capacity(ids.len());
        for some in ids.chunks(MOST_ITEMS) {
            let (read, awards) =
                try_join(read::participations(self, &brand.id, some), self.deps.ledger.awards(some)).await?;
            unreadable::set_aside(self, &brand.id, &awards.unreadable).await?;
            let mut awards: HashMap<ParticipationId, Award> =
                awards.found.into_iter().map(|award| (award.id, award)).collect();
            items.extend(read.into_iter().map(|participation| {
                let mut item = WorkItem::new(participation);
                item.facts.award = awards.remove(&item.participation.id());
                item
            }));
        }
        items.sort_by_key(|item| ids.iter().position(|id| *id == item.participation.id()));
        let mut queues: BTreeMap<QueueName, Vec<ParticipationId>> = BTreeMap::new();
        for item in &items {
            let queue = QueueName::of(item.participation.channel());
            queues.entry(queue).or_default().push(item.participation.id());
        }
        let unresolved =
            |item: &WorkItem| item.facts.award.as_ref().is_some_and(|award| !award.is_resolved());
        let mut items = items.into_iter().filter(unresolved).peekable();
        while let Some(item) = items.next() {
            // Consecutive participations that have earned their credit are entered and credited in one
            // transaction.
            let earned = has_earned(&item);
            let mut row = vec![item];
            while let Some(item) = items.next_if(|item| has_earned(item) == earned) {
                row.push(item);
            }
            if earned {
                resolve(self, brand, row.into_iter().map(|item| (item, Resolution::Credit)).collect())
                    .await?;
            } else {
                self.enter_only(brand, &row).await?;
            }
        }
        for (queue, ids) in queues {
            reschedule::now(&self.deps, queue, &brand.id, &ids).await;
        }
        Ok(())
    }

    async fn enter_only(&self, brand: &Brand, items: &[WorkItem]) -> ports::Result<()> {
        let mut by_ledger: BTreeMap<&LedgerKey, Vec<ParticipationId>> = BTreeMap::new();
        for award in items.iter().filter_map(|item| item.facts.award.as_ref()) {
            by_ledger.entry(&award.ledger).or_default().push(award.id);
        }
        for (ledger, ids) in by_ledger {
            let rules = Rules::of(brand, ledger, &self.id_key);
            for some in ids.chunks(MOST_ITEMS) {
                self.deps.ledger.enter(&rules, some).await?;
            }
        }
        Ok(())
    }
}
