//! Indexes that lag behind their tables.
//!
//! DynamoDB writes an index after the table. The emulator writes both at once, so the proxy keeps a copy of each table that has indexes,
//! and asks the copy when somebody asks an index. An item reaches the copy as it is when its time has come, which is some time after a write.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::Timestamp;
use parking_lot::Mutex;
use ports::Clock;
use serde_json::{Value, json};
use tokio::sync::{Notify, OnceCell};

use crate::fault_proxy::emulated::{Emulated, TableSchema};

/// Copies of the tables that have indexes.
pub(super) struct LaggingIndexes {
    emulated: Emulated,
    clock: Arc<dyn Clock>,
    /// The copies, each of which is made once.
    copies: Mutex<HashMap<String, Arc<OnceCell<()>>>>,
    /// The items that were written and are not copied yet, by the time at which they are.
    written: Mutex<BTreeMap<(Timestamp, u64), WrittenKey>>,
    /// Notified when something was written.
    news: Notify,
    /// Held while items are copied, so that no earlier state of an item replaces a later one.
    copying: tokio::sync::Mutex<()>,
}

struct WrittenKey {
    table: String,
    key: Value,
}

fn name_of_copy(table: &str) -> String {
    format!("{table}.indexes")
}

impl LaggingIndexes {
    pub(super) fn new(emulated: Emulated, clock: Arc<dyn Clock>) -> Self {
        Self {
            emulated,
            clock,
            copies: Mutex::default(),
            written: Mutex::default(),
            news: Notify::new(),
            copying: tokio::sync::Mutex::default(),
        }
    }

    /// The copy of a table, which is made if it is not there; `None` if the table has no indexes.
    pub(super) async fn copy_of(&self, table: &str) -> Option<String> {
        let schema = self.emulated.table(table).await.filter(|schema| !schema.indexes.is_empty())?;
        let cell = self.copies.lock().entry(table.to_owned()).or_default().clone();
        cell.get_or_init(|| self.make(table, &schema)).await;
        Some(name_of_copy(table))
    }

    async fn make(&self, table: &str, schema: &TableSchema) {
        let mut definition = schema.definition.clone();
        definition["TableName"] = json!(name_of_copy(table));
        self.emulated.dynamo("CreateTable", &definition).await;
        let _turn = self.copying.lock().await;
        self.copy_all(table, schema).await;
    }

    /// Notes that an item was written. Its index entries change at `at`; `None` is when the indexes are told to catch up.
    pub(super) fn note(&self, table: &str, key: Value, at: Option<Timestamp>) {
        let mut written = self.written.lock();
        let at = at.unwrap_or(Timestamp::MAX);
        let number = written.keys().next_back().map_or(0, |(_, number)| number + 1);
        written.insert((at, number), WrittenKey { table: table.to_owned(), key });
        drop(written);
        self.news.notify_one();
    }

    /// Copies items when their time has come, for ever.
    pub(super) async fn run(&self) {
        loop {
            let next = self.written.lock().keys().next().map(|(at, _)| *at);
            let now = self.clock.now();
            match next {
                Some(at) if at <= now => self.copy_due(now).await,
                Some(at) if at < Timestamp::MAX => {
                    let wait = at.duration_since(now).unsigned_abs();
                    tokio::select! { () = self.clock.sleep(wait) => {} () = self.news.notified() => {} }
                }
                Some(_) | None => self.news.notified().await,
            }
        }
    }

    async fn copy_due(&self, now: Timestamp) {
        let _turn = self.copying.lock().await;
        loop {
            let due = {
                let mut written = self.written.lock();
                let first = written.first_entry().filter(|first| first.key().0 <= now);
                first.map(|first| first.remove())
            };
            let Some(WrittenKey { table, key }) = due else { return };
            let item = self.emulated.item(&table, &key).await;
            self.put(&table, &key, item).await;
        }
    }

    async fn put(&self, table: &str, key: &Value, item: Option<Value>) {
        let copy = name_of_copy(table);
        match item {
            Some(item) => self.emulated.dynamo("PutItem", &json!({ "TableName": copy, "Item": item })).await,
            None => self.emulated.dynamo("DeleteItem", &json!({ "TableName": copy, "Key": key })).await,
        };
    }

    /// Makes all indexes show everything that was written, by whomever.
    pub(super) async fn catch_up(&self) {
        let _turn = self.copying.lock().await;
        self.written.lock().clear();
        let tables: Vec<String> = self.copies.lock().keys().cloned().collect();
        for table in tables {
            if let Some(schema) = self.emulated.table(&table).await {
                self.copy_all(&table, &schema).await;
            }
        }
    }

    async fn copy_all(&self, table: &str, schema: &TableSchema) {
        let by_key = |items: Vec<Value>| -> BTreeMap<String, Value> {
            items.into_iter().map(|item| (schema.key_of(&item).to_string(), item)).collect()
        };
        let real = by_key(self.emulated.items(table).await);
        let copied = by_key(self.emulated.items(&name_of_copy(table)).await);
        let keys: BTreeSet<&String> = real.keys().chain(copied.keys()).collect();
        for text in keys {
            let (item, before) = (real.get(text), copied.get(text));
            if item != before
                && let Some(one) = item.or(before)
            {
                self.put(table, &schema.key_of(one), item.cloned()).await;
            }
        }
    }
}
