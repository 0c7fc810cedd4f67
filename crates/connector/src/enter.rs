//! Enters lines in their ledgers that were stored without being entered.

use std::collections::BTreeMap;

use domain::brand::Brand;
use domain::ids::{LedgerKey, ParticipationId};
use domain::ledger::Rules;
use ports::store::MOST_ITEMS;

use crate::award::announce;
use crate::connector::Connector;
use crate::read;
use crate::work_item::WorkItem;

/// Whether a line is to be entered now. One whose participation has earned its credit is entered together with the credit.
fn is_to_be_entered(item: &WorkItem) -> bool {
    let awaits =
        item.facts.award.as_ref().is_some_and(|award| {
            award.ledger.incentive.is_some() && !award.is_entered() && !award.is_resolved()
        });
    awaits && item.participation.earned_at().is_none()
}

/// Enters the lines of participations that do not have their credit yet, in the order of acceptance, and reads them again.
pub(crate) async fn lines(
    connector: &Connector,
    brand: &Brand,
    items: Vec<WorkItem>,
) -> ports::Result<Vec<WorkItem>> {
    let (mut entering, mut others): (Vec<WorkItem>, Vec<WorkItem>) =
        items.into_iter().partition(is_to_be_entered);
    if entering.is_empty() {
        return Ok(others);
    }
    entering.sort_by_key(|item| item.participation.accepted_at());
    let mut by_ledger: BTreeMap<&LedgerKey, Vec<ParticipationId>> = BTreeMap::new();
    for award in entering.iter().filter_map(|item| item.facts.award.as_ref()) {
        by_ledger.entry(&award.ledger).or_default().push(award.id);
    }
    for (ledger, ids) in by_ledger {
        let rules = Rules::of(brand, ledger, &connector.id_key);
        for some in ids.chunks(MOST_ITEMS) {
            let now = connector.deps.clock.now();
            let resolved = connector.deps.ledger.enter(&rules, some, now).await?;
            announce(connector, &brand.id, ledger, &resolved).await;
        }
    }
    others.extend(read::awards(connector, &brand.id, entering).await?);
    Ok(others)
}
