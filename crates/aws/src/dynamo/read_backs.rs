//! Batches of participations that are to be read back. The table of ledgers holds one item for each, under a key that no
//! ledger has.

use async_trait::async_trait;
use domain::Timestamp;
use futures::TryStreamExt;
use futures::future::try_join_all;
use ports::read_backs::{BatchKey, DueBatches, MOST_BATCHES, ReadBackBatch, ReadBacks};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{text, text_of};
use crate::dynamo::pages::pages;

/// The key of the batches. It cannot be a ledger's name, since those contain a space.
const READ_BACKS: &str = "read-backs";

#[async_trait]
impl ReadBacks for Dynamo {
    async fn keep_batches(&self, batches: &[ReadBackBatch]) -> Result<()> {
        try_join_all(batches.iter().map(|batch| self.keep_batch(batch))).await.map(|_| ())
    }

    async fn due_batches(&self, now: Timestamp) -> Result<DueBatches> {
        const DOING: &str = "reading batches to read back";
        let query = self
            .client
            .query()
            .table_name(&self.tables.ledgers)
            .key_condition_expression("ledger = :batches AND line < :end")
            .expression_attribute_values(":batches", text(READ_BACKS))
            .expression_attribute_values(":end", text(BatchKey::end_of_due(now)))
            .limit(i32::try_from(MOST_BATCHES).unwrap_or(i32::MAX));
        let mut due = DueBatches::default();
        let mut pages = std::pin::pin!(pages(query, DOING));
        while let Some(page) = pages.try_next().await? {
            for item in page.items.unwrap_or_default() {
                due.add(text_of(&item, "line")?, text_of(&item, "record")?);
            }
            if due.is_full() {
                break;
            }
        }
        due.batches.truncate(MOST_BATCHES);
        Ok(due)
    }

    async fn batches_done(&self, keys: &[BatchKey]) -> Result<()> {
        let remove = |key: &BatchKey| {
            let delete = self.client.delete_item().table_name(&self.tables.ledgers);
            delete.key("ledger", text(READ_BACKS)).key("line", text(key.to_string())).send()
        };
        let removed = try_join_all(keys.iter().map(remove)).await;
        removed.map(|_| ()).map_err(|error| Error::unavailable("removing batches to read back", error))
    }
}

impl Dynamo {
    async fn keep_batch(&self, batch: &ReadBackBatch) -> Result<()> {
        let put = self.client.put_item().table_name(&self.tables.ledgers);
        let put = put.item("ledger", text(READ_BACKS)).item("line", text(batch.key().to_string()));
        let put = put.item("record", text(stored::read_back::encode(batch)?)).send().await;
        put.map(|_| ()).map_err(|error| Error::unavailable("keeping batches to read back", error))
    }
}
