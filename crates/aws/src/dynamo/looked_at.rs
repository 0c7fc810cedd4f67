//! When participations are to be processed next, without the rest of their items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use domain::Timestamp;
use domain::ids::ParticipationId;
use futures::{StreamExt, TryStreamExt, stream};
use ports::store::MOST_ITEMS;
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, id_of, number_of, required, text};

const DOING: &str = "reading what is due";

/// How many requests run at once.
pub(crate) const AT_ONCE: usize = 16;

/// The facts about a participation that may be due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LookedAt {
    /// When it is to be processed next; `None` once it has ended.
    pub(crate) next_at: Option<Timestamp>,
    /// Whether the index by due time has an entry for it, because an earlier version saved it, or because it was set aside.
    pub(crate) is_indexed: bool,
    /// Whether it was never saved after its acceptance.
    pub(crate) is_new: bool,
}

/// The participations that were found, by id.
pub(crate) type Found = HashMap<ParticipationId, LookedAt>;

impl LookedAt {
    fn of(item: &Item) -> Self {
        let is_indexed = item.contains_key("due_at");
        // What cannot be read is processed, and then set aside.
        let unreadable = Self { next_at: Some(Timestamp::MIN), is_indexed, is_new: true };
        Self::read(item).unwrap_or(unreadable)
    }

    /// The facts of an item that can be read.
    pub(crate) fn read(item: &Item) -> Result<Self> {
        let next_at = number_of::<i64>(item, "next_at")?.map(Timestamp::from_millisecond).transpose();
        let next_at = next_at.map_err(|error| Error::corrupt("participation", error))?;
        // When an earlier version ends a participation, it leaves the time of the next look.
        let next_at = next_at.filter(|_| !item.contains_key("expires_at"));
        let is_indexed = item.contains_key("due_at");
        Ok(Self { next_at, is_indexed, is_new: required::<u64>(item, "version")? == 0 })
    }
}

/// When participations are processed next, according to their items.
pub(crate) fn found_in(items: &[Item]) -> Result<Found> {
    items.iter().map(|item| Ok((id_of(item)?, LookedAt::of(item)))).collect()
}

impl Dynamo {
    /// Reads when participations are processed next, as it was a moment ago. One that is missing may have been stored since.
    pub(crate) async fn look_at(&self, ids: impl IntoIterator<Item = ParticipationId>) -> Result<Found> {
        let items = self.glimpse(ids, Some("id, version, next_at, due_at, expires_at")).await?;
        found_in(&items)
    }

    /// Reads items as they were a moment ago, or some attributes of them. This costs half as much as other reads.
    pub(crate) async fn glimpse(
        &self,
        ids: impl IntoIterator<Item = ParticipationId>,
        attributes: Option<&str>,
    ) -> Result<Vec<Item>> {
        let mut ids: Vec<ParticipationId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let reads: Vec<_> = ids.chunks(MOST_ITEMS).map(|some| self.glimpse_some(some, attributes)).collect();
        stream::iter(reads).buffer_unordered(AT_ONCE).try_concat().await
    }

    async fn glimpse_some(&self, ids: &[ParticipationId], attributes: Option<&str>) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(ids.len());
        let mut pending: Vec<Item> =
            ids.iter().map(|id| Item::from([("id".to_owned(), text(id.to_string()))])).collect();
        while !pending.is_empty() {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(pending))
                .set_projection_expression(attributes.map(str::to_owned))
                .build();
            let wanted = wanted.map_err(|error| Error::unavailable(DOING, error))?;
            let table = &self.tables.participations;
            let read = self.client.batch_get_item().request_items(table, wanted).send().await;
            let mut read = read.map_err(|error| Error::unavailable(DOING, error))?;
            items.extend(read.responses.take().into_iter().flatten().flat_map(|(_, items)| items));
            let left = read.unprocessed_keys.take().unwrap_or_default();
            pending = left.into_values().flat_map(|left| left.keys).collect();
        }
        Ok(items)
    }
}
