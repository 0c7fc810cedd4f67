//! A simulated workspace as a process of its own: it outlives the connector that is killed beside it.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;

/// The API key of the simulated workspace.
pub(crate) const KEY: &str = "sim-0f9e8d7c6b5a";

pub(crate) struct Workspace {
    pub(crate) url: String,
    client: reqwest::Client,
    _process: Process,
    _directory: TempDir,
}

impl Workspace {
    pub(crate) async fn start(settle: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let arguments = ["sim", "--listen", "127.0.0.1:0", "--settle", settle, "--api-key", KEY];
        let mut process = Process::start(&arguments, &[], &directory.path().join("said"));
        let url = process.address("answers at ").await;
        Self { url, client: reqwest::Client::new(), _process: process, _directory: directory }
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn add_profiles(&self, profiles: Vec<Value>) {
        self.send(reqwest::Method::POST, "/_sim/profiles", &json!({ "profiles": profiles })).await;
    }

    pub(crate) async fn fault(&self, fault: Value) {
        self.send(reqwest::Method::POST, "/_sim/faults", &fault).await;
    }

    pub(crate) async fn set_limits(&self, limits: Value) {
        self.send(reqwest::Method::PUT, "/_sim/limits", &limits).await;
    }

    pub(crate) async fn accept_keys(&self, keys: &[&str]) {
        self.send(reqwest::Method::PUT, "/_sim/keys", &json!({ "keys": keys })).await;
    }

    /// Every profile, once nothing is pending any more.
    pub(crate) async fn profiles(&self) -> Vec<Value> {
        tests::eventually_async("everything has settled", std::time::Duration::from_secs(20), async || {
            let state = self.send(reqwest::Method::GET, "/_sim/profiles", &Value::Null).await;
            (state["pending_objects"] == 0).then(|| state["profiles"].as_array().unwrap().clone())
        })
        .await
    }

    /// How many requests an endpoint answered, with whatever status.
    pub(crate) async fn requests(&self, endpoint: &str) -> u64 {
        let requests = self.send(reqwest::Method::GET, "/_sim/requests", &Value::Null).await;
        let by_status =
            requests["answered"][format!("POST {endpoint}")].as_object().cloned().unwrap_or_default();
        by_status.values().filter_map(Value::as_u64).sum()
    }

    pub(crate) async fn status_count(&self, endpoint: &str, status: u16) -> u64 {
        let requests = self.send(reqwest::Method::GET, "/_sim/requests", &Value::Null).await;
        requests["answered"][format!("POST {endpoint}")][status.to_string()].as_u64().unwrap_or(0)
    }
}
