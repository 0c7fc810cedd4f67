//! Participations that were set aside because they cannot be read. They are in the index by due time, which has few others.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use futures::TryStreamExt;
use futures::future::try_join_all;
use ports::error::in_full;
use ports::operations::{Dead, RECORD};
use ports::store::{MOST_ITEMS, UnreadableParticipation};
use ports::{Error, Ledger, Result, Store};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{number, text, text_of};
use crate::dynamo::pages::pages;
use crate::dynamo::schema::{DUE, SHARDS};

const DOING: &str = "reading what was set aside";

impl Dynamo {
    /// The participations that cannot be read, with why.
    pub(crate) async fn unreadable_records(&self) -> Result<Vec<Dead>> {
        let indexed = try_join_all((0..SHARDS).map(|shard| self.indexed_in(shard))).await?;
        let brands: BTreeMap<ParticipationId, BrandId> = indexed.into_iter().flatten().collect();
        let ids: Vec<ParticipationId> = brands.keys().copied().collect();
        let mut unreadable: BTreeMap<ParticipationId, Error> = BTreeMap::new();
        for some in ids.chunks(MOST_ITEMS) {
            let (participations, lines) = (self.get(some).await?, self.awards(some).await?);
            let found = participations.unreadable.into_iter().chain(lines.unreadable);
            for UnreadableParticipation { id, why } in found {
                unreadable.entry(id).or_insert(why);
            }
        }
        let dead = |(id, why): (ParticipationId, Error)| Dead {
            id: id.to_string(),
            kind: RECORD.to_owned(),
            brand: brands.get(&id).cloned(),
            participations: vec![id],
            attempts: None,
            last_answer: None,
            why: Some(in_full(&why)),
        };
        Ok(unreadable.into_iter().map(dead).collect())
    }

    /// What the index has in a shard, whenever it is due. An entry whose keys cannot be read is left out.
    async fn indexed_in(&self, shard: u8) -> Result<Vec<(ParticipationId, BrandId)>> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.participations)
            .index_name(DUE)
            .key_condition_expression("due_shard = :shard")
            .expression_attribute_values(":shard", number(shard));
        let pages: Vec<_> = pages(query, DOING).try_collect().await?;
        let items = pages.iter().flat_map(|page| page.items());
        let keys = items.filter_map(|item| {
            let id = ParticipationId::parse(text_of(item, "id").ok()?).ok()?;
            Some((id, BrandId::parse(text_of(item, "brand").ok()?).ok()?))
        });
        Ok(keys.collect())
    }

    /// Has one read again now.
    pub(crate) async fn read_again(&self, dead: &Dead, now: Timestamp) -> Result<()> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.participations)
            .key("id", text(&dead.id))
            .condition_expression("attribute_exists(due_shard)")
            .update_expression("SET due_at = :now")
            .expression_attribute_values(":now", number(now.as_millisecond()));
        match update.send().await.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
            Ok(_) => Ok(()),
            Err(error) if error.is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(Error::unavailable("having a record read again", error)),
        }
    }
}
