//! The connector as a process, and a client with a method for each use of its API.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use domain::token::TokenHash;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::brand_text::BrandText;
use testkit::eventually_async;

use crate::process::{BALLAST, Process, namespace, write};
use crate::secrets::{KEY, OTHER_TOKEN, SECRET, TOKEN};
use crate::workspace::SimProcess;

/// The environment variable that holds the brand's key.
pub(crate) const KEY_VARIABLE: &str = "ACME_BRAZE_API_KEY";

/// The environment variable that holds the other brand's key.
pub(crate) const OTHER_KEY_VARIABLE: &str = "OTHER_BRAZE_API_KEY";

/// The environment variable that holds the secret for signing participations and callbacks.
pub(crate) const SECRET_VARIABLE: &str = "ACME_SIGNING_SECRET";

pub(crate) struct ServeProcess {
    pub(crate) url: String,
    client: reqwest::Client,
    process: Option<Process>,
    directory: TempDir,
    data: PathBuf,
    limits: &'static [&'static str],
}

/// No limits per client, because all tests come from one address.
const UNLIMITED: [&str; 6] =
    ["--requests-per-client", "0", "--reads-per-client", "0", "--connections-per-client", "0"];

/// A brand file of which a test only states what matters to it.
pub(crate) struct BrandFixture<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) braze: &'a str,
    pub(crate) email: &'a str,
    pub(crate) sms: &'a str,
    /// The sections `[webhook]`, `[intake]` and `[callback]`.
    pub(crate) access: &'a str,
    /// The other sections of each activation: events, incentives, rewards.
    pub(crate) more: &'a str,
    /// The number of codes in `codes.txt`.
    pub(crate) codes: usize,
}

impl<'a> BrandFixture<'a> {
    pub(crate) fn at(workspace: &'a SimProcess) -> Self {
        Self {
            endpoint: &workspace.url,
            braze: "",
            email: "attributes = { quikly_participant = true }",
            sms: "",
            access: "",
            more: "",
            codes: 0,
        }
    }

    /// A brand that accepts webhooks of one event with [`TOKEN`].
    pub(crate) fn with_webhooks(workspace: &'a SimProcess) -> Self {
        static ACCESS: LazyLock<String> = LazyLock::new(|| BrandText::default().webhook(TOKEN).to_string());
        Self { access: &ACCESS, more: "[activation.events.signed_in]", ..Self::at(workspace) }
    }

    fn file(&self) -> String {
        let Self { endpoint, braze, email, sms, access, more, .. } = self;
        let sms = if sms.is_empty() { String::new() } else { format!("[activation.sms]\n{sms}\n") };
        let activation = |scope: &str, opens: &str, closes: &str| {
            format!(
                "[[activation]]\nscope = \"{scope}\"\nopens = {opens}\ncloses = {closes}\n[activation.email]\n{email}\n{sms}{more}\n"
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
        let braze = format!("[braze]\nendpoint = \"{endpoint}\"\n{key}\n{braze}\n");
        format!("id = \"acme\"\n{braze}\n{access}\n{}", activations.concat())
    }
}

/// Another brand, with an activation and a token of its own.
fn other_brand(endpoint: &str) -> String {
    let other = BrandText::of("other", endpoint, &format!("{{ env = \"{OTHER_KEY_VARIABLE}\" }}"));
    other.webhook(OTHER_TOKEN).activation("other-spring").event("signed_in", "").to_string()
}

impl Drop for ServeProcess {
    /// The output is searched while it still exists.
    fn drop(&mut self) {
        drop(self.process.take());
    }
}

impl ServeProcess {
    pub(crate) async fn start(brand: &BrandFixture<'_>) -> Self {
        let mut server = Self::prepared(brand);
        server.run("127.0.0.1:0").await;
        server
    }

    /// Does the same, with brand files changed before the start, and with more arguments.
    pub(crate) async fn start_changed(
        brand: &BrandFixture<'_>,
        change: impl FnOnce(&Path),
        arguments: &'static [&'static str],
    ) -> Self {
        let mut server = Self::prepared(brand);
        change(&server.brands());
        server.limits = arguments;
        server.run("127.0.0.1:0").await;
        server
    }

    /// Does the same, with limits per client.
    pub(crate) async fn start_limiting(brand: &BrandFixture<'_>, limits: &'static [&'static str]) -> Self {
        let mut server = Self::prepared(brand);
        server.limits = limits;
        server.run("127.0.0.1:0").await;
        server
    }

    /// Does the same, under a limit in the form of `ulimit`: `-f 1000` limits files to a thousand half kibibytes.
    pub(crate) async fn start_under(limit: &str, brand: &BrandFixture<'_>) -> Self {
        let mut server = Self::prepared(brand);
        let start = |arguments: &[&str], environment: &[(&str, &str)], output: &Path| {
            Process::start_under(limit, arguments, environment, output)
        };
        server.run_by(start, "127.0.0.1:0").await;
        server
    }

    /// Does the same, with its data file on a disk of a megabyte; `None` where no disk can be mounted.
    pub(crate) async fn start_on_small_disk(brand: &BrandFixture<'_>) -> Option<Self> {
        let mut server = Self::prepared(brand);
        let disk = server.directory.path().join("disk");
        std::fs::create_dir(&disk).unwrap();
        server.data = disk.join("data.sqlite");
        let namespace = namespace(&disk)?;
        let start = |arguments: &[&str], environment: &[(&str, &str)], output: &Path| {
            Process::start_on_small_disk((namespace, &disk), arguments, environment, output)
        };
        server.run_by(start, "127.0.0.1:0").await;
        Some(server)
    }

    /// Does the same, with another way to start the process.
    pub(crate) async fn start_by(
        start: impl Fn(&[&str], &[(&str, &str)], &Path) -> Process,
        brand: &BrandFixture<'_>,
    ) -> Self {
        let mut server = Self::prepared(brand);
        server.run_by(start, "127.0.0.1:0").await;
        server
    }

    fn prepared(brand: &BrandFixture<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        write(&directory.path().join("brands/acme.toml"), &brand.file());
        write(&directory.path().join("brands/other.toml"), &other_brand(brand.endpoint));
        let codes: String = (0..brand.codes).map(|number| format!("CODE-{number:04}\n")).collect();
        write(&directory.path().join("brands/codes.txt"), &codes);
        Self {
            url: String::new(),
            client: reqwest::Client::new(),
            process: None,
            data: directory.path().join("data.sqlite"),
            directory,
            limits: &UNLIMITED,
        }
    }

    async fn run(&mut self, listen: &str) {
        self.run_by(Process::start, listen).await;
    }

    async fn run_by(&mut self, start: impl Fn(&[&str], &[(&str, &str)], &Path) -> Process, listen: &str) {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let (brands, data) = (path("brands"), self.data.display().to_string());
        let serve = ["serve", "--brands", &brands, "--data", &data, "--listen", listen];
        let arguments = [&serve, self.limits].concat();
        let mut process = start(
            &arguments,
            &[(KEY_VARIABLE, KEY), (OTHER_KEY_VARIABLE, KEY), (SECRET_VARIABLE, SECRET)],
            &self.output(),
        );
        self.url = process.address("Taking participations at ").await;
        self.process = Some(process);
        eventually_async("health", Duration::from_secs(60), async || {
            self.client.get(format!("{}/healthz", self.url)).send().await.ok()
        })
        .await;
    }

    /// The data file, for tests that read it once the process has ended.
    pub(crate) fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// Fills its small disk except for `left` bytes, and returns the file that takes the space.
    pub(crate) fn fill_disk_but(&self, left: u64) -> PathBuf {
        let path = self.process.as_ref().unwrap().sees(&self.data.with_file_name("more"));
        let disk = rustix::fs::statvfs(path.parent().unwrap()).unwrap();
        let bytes = (disk.f_bavail * disk.f_frsize).saturating_sub(left);
        std::fs::write(&path, vec![0; usize::try_from(bytes).unwrap()]).unwrap();
        path
    }

    /// Frees space on its small disk.
    pub(crate) fn make_room(&self) {
        let ballast = self.data.with_file_name(BALLAST);
        std::fs::remove_file(self.process.as_ref().unwrap().sees(&ballast)).unwrap();
    }

    /// The directory of its brand files.
    pub(crate) fn brands(&self) -> PathBuf {
        self.directory.path().join("brands")
    }

    /// Starts again on the same files, after it has ended.
    pub(crate) async fn start_again(&mut self) {
        self.put_aside_what_was_said();
        self.run("127.0.0.1:0").await;
    }

    /// Ends the process at once and keeps its files.
    pub(crate) fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    /// Moves the output so far away, because it contains an address, and the new process must print it again.
    fn put_aside_what_was_said(&self) {
        let aside = (0..).map(|number| self.directory.path().join(format!("said-{number}")));
        let aside = aside.into_iter().find(|path| !path.exists()).unwrap();
        std::fs::rename(self.output(), aside).unwrap();
    }

    fn output(&self) -> PathBuf {
        self.directory.path().join("said")
    }

    /// `kill -9`, then a new process on the same file and port.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.process.take().unwrap().kill();
        let listen = self.url.trim_start_matches("http://").to_owned();
        self.put_aside_what_was_said();
        self.run(&listen).await;
    }

    /// The address that the process prints after a text.
    pub(crate) async fn address(&mut self, after: &str) -> String {
        self.process.as_mut().unwrap().address(after).await
    }

    /// Everything that the process has written.
    pub(crate) fn said(&self) -> String {
        self.process.as_ref().unwrap().said()
    }

    /// Ends the process as an operator would, and keeps its files.
    pub(crate) async fn end_in_order(&mut self) {
        assert!(self.process.take().unwrap().terminate().await.success());
    }

    /// Asks the process to end.
    pub(crate) fn ask_to_end(&self) {
        self.process.as_ref().unwrap().ask_to_end();
    }

    /// Asks it to read its brand files again.
    pub(crate) fn hang_up(&self) {
        self.process.as_ref().unwrap().hang_up();
    }

    /// Waits for the end, and keeps the files.
    pub(crate) async fn ends(&mut self, within: Duration) {
        assert!(self.process.take().unwrap().ends(within).await.success());
    }

    pub(crate) async fn terminate(mut self) -> std::process::ExitStatus {
        self.process.take().unwrap().terminate().await
    }

    /// Sends any request. Returns the status, the content type and the body.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> (u16, String, Value) {
        let headers: Vec<_> =
            content_type.map(|value| ("content-type", value.to_owned())).into_iter().collect();
        self.send_with(method, path, &headers, body).await
    }

    /// Sends any request with any headers.
    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> (u16, String, Value) {
        let verb = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(verb, format!("{}{path}", self.url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let declared = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let body = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null);
        crate::documented::check((method, path), (status, declared.as_deref()), &body);
        (status, declared.unwrap_or_default(), body)
    }

    /// Sends a webhook as Braze does. Returns the status, the content type and the body.
    pub(crate) async fn webhook(&self, authorization: Option<&str>, body: Vec<u8>) -> (u16, String, Value) {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(authorization.map(|value| ("authorization", value.to_owned())));
        self.send_with("POST", "/webhook/braze", &headers, body).await
    }

    /// The status of a POST, and when to retry.
    pub(crate) async fn retry_after(
        &self,
        path: &str,
        headers: &[(&str, String)],
        body: &Value,
    ) -> (u16, Option<String>) {
        let mut request = self.client.post(format!("{}{path}", self.url)).body(body.to_string());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.header("content-type", "application/json").send().await.unwrap();
        let after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), after)
    }

    /// Takes part as a page does, which repeats its request under one key. Returns the id, or `None` when the server cannot be reached.
    async fn try_to_take_part(&self, body: &Value) -> Option<String> {
        let request = self.client.post(format!("{}/participations", self.url));
        let key = TokenHash::of(&body.to_string()).to_string();
        let request = request.header("content-type", "application/json").header("idempotency-key", key);
        let request = request.body(body.to_string());
        let response = request.send().await.ok()?;
        if response.status().as_u16() == 503 {
            return None;
        }
        assert_eq!(response.status().as_u16(), 202);
        let body: Value = serde_json::from_slice(&response.bytes().await.ok()?).unwrap();
        Some(body["id"].as_str().unwrap().to_owned())
    }

    async fn accepted(&self, body: &Value) -> String {
        eventually_async("a 202", Duration::from_secs(60), async || self.try_to_take_part(body).await).await
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

    /// Checks that no contact and no secret in use was written.
    pub(crate) fn said_nothing_of(&self, contacts: &[String]) {
        let said = self.said();
        for secret in contacts.iter().map(String::as_str).chain([KEY, SECRET, TOKEN, OTHER_TOKEN]) {
            assert!(!said.contains(secret), "a contact or secret was logged");
        }
    }
}
