//! The connector as a process, and a client that speaks in verbs of its API.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::eventually_async;

use crate::process::{Process, write};
use crate::workspace::{KEY, Workspace};

/// The environment variable that holds the brand's key.
const KEY_VARIABLE: &str = "ACME_BRAZE_API_KEY";

pub(crate) struct Server {
    pub(crate) url: String,
    client: reqwest::Client,
    process: Option<Process>,
    directory: TempDir,
}

/// A brand of which a test says only what matters to it.
pub(crate) struct Brand<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) braze: &'a str,
    pub(crate) email: &'a str,
    pub(crate) sms: &'a str,
}

impl<'a> Brand<'a> {
    pub(crate) fn at(workspace: &'a Workspace) -> Self {
        Self {
            endpoint: &workspace.url,
            braze: "",
            email: "attributes = { quikly_participant = true }",
            sms: "",
        }
    }

    fn file(&self) -> String {
        let Self { endpoint, braze, email, sms } = self;
        let sms = if sms.is_empty() { String::new() } else { format!("[activation.sms]\n{sms}\n") };
        let activation = |scope: &str, opens: &str, closes: &str| {
            format!(
                "[[activation]]\nscope = \"{scope}\"\nopens = {opens}\ncloses = {closes}\n[activation.email]\n{email}\n{sms}"
            )
        };
        let (past, future) = ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
        let activations = [
            activation("spring", past, future),
            activation("summer", past, future),
            activation("over", past, "2021-01-01T00:00:00Z"),
            activation("later", "2099-01-01T00:00:00Z", future),
        ];
        let key = format!("api_key = {{ env = \"{KEY_VARIABLE}\" }}");
        format!("id = \"acme\"\n[braze]\nendpoint = \"{endpoint}\"\n{key}\n{braze}\n{}", activations.concat())
    }
}

impl Server {
    pub(crate) async fn start(brand: &Brand<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        write(&directory.path().join("brands/acme.toml"), &brand.file());
        let url = String::new();
        let mut server = Self { url, client: reqwest::Client::new(), process: None, directory };
        server.run("127.0.0.1:0").await;
        server
    }

    async fn run(&mut self, listen: &str) {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let (brands, data) = (path("brands"), path("data.sqlite"));
        let arguments = ["serve", "--brands", &brands, "--data", &data, "--listen", listen];
        let mut process = Process::start(&arguments, &[(KEY_VARIABLE, KEY)], &self.output());
        self.url = process.address("Taking participations at ").await;
        self.process = Some(process);
        eventually_async("health", Duration::from_secs(10), async || {
            self.client.get(format!("{}/healthz", self.url)).send().await.ok()
        })
        .await;
    }

    fn output(&self) -> PathBuf {
        self.directory.path().join("said")
    }

    /// `kill -9`, then a new process on the same file and port.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.process.take().unwrap().kill();
        let listen = self.url.trim_start_matches("http://").to_owned();
        // Everything said so far names the same address; the new process must say it again.
        std::fs::rename(self.output(), self.directory.path().join("said-before")).unwrap();
        self.run(&listen).await;
    }

    /// Everything the process has said.
    pub(crate) fn said(&self) -> String {
        self.process.as_ref().unwrap().said()
    }

    pub(crate) async fn terminate(mut self) -> std::process::ExitStatus {
        self.process.take().unwrap().terminate().await
    }

    /// Sends any request; status, content type and body come back.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> (u16, String, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url)).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let declared = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let body = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null);
        (status, declared.unwrap_or_default(), body)
    }

    /// Takes part; the id, or `None` when the server could not be reached.
    async fn try_to_take_part(&self, body: &Value) -> Option<String> {
        let request = self.client.post(format!("{}/participations", self.url));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.ok()?;
        if response.status().as_u16() == 503 {
            return None;
        }
        assert_eq!(response.status().as_u16(), 202);
        let body: Value = serde_json::from_slice(&response.bytes().await.ok()?).unwrap();
        Some(body["id"].as_str().unwrap().to_owned())
    }

    async fn accepted(&self, body: &Value) -> String {
        eventually_async("a 202", Duration::from_secs(20), async || self.try_to_take_part(body).await).await
    }

    pub(crate) async fn take_part(&self, scope: &str, email: &str) -> String {
        self.accepted(&json!({ "scope": scope, "email": email })).await
    }

    pub(crate) async fn take_part_by_phone(&self, scope: &str, phone: &str, email: Option<&str>) -> String {
        self.accepted(&json!({ "scope": scope, "phone": phone, "email": email, "consent": true })).await
    }

    pub(crate) async fn show(&self, id: &str) -> Value {
        self.send("GET", &format!("/participations/{id}"), None, Vec::new()).await.2
    }

    /// Waits until a participation is in `state`.
    pub(crate) async fn reaches(&self, id: &str, state: &str, within: Duration) -> Value {
        let what = format!("participation {id} is {state}");
        eventually_async(&what, within, async || {
            let shown = self.show(id).await;
            (shown["state"] == state).then_some(shown)
        })
        .await
    }

    /// No contact or secret that was used may have been said.
    pub(crate) fn said_nothing_of(&self, contacts: &[String]) {
        let said = self.said();
        for secret in contacts.iter().map(String::as_str).chain([KEY]) {
            assert!(!said.contains(secret), "a contact or secret was logged");
        }
    }
}
