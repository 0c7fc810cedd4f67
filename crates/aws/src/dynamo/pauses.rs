//! Paused activations. The table of ledgers holds one item for each, under a key that no ledger has.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::ReturnValue;
use domain::Timestamp;
use domain::ids::Scope;
use ports::{Error, Pauses, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, number, required, text, text_of};
use crate::dynamo::pages::all_items;

/// The key of the pauses. No ledger's name has three words.
const PAUSES: &str = "pauses of activations";

fn since(item: &Item) -> Result<Timestamp> {
    Timestamp::from_millisecond(required(item, "since")?).map_err(|error| Error::corrupt("pause", error))
}

#[async_trait]
impl Pauses for Dynamo {
    async fn pause(&self, scope: &Scope, now: Timestamp) -> Result<Timestamp> {
        let update = self.client.update_item().table_name(&self.tables.ledgers);
        let update = update
            .key("ledger", text(PAUSES))
            .key("line", text(scope.as_str()))
            .update_expression("SET since = if_not_exists(since, :now)")
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .return_values(ReturnValue::AllNew);
        let updated =
            update.send().await.map_err(|error| Error::unavailable("pausing an activation", error))?;
        since(&updated.attributes.unwrap_or_default())
    }

    async fn resume(&self, scope: &Scope) -> Result<Option<Timestamp>> {
        let delete = self.client.delete_item().table_name(&self.tables.ledgers);
        let delete = delete.key("ledger", text(PAUSES)).key("line", text(scope.as_str()));
        let deleted = delete.return_values(ReturnValue::AllOld).send().await;
        let deleted = deleted.map_err(|error| Error::unavailable("resuming an activation", error))?;
        deleted.attributes.as_ref().filter(|item| !item.is_empty()).map(since).transpose()
    }

    async fn paused_since(&self, scope: &Scope) -> Result<Option<Timestamp>> {
        let get = self.client.get_item().table_name(&self.tables.ledgers);
        let get = get.key("ledger", text(PAUSES)).key("line", text(scope.as_str()));
        let found = get.send().await;
        let found = found.map_err(|error| Error::unavailable("reading a pause", error))?;
        found.item.as_ref().map(since).transpose()
    }

    async fn paused(&self) -> Result<BTreeMap<Scope, Timestamp>> {
        let query = self.client.query().table_name(&self.tables.ledgers);
        let query = query
            .key_condition_expression("ledger = :pauses")
            .expression_attribute_values(":pauses", text(PAUSES))
            .consistent_read(true);
        let pause = |item: &Item| {
            let scope =
                Scope::parse(text_of(item, "line")?).map_err(|error| Error::corrupt("pause", error))?;
            Ok((scope, since(item)?))
        };
        all_items(query, "reading pauses").await?.iter().map(pause).collect()
    }
}
