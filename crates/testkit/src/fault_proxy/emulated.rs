//! The emulator, as the proxy itself calls it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

/// The keys of a table and of its indexes.
#[derive(Debug)]
pub(super) struct TableSchema {
    pub(super) keys: Vec<String>,
    pub(super) indexes: Vec<IndexSchema>,
    /// What a copy of the table is made with.
    pub(super) definition: Value,
}

#[derive(Debug)]
pub(super) struct IndexSchema {
    pub(super) name: String,
    /// The keys; the first one chooses the partition.
    pub(super) keys: Vec<String>,
    /// The other attributes of an entry; `None` means all.
    pub(super) shows: Option<Vec<String>>,
}

/// The emulator.
#[derive(Clone)]
pub(super) struct Emulated {
    endpoint: String,
    client: reqwest::Client,
    tables: Arc<Mutex<HashMap<String, Arc<TableSchema>>>>,
}

impl Emulated {
    pub(super) fn at(endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), client: reqwest::Client::new(), tables: Arc::default() }
    }

    /// Passes a call on as it is.
    pub(super) async fn pass_on(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Option<(StatusCode, HeaderMap, Bytes)> {
        let mut headers = headers.clone();
        // The body may be another one than the caller's.
        headers.remove(http::header::CONTENT_LENGTH);
        let request = self.client.request(method.clone(), format!("{}{uri}", self.endpoint));
        let answer = request.headers(headers).body(body).send().await.ok()?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Some((status, headers, answer.bytes().await.ok()?))
    }

    /// Calls DynamoDB.
    pub(super) async fn dynamo(&self, action: &str, body: &Value) -> Value {
        let request =
            self.client.post(&self.endpoint).header("x-amz-target", format!("DynamoDB_20120810.{action}"));
        // The emulator reads the region from here, and checks no signature.
        let named = "AWS4-HMAC-SHA256 Credential=emulated/20200101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
        let request = request.header("authorization", named);
        let request = request.header("content-type", "application/x-amz-json-1.0").body(body.to_string());
        let Ok(response) = request.send().await else { return Value::Null };
        response.bytes().await.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// The item with this key, as it is now.
    pub(super) async fn item(&self, table: &str, key: &Value) -> Option<Value> {
        let body = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        self.dynamo("GetItem", &body).await.get("Item").cloned()
    }

    /// All items of a table.
    pub(super) async fn items(&self, table: &str) -> Vec<Value> {
        let (mut items, mut from) = (Vec::new(), Value::Null);
        loop {
            let mut body = json!({ "TableName": table, "ConsistentRead": true });
            if !from.is_null() {
                body["ExclusiveStartKey"] = from;
            }
            let page = self.dynamo("Scan", &body).await;
            items.extend(page["Items"].as_array().cloned().unwrap_or_default());
            from = page["LastEvaluatedKey"].clone();
            if from.is_null() {
                return items;
            }
        }
    }

    /// The keys of a table; `None` if there is no such table.
    pub(super) async fn table(&self, name: &str) -> Option<Arc<TableSchema>> {
        let known = self.tables.lock().get(name).cloned();
        if known.is_some() {
            return known;
        }
        let told = self.dynamo("DescribeTable", &json!({ "TableName": name })).await;
        let schema = Arc::new(TableSchema::of(told.get("Table")?));
        self.tables.lock().insert(name.to_owned(), schema.clone());
        Some(schema)
    }

    /// Forgets the keys of a table that may have changed.
    pub(super) fn table_changed(&self, name: &str) {
        self.tables.lock().remove(name);
    }
}

fn keys_of(schema: &Value) -> Vec<String> {
    let keys = schema["KeySchema"].as_array().into_iter().flatten();
    keys.filter_map(|key| key["AttributeName"].as_str().map(str::to_owned)).collect()
}

impl TableSchema {
    fn of(table: &Value) -> Self {
        let indexes = table["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
        let index = |index: &Value| IndexSchema {
            name: index["IndexName"].as_str().unwrap_or_default().to_owned(),
            keys: keys_of(index),
            shows: match index["Projection"]["ProjectionType"].as_str() {
                Some("ALL") => None,
                _ => {
                    let named = index["Projection"]["NonKeyAttributes"].as_array().into_iter().flatten();
                    Some(named.filter_map(|name| name.as_str().map(str::to_owned)).collect())
                }
            },
        };
        let made_with = |index: &Value| {
            let names = ["IndexName", "KeySchema", "Projection"];
            Value::Object(names.iter().map(|name| ((*name).to_owned(), index[*name].clone())).collect())
        };
        let mut definition = json!({
            "KeySchema": table["KeySchema"],
            "AttributeDefinitions": table["AttributeDefinitions"],
            "BillingMode": "PAY_PER_REQUEST",
        });
        if !indexes.is_empty() {
            definition["GlobalSecondaryIndexes"] = indexes.iter().map(made_with).collect();
        }
        Self { keys: keys_of(table), indexes: indexes.iter().map(index).collect(), definition }
    }

    /// The key of an item.
    pub(super) fn key_of(&self, item: &Value) -> Value {
        Value::Object(self.keys.iter().map(|key| (key.clone(), item[key].clone())).collect::<Map<_, _>>())
    }
}

/// The value of an attribute as text, without its type.
pub(super) fn plain(value: &Value) -> String {
    let inner = value.as_object().and_then(|typed| typed.values().next());
    inner.map_or_else(String::new, |inner| inner.as_str().map_or_else(|| inner.to_string(), str::to_owned))
}

/// The values of a key with spaces between them.
pub(super) fn key_text(keys: &[String], item: &Value) -> String {
    keys.iter().map(|key| plain(&item[key])).collect::<Vec<_>>().join(" ")
}
