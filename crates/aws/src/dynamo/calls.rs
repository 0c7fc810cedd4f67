//! Calls to Braze. The table of ledgers holds them, many in an item, under a key for each brand. DynamoDB deletes them when they expire.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::call::CallBatch;
use domain::ids::BrandId;
use futures::future::try_join_all;
use ports::calls::CallPage;
use ports::clock::SystemChance;
use ports::pages::PageCursor;
use ports::{CallLog, CallReading, Chance, Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{number, text, text_of};

/// Items of one page.
const PAGE: i32 = 500;

/// The key of a brand's calls. No ledger's name has three words, except that of a pool, which begins otherwise.
fn name(brand: &BrandId) -> String {
    format!("calls of {brand}")
}

/// The first line that a batch can have which was kept at this time. Lines are sorted by time.
fn first_line(kept_at: Timestamp) -> String {
    format!("{:015}", kept_at.as_millisecond().max(0))
}

#[async_trait]
impl CallLog for Dynamo {
    async fn keep_calls(&self, batches: &[CallBatch]) -> Result<()> {
        try_join_all(batches.iter().map(|batch| self.keep_call_batch(batch))).await.map(|_| ())
    }
}

impl Dynamo {
    async fn keep_call_batch(&self, batch: &CallBatch) -> Result<()> {
        // Several functions keep calls at the same time.
        let line = format!("{} {:016x}", first_line(batch.kept_at), SystemChance.bits());
        let put = self.client.put_item().table_name(&self.tables.ledgers);
        let put = put
            .item("ledger", text(name(&batch.brand)))
            .item("line", text(line))
            .item("record", text(stored::calls::encode(batch)?))
            .item("expires_at", number(batch.kept_until().as_second()));
        put.send().await.map(|_| ()).map_err(|error| Error::unavailable("keeping calls", error))
    }
}

#[async_trait]
impl CallReading for Dynamo {
    async fn called_brands(&self) -> Result<Option<Vec<BrandId>>> {
        Ok(None)
    }

    async fn calls(&self, brand: &BrandId, since: Timestamp, after: Option<&PageCursor>) -> Result<CallPage> {
        let key = |cursor: &PageCursor| {
            HashMap::from([("ledger".to_owned(), text(name(brand))), ("line".to_owned(), text(&cursor.0))])
        };
        let request = self
            .client
            .query()
            .table_name(&self.tables.ledgers)
            .key_condition_expression("ledger = :calls AND line >= :since")
            .expression_attribute_values(":calls", text(name(brand)))
            .expression_attribute_values(":since", text(first_line(since)))
            .limit(PAGE);
        let found = request.set_exclusive_start_key(after.map(key)).send().await;
        let found = found.map_err(|error| Error::unavailable("reading calls", error))?;
        let mut page = CallPage::default();
        for item in found.items() {
            let line = PageCursor(text_of(item, "line")?.to_owned());
            match stored::calls::decode(brand, text_of(item, "record")?) {
                Ok(batch) => page.batches.push((line, batch)),
                Err(_) => page.unreadable = page.unreadable.saturating_add(1),
            }
        }
        let last = found.last_evaluated_key.as_ref().map(|last| text_of(last, "line")).transpose()?;
        page.next = last.map(|line| PageCursor(line.to_owned()));
        Ok(page)
    }
}
