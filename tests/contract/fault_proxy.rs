//! The fault proxy itself: its limits, faults, lagging indexes and counts, by direct calls without our own code.

use std::sync::Arc;
use std::time::Duration;

use memory::TestClock;
use serde_json::{Value, json};
use testkit::emulator::{endpoint, prefix};
use testkit::fault_proxy::{CallFault, FaultPlan, FaultProxy, LimitCounts, Quotas, Strike};
use testkit::start;

/// A client of the proxy, and a table `id` with an index `due` by `due_shard` and `at`.
struct Direct {
    proxy: FaultProxy,
    client: reqwest::Client,
    table: String,
}

impl Direct {
    async fn by(plan: FaultPlan) -> Self {
        Self::before(FaultProxy::with(endpoint().await, 3, plan)).await
    }

    /// With a clock that stands still.
    async fn timed(plan: FaultPlan) -> (Self, Arc<TestClock>) {
        let clock = Arc::new(TestClock::at(start()));
        let proxy = FaultProxy::by(clock.clone(), endpoint().await, 3, plan);
        (Self::before(proxy).await, clock)
    }

    async fn before(proxy: FaultProxy) -> Self {
        let direct = Self { proxy, client: reqwest::Client::new(), table: prefix() };
        let attribute = |name: &str, kind: &str| json!({ "AttributeName": name, "AttributeType": kind });
        let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let made = json!({
            "TableName": direct.table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [attribute("id", "S"), attribute("due_shard", "N"), attribute("at", "N")],
            "KeySchema": [key("id", "HASH")],
            "GlobalSecondaryIndexes": [{
                "IndexName": "due",
                "KeySchema": [key("due_shard", "HASH"), key("at", "RANGE")],
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            }],
        });
        assert_eq!(direct.dynamo("CreateTable", &made).await.0, 200);
        direct
    }

    async fn call(&self, target: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(self.proxy.url()).header("x-amz-target", target);
        let named = "AWS4-HMAC-SHA256 Credential=emulated/20200101/us-east-1/any/aws4_request, SignedHeaders=host, Signature=0";
        let request =
            request.header("authorization", named).header("content-type", "application/x-amz-json-1.0");
        let answer =
            request.header("amz-sdk-request", "attempt=1; max=3").body(body.to_string()).send().await;
        // A connection that breaks has no status.
        let Ok(answer) = answer else { return (0, Value::Null) };
        let status = answer.status().as_u16();
        let Ok(text) = answer.bytes().await else { return (0, Value::Null) };
        (status, serde_json::from_slice(&text).unwrap_or_default())
    }

    async fn dynamo(&self, action: &str, body: &Value) -> (u16, Value) {
        self.call(&format!("DynamoDB_20120810.{action}"), body).await
    }

    async fn put(&self, id: &str, at: u32) -> (u16, Value) {
        let item = json!({ "id": { "S": id }, "due_shard": { "N": "3" }, "at": { "N": at.to_string() } });
        self.dynamo("PutItem", &json!({ "TableName": self.table, "Item": item })).await
    }

    async fn is_stored(&self, id: &str) -> bool {
        let key = json!({ "TableName": self.table, "Key": { "id": { "S": id } }, "ConsistentRead": true });
        self.dynamo("GetItem", &key).await.1.get("Item").is_some()
    }

    /// The times that the index shows.
    async fn indexed(&self) -> Vec<String> {
        let query = json!({
            "TableName": self.table,
            "IndexName": "due",
            "KeyConditionExpression": "due_shard = :shard",
            "ExpressionAttributeValues": { ":shard": { "N": "3" } },
        });
        let found = self.dynamo("Query", &query).await.1;
        let items = found["Items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["at"]["N"].as_str().unwrap().to_owned()).collect()
    }

    fn arrange(&self, fault: CallFault) {
        self.proxy.arrange(Strike { fault, actions: &["PutItem"], after: 0, times: 1 });
    }
}

fn kind(answer: &Value) -> &str {
    answer["__type"].as_str().unwrap_or_default().rsplit('#').next().unwrap_or_default()
}

#[tokio::test]
async fn a_refused_call_does_nothing_and_a_lost_answer_belongs_to_a_call_that_was_done() {
    let direct = Direct::by(FaultPlan::none()).await;
    direct.arrange(CallFault::Throttled);
    let (status, answer) = direct.put("throttled", 1).await;
    assert_eq!((status, kind(&answer)), (400, "ProvisionedThroughputExceededException"));
    direct.arrange(CallFault::Failed);
    assert_eq!(direct.put("failed", 1).await.0, 500);
    direct.arrange(CallFault::Conflict);
    let (status, answer) = direct.put("conflict", 1).await;
    assert_eq!((status, kind(&answer)), (400, "TransactionConflictException"));
    direct.arrange(CallFault::Lost);
    assert_eq!(direct.put("lost", 1).await.0, 500);
    direct.arrange(CallFault::Broken);
    assert_eq!(direct.put("broken", 1).await.0, 0, "the connection breaks");
    assert_eq!(direct.put("done", 1).await.0, 200);
    for (id, stored) in
        [("throttled", false), ("failed", false), ("conflict", false), ("lost", true), ("broken", true)]
    {
        assert_eq!(direct.is_stored(id).await, stored, "{id}");
    }
}

#[tokio::test]
async fn a_transaction_is_cancelled_whole_with_a_reason_for_each_item() {
    let direct = Direct::by(FaultPlan::none()).await;
    let put = |id: &str| json!({ "Put": { "TableName": direct.table, "Item": { "id": { "S": id } } } });
    let both = json!({ "TransactItems": [put("one"), put("two")] });
    for (fault, code) in
        [(CallFault::Conflict, "TransactionConflict"), (CallFault::PartThrottled, "ThrottlingError")]
    {
        direct.proxy.arrange(Strike { fault, actions: &[], after: 0, times: 1 });
        let (status, answer) = direct.dynamo("TransactWriteItems", &both).await;
        assert_eq!((status, kind(&answer)), (400, "TransactionCanceledException"));
        let codes: Vec<_> =
            answer["CancellationReasons"].as_array().unwrap().iter().map(|one| &one["Code"]).collect();
        assert_eq!(codes, [code, "None"]);
    }
    assert!(!direct.is_stored("one").await && !direct.is_stored("two").await);
}

#[tokio::test]
async fn of_a_batch_half_may_be_left_to_be_asked_for_again() {
    let direct = Direct::by(FaultPlan::none()).await;
    let put = |id: &str| json!({ "PutRequest": { "Item": { "id": { "S": id } } } });
    direct.proxy.arrange(Strike { fault: CallFault::Partial, actions: &[], after: 0, times: 2 });
    let wanted = json!({ "RequestItems": { direct.table.clone(): [put("one"), put("two")] } });
    let (_, written) = direct.dynamo("BatchWriteItem", &wanted).await;
    assert_eq!(written["UnprocessedItems"], json!({ direct.table.clone(): [put("two")] }));
    assert!(direct.is_stored("one").await && !direct.is_stored("two").await);
    let keys = json!([{ "id": { "S": "two" } }, { "id": { "S": "one" } }]);
    let wanted = json!({ "RequestItems": { direct.table.clone(): { "Keys": keys } } });
    let (_, read) = direct.dynamo("BatchGetItem", &wanted).await;
    assert_eq!(read["Responses"][&direct.table], json!([]));
    assert_eq!(read["UnprocessedKeys"][&direct.table]["Keys"], json!([{ "id": { "S": "one" } }]));
}

#[tokio::test]
async fn an_index_shows_a_write_after_its_lag_and_the_table_at_once() {
    let held = FaultPlan { indexes_held: true, ..FaultPlan::none() };
    let direct = Direct::by(held.clone()).await;
    direct.put("one", 1).await;
    direct.put("two", 2).await;
    assert_eq!(direct.indexed().await, Vec::<String>::new());
    assert!(direct.is_stored("one").await);
    direct.proxy.indexes_catch_up().await;
    assert_eq!(direct.indexed().await, ["1", "2"]);
    direct.put("one", 3).await;
    assert_eq!(direct.indexed().await, ["1", "2"], "the entry has not moved yet");
    direct.proxy.follow(FaultPlan { indexes_held: false, indexes_lag_ms: 200, ..held });
    direct.put("two", 4).await;
    let moved = testkit::eventually_async("the index shows the write", Duration::from_secs(10), async || {
        Some(direct.indexed().await).filter(|shown| shown.contains(&"4".to_owned()))
    });
    assert_eq!(moved.await, ["1", "4"], "what was written while it was held waits for the word");
    direct.proxy.indexes_catch_up().await;
    assert_eq!(direct.indexed().await, ["3", "4"]);
}

#[tokio::test]
async fn units_are_counted_by_key_and_a_key_without_any_left_is_throttled_until_they_come_back() {
    let quotas = Quotas { write_units: Some(4), ..Quotas::default() };
    let (direct, clock) = Direct::timed(FaultPlan { quotas, ..FaultPlan::none() }).await;
    assert_eq!(direct.put("one", 1).await.0, 200);
    assert_eq!(direct.put("one", 2).await.0, 200);
    let counts = direct.proxy.take_counts();
    let (item, index) = (format!("{} one", direct.table), format!("{}/due 3", direct.table));
    assert_eq!((counts.write_units[&item], counts.write_units[&index]), (2.0, 3.0), "put in, moved");
    assert_eq!(direct.put("one", 3).await.0, 200, "a limit may be exceeded by one call");
    let (status, answer) = direct.put("two", 1).await;
    assert_eq!(
        (status, kind(&answer)),
        (400, "ProvisionedThroughputExceededException"),
        "the key of the index"
    );
    clock.advance(Duration::from_secs(1));
    assert_eq!(direct.put("two", 1).await.0, 200, "units have come back");
}

#[tokio::test]
async fn a_fifo_queue_takes_so_many_calls_and_the_parameter_store_so_many() {
    let quotas = Quotas { fifo_calls: Some(2), parameter_calls: Some(2), ..Quotas::default() };
    let (direct, clock) = Direct::timed(FaultPlan { quotas, ..FaultPlan::none() }).await;
    let name = format!("{}.fifo", direct.table);
    let made = json!({ "QueueName": name, "Attributes": { "FifoQueue": "true" } });
    let url = direct.call("AmazonSQS.CreateQueue", &made).await.1["QueueUrl"].clone();
    let send = async |number: u32, group: &str| {
        let body = json!({ "QueueUrl": url, "MessageBody": "m", "MessageGroupId": group, "MessageDeduplicationId": number.to_string() });
        direct.call("AmazonSQS.SendMessage", &body).await
    };
    assert_eq!((send(1, "acme").await.0, send(2, "zest").await.0), (200, 200));
    let (status, answer) = send(3, "acme").await;
    assert_eq!((status, kind(&answer)), (400, "RequestThrottled"));
    clock.advance(Duration::from_millis(600));
    assert_eq!(send(3, "acme").await.0, 200, "a half of them has come back");
    let counts = direct.proxy.take_counts();
    assert_eq!(counts.sends[&name], 3.0);
    assert_eq!(counts.sends_of_groups[&format!("{name} acme")], 2.0);
    let read = async || direct.call("AmazonSSM.GetParameters", &json!({ "Names": ["/none"] })).await;
    assert_eq!((read().await.0, read().await.0), (200, 200));
    assert_eq!(kind(&read().await.1), "ThrottlingException");
}

#[tokio::test]
async fn a_function_whose_environments_are_busy_takes_no_request() {
    let function = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", function.local_addr().unwrap());
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let finish = std::sync::Arc::new(tokio::sync::Notify::new());
    let finished = finish.clone();
    let work = move || {
        let (started, finished) = (started.clone(), finished.clone());
        async move {
            started.send(()).unwrap();
            finished.notified().await;
        }
    };
    tokio::spawn(async move { axum::serve(function, axum::Router::new().fallback(work)).await });
    let quotas = Quotas { environments: Some(1), ..Quotas::default() };
    let proxy = FaultProxy::with(&url, 1, FaultPlan { quotas, ..FaultPlan::none() });
    let client = reqwest::Client::new();
    let ask = || client.get(proxy.url()).header("host", "f.lambda-url.us-east-1.on.aws").send();
    let first = tokio::spawn(ask());
    starts.recv().await.unwrap();
    assert_eq!(ask().await.unwrap().status(), 429);
    finish.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    finish.notify_one();
    assert_eq!(ask().await.unwrap().status(), 200, "the environment is free again");
}

#[tokio::test]
async fn the_same_seed_draws_the_same_faults() {
    let statuses = async |seed: u64| {
        let plan = FaultPlan { spares_last_attempts: true, indexes_lag_ms: 0, ..FaultPlan::strong() };
        let direct = Direct {
            proxy: FaultProxy::with(endpoint().await, seed, plan),
            ..Direct::by(FaultPlan::none()).await
        };
        let mut statuses = Vec::new();
        for number in 0..40 {
            statuses.push(direct.put(&number.to_string(), number).await.0);
        }
        statuses
    };
    let first = statuses(1).await;
    assert!(
        first.contains(&200) && first.contains(&400) && first.contains(&500) && first.contains(&0),
        "{first:?}"
    );
    assert_eq!(statuses(1).await, first);
    assert_ne!(statuses(2).await, first);
}

#[tokio::test]
async fn the_plan_is_switched_and_the_counts_are_read_over_http() {
    let direct = Direct::by(FaultPlan::none()).await;
    let at = |path: &str| format!("{}{path}", direct.proxy.url());
    let put = async |plan: &str| {
        direct.client.put(at("/__plan")).body(plan.to_owned()).send().await.unwrap().status().as_u16()
    };
    assert_eq!(put(r#"{ "failed": 1.0, "quotas": { "fifo_calls": 300 } }"#).await, 204);
    assert_eq!(direct.put("one", 1).await.0, 500);
    assert_eq!(put(r#"{ "faild": 1.0 }"#).await, 400, "a field that does not exist");
    let counts = direct.client.get(at("/__counts")).send().await.unwrap().bytes().await.unwrap();
    let counts: LimitCounts = serde_json::from_slice(&counts).unwrap();
    assert_eq!(counts.struck["failed"], 1);
    let plan = direct.client.get(at("/__plan")).send().await.unwrap().bytes().await.unwrap();
    let plan: FaultPlan = serde_json::from_slice(&plan).unwrap();
    assert_eq!((plan.failed, plan.quotas.fifo_calls), (1.0, Some(300)));
}
