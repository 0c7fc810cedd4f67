//! Reads participations and their awards before they are processed. Those that cannot be read do not hold up
//! the others.

use std::collections::{BTreeSet, HashMap};

use domain::award::Award;
use domain::ids::{BrandId, ParticipationId};
use domain::participation::Participation;
use ports::store::MOST_ITEMS;

use crate::connector::Connector;
use crate::unreadable;
use crate::work_item::WorkItem;

/// Work items of the participations of a brand, with their awards, and the ids of those that cannot be read.
pub(crate) async fn items(
    connector: &Connector,
    brand: &BrandId,
    ids: &[ParticipationId],
) -> ports::Result<(Vec<WorkItem>, Vec<ParticipationId>)> {
    let (mut items, mut unreadable) = (Vec::with_capacity(ids.len()), Vec::new());
    for some in ids.chunks(MOST_ITEMS) {
        if let Some(read) = connector.deps.store.get_with_lines(some).await? {
            unreadable::set_aside(connector, brand, &read.unreadable).await?;
            items.extend(read.found.into_iter().map(WorkItem::with_line));
            unreadable.extend(read.unreadable.into_iter().map(|one| one.id));
            continue;
        }
        let read = connector.deps.store.get(some).await?;
        unreadable::set_aside(connector, brand, &read.unreadable).await?;
        unreadable.extend(read.unreadable.into_iter().map(|one| one.id));
        let mut without_award: BTreeSet<_> = read.found.iter().map(Participation::id).collect();
        let with_award =
            awards(connector, brand, read.found.into_iter().map(WorkItem::new).collect()).await?;
        for item in &with_award {
            without_award.remove(&item.participation.id());
        }
        unreadable.extend(without_award);
        items.extend(with_award);
    }
    Ok((items, unreadable))
}

/// Reads the awards of all work items that have one, and returns the items. Those whose award cannot be read
/// come again later.
pub(crate) async fn awards(
    connector: &Connector,
    brand: &BrandId,
    mut items: Vec<WorkItem>,
) -> ports::Result<Vec<WorkItem>> {
    let with_award = |item: &&WorkItem| item.participation.has_award();
    let ids: Vec<ParticipationId> =
        items.iter().filter(with_award).map(|item| item.participation.id()).collect();
    let mut awards: HashMap<ParticipationId, Award> = HashMap::with_capacity(ids.len());
    for some in ids.chunks(MOST_ITEMS) {
        let read = connector.deps.ledger.awards(some).await?;
        awards.extend(read.found.into_iter().map(|award| (award.id, award)));
        unreadable::set_aside(connector, brand, &read.unreadable).await?;
        items.retain(|item| read.unreadable.iter().all(|one| one.id != item.participation.id()));
    }
    for item in &mut items {
        item.facts.award = awards.remove(&item.participation.id());
    }
    Ok(items)
}
