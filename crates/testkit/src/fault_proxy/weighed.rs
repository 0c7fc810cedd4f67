//! The keys that a call of DynamoDB reads and writes, and the units that it takes of each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::fault_proxy::emulated::{Emulated, TableSchema, key_text, plain};
use crate::fault_proxy::incoming::Incoming;
use crate::fault_proxy::units::{index_units, read_units, size, write_units};

/// An item that a call writes.
pub(super) struct WrittenItem {
    pub(super) table: String,
    pub(super) key: Value,
    pub(super) schema: Arc<TableSchema>,
    pub(super) action: &'static str,
    /// What the call names of the item, or the key only.
    named: Value,
}

/// The units of single keys.
pub(super) type ByKey = BTreeMap<String, f64>;

impl WrittenItem {
    /// The items that a call writes, as far as their tables exist.
    pub(super) async fn all_of(call: &Incoming, emulated: &Emulated) -> Vec<Self> {
        let mut items = Vec::new();
        for write in call.writes() {
            let Some(schema) = emulated.table(&write.table).await else { continue };
            let key = schema.key_of(&write.named);
            items.push(Self { table: write.table, key, schema, action: write.action, named: write.named });
        }
        items
    }

    /// The item's key in the counts.
    pub(super) fn counted_as(&self) -> String {
        format!("{} {}", self.table, key_text(&self.schema.keys, &self.key))
    }

    /// The keys that the call certainly writes, in the counts: the item's own, and those of index entries that the call names.
    pub(super) fn keys(&self) -> Vec<String> {
        let entries = index_units(&self.schema, None, Some(&self.named));
        let entries = entries.into_iter().map(|entry| index_key(&self.table, &entry.index, &entry.key));
        std::iter::once(self.counted_as()).chain(entries).collect()
    }

    /// The units of a write that turned one item into another.
    pub(super) fn units(&self, before: Option<&Value>, after: Option<&Value>, call: &Incoming) -> ByKey {
        let mut units = ByKey::new();
        let own = write_units(before, after, call.is_transaction());
        units.insert(self.counted_as(), as_f64(own));
        for entry in index_units(&self.schema, before, after) {
            *units.entry(index_key(&self.table, &entry.index, &entry.key)).or_default() +=
                as_f64(entry.units);
        }
        units
    }
}

fn index_key(table: &str, index: &str, key: &str) -> String {
    format!("{table}/{index} {key}")
}

fn as_f64(units: u64) -> f64 {
    u32::try_from(units).map_or(f64::INFINITY, f64::from)
}

/// The units that a call has read of each key.
pub(super) async fn read(call: &Incoming, answer: &Bytes, emulated: &Emulated) -> ByKey {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    match call.action.as_str() {
        "GetItem" => {
            let table = call.text("TableName");
            let item = answer.get("Item").map_or(0, size);
            let units = read_units(item, call.json["ConsistentRead"] == true);
            named(table, &call.json["Key"], units, emulated).await
        }
        "Query" | "Scan" => {
            let items = answer["Items"].as_array().into_iter().flatten();
            let units = read_units(items.map(size).sum(), call.json["ConsistentRead"] == true);
            let (table, index) = (call.text("TableName"), call.json["IndexName"].as_str());
            let partition = partition(call, emulated).await.unwrap_or_else(|| "*".to_owned());
            let key = match index {
                Some(index) => index_key(table, index, &partition),
                None => format!("{table} {partition}"),
            };
            ByKey::from([(key, units)])
        }
        "BatchGetItem" => {
            let mut units = ByKey::new();
            for (table, wanted) in call.json["RequestItems"].as_object().into_iter().flatten() {
                units.extend(read_batch(table, wanted, &answer, emulated).await);
            }
            units
        }
        _ => ByKey::new(),
    }
}

async fn named(table: &str, key: &Value, units: f64, emulated: &Emulated) -> ByKey {
    let Some(schema) = emulated.table(table).await else { return ByKey::new() };
    ByKey::from([(format!("{table} {}", key_text(&schema.keys, key)), units)])
}

async fn read_batch(table: &str, wanted: &Value, answer: &Value, emulated: &Emulated) -> ByKey {
    let Some(schema) = emulated.table(table).await else { return ByKey::new() };
    let found = answer["Responses"][table].as_array().into_iter().flatten();
    let sizes: HashMap<String, u64> = found.map(|item| (key_text(&schema.keys, item), size(item))).collect();
    let consistent = wanted["ConsistentRead"] == true;
    let keys = wanted["Keys"].as_array().into_iter().flatten();
    let of = |key: &Value| {
        let key = key_text(&schema.keys, key);
        (format!("{table} {key}"), read_units(sizes.get(&key).copied().unwrap_or(0), consistent))
    };
    keys.map(of).collect()
}

/// The value of the key that chooses the partition in a query.
async fn partition(call: &Incoming, emulated: &Emulated) -> Option<String> {
    let schema = emulated.table(call.text("TableName")).await?;
    let keys = match call.json["IndexName"].as_str() {
        Some(name) => &schema.indexes.iter().find(|index| index.name == name)?.keys,
        None => &schema.keys,
    };
    let words: Vec<&str> = call.text("KeyConditionExpression").split_whitespace().collect();
    let resolved = |word: &str| call.json["ExpressionAttributeNames"][word].as_str().map(str::to_owned);
    let value = words.windows(3).find_map(|three| {
        let name = resolved(three[0]).unwrap_or_else(|| three[0].to_owned());
        (Some(&name) == keys.first() && three[1] == "=").then_some(three[2])
    })?;
    Some(plain(&call.json["ExpressionAttributeValues"][value]))
}
