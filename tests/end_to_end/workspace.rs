//! A simulated workspace as a process of its own, which outlives the connector when that is killed.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::secrets::KEY;

pub(crate) struct SimProcess {
    pub(crate) url: String,
    client: reqwest::Client,
    process: Process,
    _directory: TempDir,
}

/// Each test has a runtime of its own, and a connection ends with the runtime that opened it. So this client, which several tests share,
/// keeps no connections.
pub(crate) fn client_for_all() -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

impl SimProcess {
    pub(crate) async fn start(settle: &str) -> Self {
        Self::start_at("127.0.0.1:0", settle).await
    }

    /// Does the same, at a given address.
    pub(crate) async fn start_at(listen: &str, settle: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let arguments = ["sim", "--listen", listen, "--settle", settle, "--api-key", KEY];
        let mut process = Process::start(&arguments, &[], &directory.path().join("said"));
        let url = process.address("answers at ").await;
        Self { url, client: client_for_all(), process, _directory: directory }
    }

    /// Everything that it has written.
    pub(crate) fn said(&self) -> String {
        self.process.said()
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request =
            request.bearer_auth(KEY).header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Gives the workspace a command, as the brand's own systems do.
    pub(crate) async fn command(&self, path: &str, body: &Value) {
        self.send(reqwest::Method::POST, path, body).await;
    }

    pub(crate) async fn add_profiles(&self, profiles: Vec<Value>) {
        self.send(reqwest::Method::POST, "/_sim/profiles", &json!({ "profiles": profiles })).await;
    }

    pub(crate) async fn fault(&self, fault: Value) {
        self.send(reqwest::Method::POST, "/_sim/faults", &fault).await;
    }

    /// How many requests have met a fault, including those that are not answered yet.
    pub(crate) async fn faults_met(&self) -> u64 {
        let state = self.send(reqwest::Method::GET, "/_sim/faults", &Value::Null).await;
        state["faults"].as_array().unwrap().iter().filter_map(|fault| fault["met"].as_u64()).sum()
    }

    pub(crate) async fn set_limits(&self, limits: Value) {
        self.send(reqwest::Method::PUT, "/_sim/limits", &limits).await;
    }

    pub(crate) async fn accept_keys(&self, keys: &[&str]) {
        self.send(reqwest::Method::PUT, "/_sim/keys", &json!({ "keys": keys })).await;
    }

    /// Withholds permissions from every key from now on.
    pub(crate) async fn withhold(&self, permissions: &[&str]) {
        self.send(reqwest::Method::PUT, "/_sim/permissions", &json!({ "withheld": permissions })).await;
    }

    /// Every profile, once nothing is pending any more.
    pub(crate) async fn profiles(&self) -> Vec<Value> {
        testkit::eventually_async("everything has settled", std::time::Duration::from_secs(60), async || {
            let state = self.send(reqwest::Method::GET, "/_sim/profiles", &Value::Null).await;
            (state["pending_objects"] == 0).then(|| state["profiles"].as_array().unwrap().clone())
        })
        .await
    }

    /// Subscribes numbers at once, without settling.
    pub(crate) async fn subscribed(&self, group: &str, phones: &[String]) {
        let entry =
            json!({ "subscription_group_id": group, "subscription_state": "subscribed", "phones": phones });
        self.send(reqwest::Method::POST, "/_sim/subscriptions", &json!({ "subscription_groups": [entry] }))
            .await;
    }

    /// The numbers' states, the states without a profile, and the prompts.
    pub(crate) async fn subscriptions(&self) -> Value {
        self.send(reqwest::Method::GET, "/_sim/subscriptions", &Value::Null).await
    }

    /// Makes an event of this name ask the consumer to confirm.
    pub(crate) async fn asks_by_event(&self, event: &str, group: &str) {
        let body = json!({ "event": event, "subscription_group_id": group });
        self.send(reqwest::Method::PUT, "/_sim/double_opt_in", &body).await;
    }

    /// Makes these the groups of e-mail addresses.
    pub(crate) async fn has_email_groups(&self, groups: &[&str]) {
        self.send(reqwest::Method::PUT, "/_sim/email_groups", &json!({ "groups": groups })).await;
    }

    /// Follows the link of a mail that asks to confirm. Returns whether there was such a mail.
    pub(crate) async fn confirms(&self, email: &str) -> bool {
        let body = json!({ "email": email });
        self.send(reqwest::Method::POST, "/_sim/confirmations", &body).await["confirmed"] == true
    }

    /// Records the consumer's answer. Returns whether there was a prompt.
    pub(crate) async fn replies_yes(&self, phone: &str) -> bool {
        let body = json!({ "phone": phone, "text": "Y" });
        self.send(reqwest::Method::POST, "/_sim/replies", &body).await["confirmed"] == true
    }

    /// How many requests an endpoint has answered, with any status.
    pub(crate) async fn requests(&self, endpoint: &str) -> u64 {
        let requests = self.send(reqwest::Method::GET, "/_sim/requests", &Value::Null).await;
        let by_status = requests["answered"][format!("{} {endpoint}", method(endpoint))]
            .as_object()
            .cloned()
            .unwrap_or_default();
        by_status.values().filter_map(Value::as_u64).sum()
    }

    pub(crate) async fn status_count(&self, endpoint: &str, status: u16) -> u64 {
        let requests = self.send(reqwest::Method::GET, "/_sim/requests", &Value::Null).await;
        requests["answered"][format!("{} {endpoint}", method(endpoint))][status.to_string()]
            .as_u64()
            .unwrap_or(0)
    }
}

fn method(endpoint: &str) -> &'static str {
    if endpoint.ends_with("/get") { "GET" } else { "POST" }
}
