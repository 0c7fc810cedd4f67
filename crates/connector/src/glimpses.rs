//! Participations as the tick has found them.
//!
//! A polled participation is processed as the tick has read it, which saves a read for each poll. That read may be a moment old, and another
//! process may have changed the participation meanwhile. So the read decides only what to ask Braze. If the answer is news, the participation is
//! read again before anything else happens.

use std::collections::HashMap;

use domain::ids::{BrandId, ParticipationId};
use domain::participation::Participation;
use ports::store::{Due, Glimpse, MOST_ITEMS};

use crate::connector::Connector;
use crate::read;
use crate::reschedule;
use crate::work_item::{Performed, WorkItem};

/// What the tick has read of participations that are polled.
#[derive(Default)]
pub(crate) struct Glimpses(HashMap<ParticipationId, Glimpse>);

impl Glimpses {
    pub(crate) fn of(due: Vec<Due>) -> Self {
        let glimpses = due.into_iter().filter_map(|due| Some((due.id, *due.glimpse?)));
        Self(glimpses.filter(|(_, glimpse)| reschedule::is_polled(&glimpse.participation)).collect())
    }

    /// Takes the work items of those that were glimpsed. The others are still to be read.
    pub(crate) fn take(&mut self, ids: &[ParticipationId]) -> (Vec<WorkItem>, Vec<ParticipationId>) {
        let (mut items, mut unread) = (Vec::new(), Vec::new());
        for id in ids {
            match self.0.remove(id) {
                Some(glimpse) => items.push(WorkItem::glimpsed(glimpse)),
                None => unread.push(*id),
            }
        }
        (items, unread)
    }
}

/// Reads participations again whose poll brought news, and goes on with those that have not changed. A participation that has changed is left to the
/// process that changed it, and to the tick.
pub(crate) async fn read_again(
    connector: &Connector,
    brand: &BrandId,
    items: Vec<WorkItem>,
) -> ports::Result<Performed> {
    let ids: Vec<ParticipationId> = items.iter().map(|item| item.participation.id()).collect();
    let mut read: HashMap<ParticipationId, Participation> = HashMap::with_capacity(ids.len());
    for some in ids.chunks(MOST_ITEMS) {
        let some = read::participations(connector, brand, some).await?;
        read.extend(some.into_iter().map(|participation| (participation.id(), participation)));
    }
    let is_current = |item: &WorkItem| {
        let read = read.get(&item.participation.id());
        read.is_some_and(|read| read.version() == item.participation.version())
    };
    let mut current: Vec<WorkItem> = items.into_iter().filter(is_current).collect();
    current.iter_mut().for_each(|item| item.is_glimpsed = false);
    Ok(Performed::goes_on(read::awards(connector, brand, current).await?))
}
