//! Reads participations and their awards before they are processed. Those that cannot be read do not hold up
//! the others.

use std::collections::HashMap;

use domain::award::Award;
use domain::ids::{BrandId, ParticipationId};
use domain::participation::Participation;
use ports::store::{MOST_ITEMS, Read};

use crate::connector::Connector;
use crate::unreadable;
use crate::work_item::WorkItem;

/// Reads participations of a brand. Those that cannot be read do not hold up the others.
pub(crate) async fn participations(
    connector: &Connector,
    brand: &BrandId,
    ids: &[ParticipationId],
) -> ports::Result<Vec<Participation>> {
    with_unreadable(connector, brand, ids).await.map(|read| read.found)
}

/// Does the same, and says which cannot be read.
pub(crate) async fn with_unreadable(
    connector: &Connector,
    brand: &BrandId,
    ids: &[ParticipationId],
) -> ports::Result<Read<Participation>> {
    let read = connector.deps.store.get(ids).await?;
    unreadable::set_aside(connector, brand, &read.unreadable).await?;
    Ok(read)
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
