//! Entering participations in their ledgers, in order.

use std::collections::{BTreeMap, HashMap};

use domain::award::{Award, Resolution};
use domain::brand::Brand;
use domain::ids::{BrandId, LedgerKey, ParticipationId};
use domain::ledger::Rules;
use domain::message::QueueName;
use futures::future::try_join;
use ports::store::MOST_ITEMS;

use crate::award::resolve;
use crate::case::WorkItem;
use crate::connector::Connector;
use crate::guard::Panics;
use crate::{read, unreadable, wake};

/// Whether taking part was enough for the credit.
fn has_earned(case: &WorkItem) -> bool {
    case.participation.earned_at().is_some()
}

impl Connector {
    /// Enters participations in their ledgers in this order, credits those that have earned it by taking part, and has their flows go on.
    /// It asks nothing of Braze: whoever is behind waits for the ledger only.
    ///
    /// # Errors
    /// When store or ledgers cannot be reached, or something panicked. Doing it again is doing it once.
    pub async fn enter(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<()> {
        const DOING: &str = "entering participations";
        let mut panics = Panics::default();
        // The order counts: with a suspect among them, all are entered one by one.
        let at_once = if self.suspects.are_among(ids) { 1 } else { ids.len().max(1) };
        for some in ids.chunks(at_once) {
            panics.watch(self, (brand, DOING), some, self.enter_together(brand, some)).await?;
        }
        panics.done(DOING)
    }

    pub(crate) async fn enter_together(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<()> {
        let brands = self.brands();
        let Some(brand) = brands.brand(brand) else { return Ok(()) };
        let mut cases = Vec::with_capacity(ids.len());
        for some in ids.chunks(MOST_ITEMS) {
            let (read, awards) =
                try_join(read::participations(self, &brand.id, some), self.outside.ledger.awards(some))
                    .await?;
            unreadable::set_aside(self, &brand.id, &awards.unreadable).await?;
            let mut awards: HashMap<ParticipationId, Award> =
                awards.found.into_iter().map(|award| (award.id, award)).collect();
            cases.extend(read.into_iter().map(|participation| {
                let mut case = WorkItem::new(participation);
                case.facts.award = awards.remove(&case.participation.id());
                case
            }));
        }
        cases.sort_by_key(|case| ids.iter().position(|id| *id == case.participation.id()));
        let mut queues: BTreeMap<QueueName, Vec<ParticipationId>> = BTreeMap::new();
        for case in &cases {
            let queue = QueueName::of(case.participation.channel());
            queues.entry(queue).or_default().push(case.participation.id());
        }
        let unresolved =
            |case: &WorkItem| case.facts.award.as_ref().is_some_and(|award| !award.is_resolved());
        let mut cases = cases.into_iter().filter(unresolved).peekable();
        while let Some(case) = cases.next() {
            // Those in a row that have earned their credit are entered and credited in one transaction.
            let earned = has_earned(&case);
            let mut row = vec![case];
            while let Some(case) = cases.next_if(|case| has_earned(case) == earned) {
                row.push(case);
            }
            if earned {
                resolve(self, brand, row.into_iter().map(|case| (case, Resolution::Credit)).collect())
                    .await?;
            } else {
                self.enter_only(brand, &row).await?;
            }
        }
        for (queue, ids) in queues {
            wake::now(&self.outside, queue, &brand.id, &ids).await;
        }
        Ok(())
    }

    async fn enter_only(&self, brand: &Brand, cases: &[WorkItem]) -> ports::Result<()> {
        let mut by_ledger: BTreeMap<&LedgerKey, Vec<ParticipationId>> = BTreeMap::new();
        for award in cases.iter().filter_map(|case| case.facts.award.as_ref()) {
            by_ledger.entry(&award.ledger).or_default().push(award.id);
        }
        for (ledger, ids) in by_ledger {
            let rules = Rules::of(brand, ledger, &self.id_key);
            for some in ids.chunks(MOST_ITEMS) {
                self.outside.ledger.enter(ledger, &rules, some).await?;
            }
        }
        Ok(())
    }
}
