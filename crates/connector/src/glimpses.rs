//! Participations as the tick has found them.
//!
//! A polled participation is processed as the tick has read it, which saves a read for each poll. That read may be a moment old, and another
//! process may have changed the participation meanwhile. So the read decides only what to ask Braze. If the answer is news, the participation is
//! read again before anything else happens.

use std::collections::HashMap;

use domain::ids::{BrandId, ParticipationId};
use ports::store::{Due, Glimpse};

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
    let (read, _unreadable) = read::items(connector, brand, &ids).await?;
    let mut read: HashMap<ParticipationId, WorkItem> =
        read.into_iter().map(|item| (item.participation.id(), item)).collect();
    let mut current = Vec::with_capacity(items.len());
    for mut item in items {
        let read = read.remove(&item.participation.id());
        if let Some(read) = read.filter(|read| read.participation.version() == item.participation.version()) {
            item.is_glimpsed = false;
            item.facts.award = read.facts.award;
            current.push(item);
        }
    }
    Ok(Performed::goes_on(current))
}
