//! infra/template.yaml deployed on an emulator of its own. Each test has a brand, and each brand has a workspace.

use std::collections::HashMap;
use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use aws::ssm::Parameters;
use domain::token::TokenHash;
use ports::clock::SystemClock;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::brand_text::BrandText;
use testkit::eventually;
use testkit::fault_proxy::{FaultPlan, FaultProxy, Quotas};
use testkit::template::{FunctionName, functions};
use tokio::sync::OnceCell;

use crate::documented;
use crate::logs::look_through;
use crate::on_aws::policies::assert_allowed;
use crate::process::{binary, run_with, write};
use crate::secrets::{KEY, TOKEN};
use crate::workspace::{SimProcess, client_for_all};

/// The log filter of the functions in these tests. It includes everything, even their libraries.
pub(crate) const LOGGED: &str = "debug";

/// The credentials that the emulator requires. They are not secret.
const ACCOUNT: [(&str, &str); 3] =
    [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "emulated"), ("AWS_SECRET_ACCESS_KEY", "emulated")];

pub(crate) const GROUP: &str = "d0e5c0de-0000-4000-8000-000000000001";

const EMAIL: &str =
    "[activation.email]\nattributes = { quikly_participant = true }\nevent = \"quikly_participated\"\n";

/// The brands. Each test has one of its own.
const BRANDS: [(&str, &str); 10] = [
    ("email", EMAIL),
    (
        "single",
        "[activation.sms]\nsubscription_group_id = \"GROUP\"\ndefault_region = \"US\"\nopt_in = \"single\"\n",
    ),
    (
        "double",
        "[activation.sms]\nsubscription_group_id = \"GROUP\"\ndefault_region = \"US\"\nopt_in = \"double\"\n\
         double_opt_in_event = \"quikly_sms_opt_in\"\n",
    ),
    (
        "webhook",
        "[activation.events.signed_in]\nincentive = \"first-2\"\n\
         [[activation.incentive]]\nid = \"first-2\"\nkind = \"first\"\nquantity = 2\nreward = \"SPRING20\"\n\
         [activation.rewards_to_braze]\nreward = \"quikly_reward\"\nposition = \"quikly_position\"\n",
    ),
    (
        "seen",
        "[activation.events.signed_in]\nincentive = \"first-2\"\n\
         [[activation.incentive]]\nid = \"first-2\"\nkind = \"first\"\nquantity = 2\nreward = \"SPRING20\"\n",
    ),
    (
        "browser",
        "[activation.email]\nincentive = \"first-5\"\n\
         [[activation.incentive]]\nid = \"first-5\"\nkind = \"first\"\nquantity = 5\nreward = \"SPRING20\"\n\
         [intake]\norigins = [\"http://127.0.0.1:PAGE\"]\nopen_to_anybody = true\n",
    ),
    ("poisoned", EMAIL),
    ("throttled", EMAIL),
    ("twice", EMAIL),
    ("full", "most_participations = 2\n[activation.email]\n[activation.events.signed_in]\n"),
];

/// A port at which nobody listens now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The port of the page that the brand `browser` lists.
pub(crate) fn page_port() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(free_port)
}

/// A brand's webhook token.
pub(crate) fn token_of(brand: &str) -> String {
    format!("{TOKEN}-{brand}")
}

pub(crate) struct Stack {
    endpoint: String,
    participations: String,
    webhook: String,
    client: reqwest::Client,
    workspaces: HashMap<&'static str, SimProcess>,
    directory: PathBuf,
    /// Stands before the emulator, for the functions. It records their calls, and makes everything go wrong now and then.
    pub(crate) proxy: FaultProxy,
    /// The emulator's process. Its standard input ends with the tests, and it then ends with everything that it started.
    _process: Child,
    _directory: TempDir,
}

/// A test's use of the stack. However the test ends, everything that was called and logged until then is checked.
pub(crate) struct Visit(&'static Stack);

impl Deref for Visit {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        self.0
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        look_through(&self.0.said());
        for workspace in self.0.workspaces.values() {
            look_through(&workspace.said());
        }
        if !std::thread::panicking() {
            assert_allowed(&self.0.proxy.calls());
        }
    }
}

impl Stack {
    /// The only stack of this run.
    pub(crate) async fn get() -> Visit {
        static STACK: OnceCell<Stack> = OnceCell::const_new();
        Visit(STACK.get_or_init(Self::deploy).await)
    }

    async fn deploy() -> Self {
        let binaries = binary().parent().unwrap();
        for FunctionName { package: function, .. } in functions() {
            // One by one, as they are deployed: together, each would have what any of them needs.
            let built = Command::new(option_env!("CARGO").unwrap_or("cargo"))
                .args(["build", "--quiet", "--package", &function])
                .status();
            assert!(built.unwrap().success(), "{function} does not build");
        }
        let kept = tempfile::tempdir().unwrap();
        let directory = kept.path().to_owned();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let port = free_port();
        // Units are not weighed: with the faults, that would be more work than the emulator has time for.
        let quotas = Quotas { write_units: None, read_units: None, ..Quotas::of_aws() };
        let plan = FaultPlan { quotas, ..FaultPlan::mild() };
        let proxy = FaultProxy::with(&format!("http://127.0.0.1:{port}"), 16, plan);
        let mut process = Command::new(root.join("target/aws-local/venv/bin/python"))
            .arg(root.join("infra/local.py"))
            .args(["--bare", "--port", &port.to_string(), "--binaries"])
            .arg(binaries)
            .arg("--directory")
            .arg(&directory)
            .args(["--called-at", proxy.url(), "--logged", LOGGED])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let told = eventually("the stack is deployed", Duration::from_secs(120), || {
            assert!(process.try_wait().unwrap().is_none(), "the stack is not deployed");
            std::fs::read_to_string(directory.join("stack.json")).ok()
        });
        let told: Value = serde_json::from_str(&told.await).unwrap();
        let host = |of: &str| told[of].as_str().unwrap().to_owned();
        let mut stack = Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            participations: host("participations"),
            webhook: host("webhook"),
            client: client_for_all(),
            workspaces: HashMap::new(),
            directory,
            proxy,
            _process: process,
            _directory: kept,
        };
        stack.push_brands().await;
        stack
    }

    async fn push_brands(&mut self) {
        let config = aws::emulator(&self.endpoint).await;
        let parameters = Parameters::new(&config, std::sync::Arc::new(SystemClock));
        for (name, activation) in BRANDS {
            parameters.put(&format!("/quikly-braze/local/braze/{name}"), KEY).await.unwrap();
            let workspace = SimProcess::start("1s").await;
            let (braze, page) = (&workspace.url, page_port().to_string());
            let activation = activation.replace("GROUP", GROUP).replace("PAGE", &page);
            let key = format!("{{ ssm = \"/quikly-braze/local/braze/{name}\" }}");
            let brand = BrandText::of(name, braze, &key).with("settle = \"3s\"");
            // Each brand has a token of its own; one test uses it.
            let file = brand.webhook(&token_of(name)).activation(name).with(&activation).to_string();
            write(&self.directory.join("brands").join(format!("{name}.toml")), &file);
            self.workspaces.insert(name, workspace);
        }
        let brands = self.directory.join("brands").display().to_string();
        let variables = [&ACCOUNT[..], &[("AWS_ENDPOINT_URL", self.endpoint.as_str())]].concat();
        let (code, said) = run_with(
            &["brands", "push", "--allow-private", "--brands", &brands, "--environment", "local"],
            &variables,
        );
        assert_eq!(code, Some(0), "{said}");
        // Successes should show within seconds. Deployed, a failed message is delivered again after six times the function's time-out.
        for queue in ["local-email-enrollments", "local-sms-subscriptions"] {
            let attributes = json!({ "VisibilityTimeout": "4" });
            self.queue("SetQueueAttributes", queue, json!({ "Attributes": attributes })).await;
        }
    }

    /// The emulator, and the name by which it knows the function that takes participations.
    pub(crate) fn participation_api(&self) -> (&str, &str) {
        (&self.endpoint, &self.participations)
    }

    pub(crate) fn workspace(&self, brand: &str) -> &SimProcess {
        &self.workspaces[brand]
    }

    /// Sends a request to a function, and holds the answer against the OpenAPI document.
    async fn send(&self, host: &str, request: reqwest::RequestBuilder) -> (u16, Value) {
        let request = request.header("host", host).build().unwrap();
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let response = self.client.execute(request).await.unwrap();
        let status = response.status().as_u16();
        let declared = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
        documented::check((&method, &path), (status, declared.as_deref()), &body);
        (status, body)
    }

    /// Takes part as a page does, which repeats its request under one key. Returns the participation's id.
    pub(crate) async fn participate(&self, body: &Value) -> String {
        let request = self.client.post(format!("{}/participations", self.endpoint));
        let key = TokenHash::of(&body.to_string()).to_string();
        let request = request.header("content-type", "application/json").header("idempotency-key", key);
        let request = request.body(body.to_string());
        let (status, answer) = self.send(&self.participations, request).await;
        assert_eq!(status, 202, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Takes part once. Returns the status and the answer.
    pub(crate) async fn post_once(&self, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}/participations", self.endpoint));
        let request = request.header("content-type", "application/json").body(body.to_string());
        self.send(&self.participations, request).await
    }

    /// The participation as it is shown.
    pub(crate) async fn show(&self, id: &str) -> Value {
        let request = self.client.get(format!("{}/participations/{id}", self.endpoint));
        self.send(&self.participations, request).await.1
    }

    /// Waits until the participation is in a state.
    pub(crate) async fn reaches(&self, id: &str, state: &str, within: Duration) -> Value {
        testkit::eventually_async(state, within, async || {
            Some(self.show(id).await).filter(|shown| shown["state"] == state)
        })
        .await
    }

    pub(crate) async fn post_webhook(&self, token: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}/webhook/braze", self.endpoint));
        let request = request.header("content-type", "application/json").body(body.to_string());
        self.send(&self.webhook, request.header("authorization", format!("Bearer {token}"))).await
    }

    /// Calls an action of SQS on a queue.
    pub(crate) async fn queue(&self, action: &str, queue: &str, mut body: Value) -> Value {
        body["QueueUrl"] = json!(format!("{}/000000000000/{queue}", self.endpoint));
        let request = self.client.post(&self.endpoint).header("x-amz-target", format!("AmazonSQS.{action}"));
        let request = request.header("content-type", "application/x-amz-json-1.0").body(body.to_string());
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{action}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The bodies of a queue's dead letters, which stay in the queue.
    pub(crate) async fn dead(&self, queue: &str) -> Vec<String> {
        let queue = format!("local-{queue}-dead");
        let body = json!({ "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
        let received = self.queue("ReceiveMessage", &queue, body).await;
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        messages.iter().map(|message| message["Body"].as_str().unwrap().to_owned()).collect()
    }

    /// Everything that the functions have logged.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.directory.join("emulator.log")).unwrap()
    }
}
