//! A proxy between AWS's clients and the emulator. It records every call, and counts write units as DynamoDB does.
//!
//! A write costs a unit for each kilobyte of the item, twice that in a transaction, and a unit for every index entry that is added, removed
//! or changed. An entry that moves costs two (DynamoDB, on-demand capacity and global secondary indexes).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// The largest body that is passed on, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

type Index = (&'static str, [&'static str; 2], Option<&'static [&'static str]>);

/// The definition of each index: the ending of the table's name, the keys, and the other attributes of an entry; `None` means all.
const INDEXES: [Index; 4] = [
    ("participations", ["due_shard", "due_at"], Some(&["brand"])),
    ("participations", ["award_due_shard", "award_due_at"], Some(&["brand"])),
    ("participations", ["listed", "arrival"], Some(&[])),
    ("notices", ["due_shard", "due_at"], None),
];

/// One call of a service.
#[derive(Debug, Clone)]
pub struct Call {
    /// The name that the caller gives itself (`AWS_SDK_UA_APP_ID`).
    pub by: String,
    /// The service and action, as policies name them.
    pub action: String,
    /// The table, index, queue or path; the parameters with spaces between them.
    pub resource: String,
    /// The write units that DynamoDB bills.
    pub write_units: u64,
    /// The read units that DynamoDB bills: one for an item, half of one for an eventually consistent query. No item of ours exceeds 4 KB.
    pub read_units: f64,
}

/// The calls so far.
#[derive(Clone)]
pub struct Recorder {
    url: String,
    emulator: String,
    client: reqwest::Client,
    calls: Arc<Mutex<Vec<Call>>>,
    /// How many more transactions may pass.
    transactions: Arc<AtomicUsize>,
    /// How many more writes of one item conflict with a transaction.
    conflicts: Arc<AtomicUsize>,
    /// How many more calls of the Parameter Store are throttled.
    throttled: Arc<AtomicUsize>,
    /// A parameter that the caller may not read.
    denied: Arc<Mutex<Option<String>>>,
    /// How many more puts take effect without an answer to their caller.
    lost: Arc<AtomicUsize>,
}

/// A write to one item.
struct ItemWrite {
    table: String,
    key: Value,
    action: &'static str,
}

impl Recorder {
    /// Starts a recorder in front of an emulator.
    ///
    /// # Panics
    /// When no port is free, which ends the test.
    #[expect(clippy::expect_used, reason = "a test ends where it fails")]
    pub fn before(emulator: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("a port"));
        let client = reqwest::Client::new();
        let recorder = Self {
            url,
            emulator: emulator.to_owned(),
            client,
            calls: Arc::default(),
            transactions: Arc::new(AtomicUsize::new(usize::MAX)),
            conflicts: Arc::default(),
            throttled: Arc::default(),
            denied: Arc::default(),
            lost: Arc::default(),
        };
        let router = Router::new().fallback(pass_on).with_state(recorder.clone());
        // The recorder has a runtime of its own, because it outlives the test that started it.
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                axum::serve(TcpListener::from_std(listener).expect("a port"), router).await
            })
        });
        recorder
    }

    /// The URL at which it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets this many more transactions pass. Later ones are refused, as by an overloaded service.
    pub fn let_through(&self, transactions: usize) {
        self.transactions.store(transactions, Ordering::SeqCst);
    }

    /// Throttles this many calls of the Parameter Store.
    pub fn throttle(&self, calls: usize) {
        self.throttled.store(calls, Ordering::SeqCst);
    }

    /// Denies the caller a parameter, and with it every call that names it (IAM).
    pub fn deny(&self, parameter: &str) {
        *self.denied.lock() = Some(parameter.to_owned());
    }

    /// Why a call of the Parameter Store fails.
    fn refuses(&self, target: &str, body: &Value) -> Option<&'static str> {
        let one_less = |left: usize| left.checked_sub(1);
        if !target.starts_with("AmazonSSM.") {
            return None;
        }
        if self.throttled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Some("ThrottlingException");
        }
        let denied = self.denied.lock();
        let names = body["Names"].as_array().into_iter().flatten();
        names
            .filter_map(Value::as_str)
            .any(|name| denied.as_deref() == Some(name))
            .then_some("AccessDeniedException")
    }

    /// Makes this many writes of one item conflict with a transaction.
    pub fn conflict_with(&self, writes: usize) {
        self.conflicts.store(writes, Ordering::SeqCst);
    }

    /// Loses the answers to this many puts of one item.
    pub fn lose_answers_to(&self, puts: usize) {
        self.lost.store(puts, Ordering::SeqCst);
    }

    fn loses_answer(&self, target: &str) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        target.ends_with(".PutItem")
            && self.lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
    }

    fn conflicts(&self, target: &str) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        (target.ends_with(".UpdateItem") || target.ends_with(".PutItem"))
            && self.conflicts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
    }

    /// Whether this call may pass.
    fn lets_through(&self, target: &str) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        !target.ends_with("TransactWriteItems")
            || self.transactions.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
    }

    /// The calls since the last call of this method.
    #[must_use]
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock())
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().clone()
    }

    async fn dynamo(&self, action: &str, body: &Value) -> Value {
        let request =
            self.client.post(&self.emulator).header("x-amz-target", format!("DynamoDB_20120810.{action}"));
        // The emulator reads the region from here, and checks no signature.
        let named = "AWS4-HMAC-SHA256 Credential=emulated/20200101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
        let request = request.header("authorization", named);
        let request = request.header("content-type", "application/x-amz-json-1.0").body(body.to_string());
        let Ok(response) = request.send().await else { return Value::Null };
        response.bytes().await.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    async fn item(&self, write: &ItemWrite) -> Option<Value> {
        let body = json!({ "TableName": write.table, "Key": write.key, "ConsistentRead": true });
        self.dynamo("GetItem", &body).await.get("Item").cloned()
    }
}

async fn pass_on(State(recorder): State<Recorder>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return http::StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let by =
        header("user-agent").split(' ').find_map(|word| word.strip_prefix("app/")).unwrap_or("").to_owned();
    let read: Value = serde_json::from_slice(&body).unwrap_or_default();
    let target = header("x-amz-target");
    if !recorder.lets_through(target) {
        return http::StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if recorder.conflicts(target) {
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
        let body = json!({ "__type": kind, "message": "Transaction is ongoing for the item" });
        return (http::StatusCode::BAD_REQUEST, body.to_string()).into_response();
    }
    if let Some(kind) = recorder.refuses(target, &read) {
        let body = json!({ "__type": kind, "message": "refused" });
        return (http::StatusCode::BAD_REQUEST, body.to_string()).into_response();
    }
    let writes = writes(target, &read);
    let mut before = Vec::with_capacity(writes.len());
    for write in &writes {
        before.push(recorder.item(write).await);
    }
    let url = format!("{}{}", recorder.emulator, head.uri);
    let passed = recorder.client.request(head.method.clone(), url).headers(head.headers.clone()).body(body);
    let Ok(answer) = passed.send().await else { return http::StatusCode::BAD_GATEWAY.into_response() };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let answered = answer.bytes().await.unwrap_or_default();
    let mut calls = Vec::new();
    for (write, before) in writes.iter().zip(before) {
        let after = recorder.item(write).await;
        let doubled = if target.ends_with("TransactWriteItems") { 2 } else { 1 };
        let write_units = units(&write.table, before.as_ref(), after.as_ref(), doubled);
        let action = format!("dynamodb:{}", write.action);
        calls.push(Call {
            by: by.clone(),
            action,
            resource: write.table.clone(),
            write_units,
            read_units: 0.0,
        });
    }
    if writes.is_empty() {
        let (action, resource) = other(target, &head.uri, &read);
        calls.push(Call { by, action, resource, write_units: 0, read_units: read_units(target, &read) });
    }
    recorder.calls.lock().extend(calls);
    if recorder.loses_answer(target) {
        return http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    (status, headers, answered).into_response()
}

/// The writes of a call, one for each item.
fn writes(target: &str, body: &Value) -> Vec<ItemWrite> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let put = |one: &Value, action| ItemWrite {
        table: text(&one["TableName"]),
        key: key_of(&text(&one["TableName"]), &one["Item"]),
        action,
    };
    let keyed =
        |one: &Value, action| ItemWrite { table: text(&one["TableName"]), key: one["Key"].clone(), action };
    match target.rsplit('.').next().unwrap_or_default() {
        "PutItem" => vec![put(body, "PutItem")],
        "UpdateItem" => vec![keyed(body, "UpdateItem")],
        "DeleteItem" => vec![keyed(body, "DeleteItem")],
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().into_iter().flatten();
            items
                .map(|item| {
                    if let Some(one) = item.get("Put") {
                        put(one, "PutItem")
                    } else if let Some(one) = item.get("Update") {
                        keyed(one, "UpdateItem")
                    } else {
                        keyed(&item["Delete"], "DeleteItem")
                    }
                })
                .collect()
        }
        "BatchWriteItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            let of_table = |(table, writes): (&String, &Value)| {
                let items = writes.as_array().cloned().unwrap_or_default();
                let item = move |(table, write): (String, Value)| ItemWrite {
                    key: key_of(&table, &write["PutRequest"]["Item"]),
                    table,
                    action: "BatchWriteItem",
                };
                items.into_iter().map(|write| (table.clone(), write)).map(item).collect::<Vec<_>>()
            };
            tables.flat_map(of_table).collect()
        }
        _ => Vec::new(),
    }
}

/// The attributes of an item that are its table's keys.
fn key_of(table: &str, item: &Value) -> Value {
    let keys: &[&str] = match table.rsplit('-').next().unwrap_or_default() {
        "ledgers" => &["ledger", "line"],
        "profiles" => &["contact"],
        "limits" => &["lane"],
        "brands" => &["name"],
        _ => &["id"],
    };
    Value::Object(keys.iter().map(|key| ((*key).to_owned(), item[*key].clone())).collect::<Map<_, _>>())
}

/// The cost of a write that turned one item into another.
fn units(table: &str, before: Option<&Value>, after: Option<&Value>, doubled: u64) -> u64 {
    let size = |item: Option<&Value>| item.map_or(0, |item| item.to_string().len() as u64);
    let mut units = size(before).max(size(after)).div_ceil(1_024).max(1) * doubled;
    for (_, keys, shown) in INDEXES.iter().filter(|(of, ..)| table.ends_with(of)) {
        let entry = |item: Option<&Value>| {
            let item = item?;
            let key: Option<Vec<Value>> = keys.iter().map(|key| item.get(*key).cloned()).collect();
            let rest = match shown {
                Some(shown) => shown.iter().map(|name| item[*name].clone()).collect(),
                None => vec![item.clone()],
            };
            Some((key?, rest))
        };
        units += match (entry(before), entry(after)) {
            (None, None) => 0,
            (Some(_), None) | (None, Some(_)) => 1,
            (Some(before), Some(after)) if before == after => 0,
            (Some((before, _)), Some((after, _))) if before == after => 1,
            (Some(_), Some(_)) => 2,
        };
    }
    units
}

fn read_units(target: &str, body: &Value) -> f64 {
    let consistent = body["ConsistentRead"] == true;
    match target.rsplit('.').next().unwrap_or_default() {
        "GetItem" | "Query" | "Scan" => {
            if consistent {
                1.0
            } else {
                0.5
            }
        }
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            let keys =
                tables.filter_map(|(_, wanted)| wanted["Keys"].as_array()).map(Vec::len).sum::<usize>();
            u32::try_from(keys).map_or(f64::INFINITY, f64::from)
        }
        _ => 0.0,
    }
}

/// A call that writes no item, in the words of policies.
fn other(target: &str, uri: &http::Uri, body: &Value) -> (String, String) {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (service, action) = target.split_once('.').unwrap_or_default();
    match service {
        "AmazonSQS" => {
            let action = action.trim_end_matches("Batch");
            let queue = text("QueueUrl").rsplit('/').next().unwrap_or_default().to_owned();
            (format!("sqs:{action}"), queue)
        }
        "AmazonSSM" => {
            let names = body["Names"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let named: Vec<&str> = body["Name"].as_str().into_iter().chain(names).collect();
            (format!("ssm:{action}"), named.join(" "))
        }
        "" => ("scheduler".to_owned(), uri.path().to_owned()),
        _ => {
            let index = body["IndexName"].as_str().map(|index| format!("/index/{index}")).unwrap_or_default();
            let batch = body["RequestItems"].as_object().and_then(|tables| tables.keys().next().cloned());
            (format!("dynamodb:{action}"), batch.unwrap_or_else(|| text("TableName")) + &index)
        }
    }
}
