//! The units that DynamoDB bills for reads and writes.
//!
//! A write costs a unit for each kilobyte of the item, twice that in a transaction, and a unit for each kilobyte of every index entry that is
//! added, removed or changed. An entry that moves costs two. A read costs a unit for each four kilobytes, and half of that where it may be
//! out of date (DynamoDB, on-demand capacity and global secondary indexes).

use serde_json::Value;

use crate::fault_proxy::emulated::{IndexSchema, TableSchema, plain};

/// The units of one key of an index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IndexUnits {
    pub(super) index: String,
    pub(super) key: String,
    pub(super) units: u64,
}

/// The size of an item in bytes, by DynamoDB's rules: the names, and the values without their types.
pub(super) fn size(item: &Value) -> u64 {
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| length(name) + value_size(value)).sum()
}

fn length(text: &str) -> u64 {
    text.len() as u64
}

fn value_size(value: &Value) -> u64 {
    let Some((kind, inner)) = value.as_object().and_then(|typed| typed.iter().next()) else { return 1 };
    let all = |each: fn(&str) -> u64| {
        inner.as_array().into_iter().flatten().filter_map(Value::as_str).map(each).sum::<u64>()
    };
    let text = inner.as_str().unwrap_or_default();
    match kind.as_str() {
        "S" => length(text),
        "N" => number_size(text),
        "B" => binary_size(text),
        "SS" => all(length),
        "NS" => all(number_size),
        "BS" => all(binary_size),
        "M" => 3 + inner.as_object().map_or(0, |map| map.len() as u64) + size(inner),
        "L" => {
            let items = inner.as_array().into_iter().flatten();
            3 + items.map(|item| 1 + value_size(item)).sum::<u64>()
        }
        _ => 1,
    }
}

/// A byte for two digits, and one more.
fn number_size(text: &str) -> u64 {
    let digits = text.bytes().filter(u8::is_ascii_digit).count() as u64;
    digits.div_ceil(2) + 1
}

/// The size of what Base64 text stands for.
fn binary_size(text: &str) -> u64 {
    length(text.trim_end_matches('=')) * 3 / 4
}

/// The units of the table for a write that turned one item into another.
pub(super) fn write_units(before: Option<&Value>, after: Option<&Value>, in_transaction: bool) -> u64 {
    let size = |item: Option<&Value>| item.map_or(0, size);
    let units = size(before).max(size(after)).div_ceil(1_024).max(1);
    if in_transaction { 2 * units } else { units }
}

/// The units of the indexes for a write that turned one item into another.
pub(super) fn index_units(
    schema: &TableSchema,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Vec<IndexUnits> {
    let of = |index: &IndexSchema| {
        let (before, after) = (entry(schema, index, before), entry(schema, index, after));
        let changes = |entry: &Value| IndexUnits {
            index: index.name.clone(),
            key: index.keys.first().map(|key| plain(&entry[key])).unwrap_or_default(),
            units: size(entry).div_ceil(1_024).max(1),
        };
        match (before, after) {
            (Some(before), Some(after)) if before == after => Vec::new(),
            (Some(before), Some(after)) => {
                let moves = index.keys.iter().any(|key| before[key] != after[key]);
                moves.then_some(before).iter().chain([&after]).map(changes).collect()
            }
            (before, after) => before.iter().chain(&after).map(changes).collect(),
        }
    };
    schema.indexes.iter().flat_map(of).collect()
}

/// An item's entry in an index, if it has one.
fn entry(schema: &TableSchema, index: &IndexSchema, item: Option<&Value>) -> Option<Value> {
    let item = item?;
    if index.keys.iter().any(|key| item.get(key).is_none()) {
        return None;
    }
    let Some(shows) = &index.shows else { return Some(item.clone()) };
    let names = schema.keys.iter().chain(&index.keys).chain(shows);
    Some(Value::Object(names.filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect()))
}

/// The units for reading this many bytes.
pub(super) fn read_units(bytes: u64, consistent: bool) -> f64 {
    let units = u32::try_from(bytes.div_ceil(4_096).max(1)).map_or(f64::INFINITY, f64::from);
    if consistent { units } else { units / 2.0 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> TableSchema {
        let due = IndexSchema {
            name: "due".into(),
            keys: vec!["shard".into(), "at".into()],
            shows: Some(vec!["brand".into()]),
        };
        TableSchema { keys: vec!["id".into()], indexes: vec![due], definition: Value::Null }
    }

    fn item(at: Option<u32>, record: &str) -> Value {
        let mut item = json!({ "id": { "S": "1" }, "record": { "S": record } });
        if let Some(at) = at {
            item["shard"] = json!({ "N": "3" });
            item["at"] = json!({ "N": at.to_string() });
        }
        item
    }

    fn units_of(before: Option<&Value>, after: Option<&Value>) -> u64 {
        index_units(&schema(), before, after).iter().map(|units| units.units).sum()
    }

    #[test]
    fn a_write_costs_a_unit_for_each_kilobyte_and_two_in_a_transaction() {
        let (small, large) = (item(None, "x"), item(None, &"x".repeat(1_024)));
        assert_eq!(write_units(None, Some(&small), false), 1);
        assert_eq!(write_units(Some(&large), Some(&small), false), 2);
        assert_eq!(write_units(Some(&large), None, true), 4);
    }

    #[test]
    fn an_index_entry_that_moves_costs_two_units_and_one_that_stays_none() {
        assert_eq!(units_of(None, Some(&item(Some(1), "x"))), 1);
        assert_eq!(units_of(Some(&item(Some(1), "x")), Some(&item(Some(1), "y"))), 0);
        assert_eq!(units_of(Some(&item(Some(1), "x")), Some(&item(Some(2), "x"))), 2);
        assert_eq!(units_of(Some(&item(Some(1), "x")), Some(&item(None, "x"))), 1);
    }

    #[test]
    fn a_size_is_counted_as_dynamodb_counts_it() {
        let item = json!({
            "id": { "S": "abc" }, "n": { "N": "1234" }, "b": { "B": "AAAA" }, "t": { "BOOL": true },
            "l": { "L": [{ "S": "xy" }] },
        });
        assert_eq!(size(&item), (2 + 3) + (1 + 3) + (1 + 3) + (1 + 1) + (1 + 3 + 1 + 2));
    }
}
