//! The demo: its page, its requests to try, and its connector, which is a process of its own.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, run_with};

const SOON: Duration = Duration::from_secs(60);

pub(crate) struct Demo {
    process: Process,
    page: String,
    connector: String,
    sim: String,
    client: Client,
    directory: TempDir,
}

impl Demo {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = data(directory.path());
        let arguments = ["serve", "--demo", "--listen", "127.0.0.1:0", "--data", &data];
        let mut process = Process::start(&arguments, &[], &directory.path().join("said"));
        let page = process.address("quikly-braze demo: open ").await;
        let page = page.trim_end_matches('/').to_owned();
        let client = Client::new();
        let requests = client.get(format!("{page}/requests")).send().await.unwrap().text().await.unwrap();
        let address = |line: &str| {
            let line = requests.lines().find_map(|said| said.strip_prefix(line)).unwrap();
            line.split_whitespace().next().unwrap().to_owned()
        };
        let (connector, sim) = (address("The connector"), address("Braze"));
        Self { process, page, connector, sim, client, directory }
    }

    /// The address of its page.
    pub(crate) fn page(&self) -> &str {
        &self.page
    }

    async fn json(&self, request: RequestBuilder) -> Value {
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap()
    }

    async fn live(&self, language: &str) -> Value {
        self.json(self.client.get(format!("{}/demo/live?lang={language}", self.page))).await
    }

    async fn act(&self, path: &str) -> u16 {
        self.client.post(format!("{}{path}", self.page)).send().await.unwrap().status().as_u16()
    }

    async fn take_part(&self, body: &Value) -> Value {
        let post = self.client.post(format!("{}/participations", self.connector));
        let post = post.header("content-type", "application/json");
        self.json(post.body(body.to_string())).await
    }

    /// Waits until the newest participation is as it should be.
    async fn newest(&self, what: &str, language: &str, is: impl Fn(&Value) -> bool) -> Value {
        testkit::eventually_async(what, SOON, async || {
            let newest = self.live(language).await["participations"][0].take();
            is(&newest).then_some(newest)
        })
        .await
    }

    async fn connector_answers(&self) -> bool {
        self.client.get(format!("{}/healthz", self.connector)).send().await.is_ok()
    }
}

fn data(directory: &Path) -> String {
    directory.join("demo/data.sqlite").display().to_string()
}

async fn is_gone(connector: &str) {
    testkit::eventually_async("the connector has ended", SOON, async || {
        reqwest::get(format!("{connector}/healthz")).await.is_err().then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_page_has_the_element_the_texts_the_timelines_and_the_calls_to_braze() {
    let demo = Demo::start().await;
    let page = demo.client.get(format!("{}/", demo.page)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = page.text().await.unwrap();
    let base = format!("<quikly-activation base=\"{}\"", demo.connector);
    for part in [base.as_str(), "/widget/v1.js", "/demo/script.js", "/demo/style.css"] {
        assert!(page.contains(part), "{part}");
    }
    let accepted =
        demo.take_part(&json!({ "scope": "demo-shop", "phone": "(313) 555-0101", "consent": true })).await;
    assert_eq!(accepted["position"], 1, "{accepted}");
    testkit::eventually_async("the telephone has a text", SOON, async || {
        let live = demo.live("en").await;
        (live["texts"][0]["phone"] == "+13135550101").then_some(())
    })
    .await;
    let newest = demo.newest("its calls to Braze are recorded", "en", |one| !one["calls"][0].is_null()).await;
    let calls = &demo.live("en").await["calls"];
    assert!(calls[0]["path"].is_string() && newest["calls"][0]["status"].is_number(), "{calls} {newest}");
    assert!(newest["steps"].as_array().unwrap().len() > 1 && newest["position"] == 1, "{newest}");
    assert!(!format!("{calls}{newest}").contains("3135550101"), "contacts are masked");
    for (trouble, status) in [("down", 200), ("works", 200), ("elsewhere", 404)] {
        assert_eq!(demo.act(&format!("/demo/braze/{trouble}")).await, status, "{trouble}");
    }
    let reply = demo.client.post(format!("{}/demo/replies", demo.page));
    assert_eq!(demo.json(reply.body(r#"{"phone":"+13135550101","text":"Y"}"#)).await["confirmed"], true);
    demo.newest("the reward", "en", |one| one["reward"].is_string()).await;
}

#[tokio::test]
async fn the_page_and_its_timelines_speak_french() {
    let demo = Demo::start().await;
    let page = demo.client.get(format!("{}/?lang=fr", demo.page)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<html lang=\"fr\">") && page.contains("Votre téléphone"), "{page}");
    demo.take_part(&json!({ "scope": "demo-shop", "email": "ada@example.com" })).await;
    let newest = demo.newest("a step", "fr", |one| one["steps"][0]["what"].is_string()).await;
    assert_eq!(newest["steps"][0]["what"], "Accepté et enregistré");
}

#[tokio::test]
async fn a_killed_connector_starts_again_at_its_address_and_has_kept_everything() {
    let demo = Demo::start().await;
    let body = json!({ "scope": "demo-shop", "email": "ada@example.com" });
    let id = demo.take_part(&body).await["id"].as_str().unwrap().to_owned();
    assert_eq!(demo.act("/demo/connector/kill").await, 204);
    assert!(!demo.connector_answers().await);
    let live = demo.live("en").await;
    assert_eq!((&live["runs"], &live["participations"][0]["id"]), (&json!(false), &json!(id)));
    assert_eq!(demo.act("/demo/connector/start").await, 204);
    assert_eq!(demo.live("en").await["runs"], true);
    assert_eq!(demo.take_part(&body).await["repeat"], true);
    demo.newest("it ends", "en", |one| one["ended"] == true && one["reward"].is_string()).await;
}

#[tokio::test]
async fn the_connector_ends_with_the_demo_even_if_the_demo_is_killed() {
    let Demo { process, connector, directory, .. } = Demo::start().await;
    process.kill();
    is_gone(&connector).await;
    let data = data(directory.path());
    let brands = data.replace(".sqlite", ".brands");
    let serve =
        ["serve", "--until-input-ends", "--brands", &brands, "--data", &data, "--listen", "127.0.0.1:0"];
    testkit::eventually("nobody uses the data file", SOON, || {
        (run_with(&serve, &[("DEMO_KEY", "demo-key")]).0 == Some(0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_profile_that_is_merged_away_belongs_to_a_consumer_of_the_app() {
    let demo = Demo::start().await;
    assert_eq!(demo.act("/demo/merges").await, 409, "nobody has a reward yet");
    demo.take_part(&json!({ "scope": "demo-shop", "email": "ada@example.com" })).await;
    testkit::eventually_async("the reward is on the profile", SOON, async || {
        (demo.act("/demo/merges").await == 200).then_some(())
    })
    .await;
    testkit::eventually_async("the profile is merged", SOON, async || {
        let profiles = demo.client.get(format!("{}/_sim/profiles?email=ada@example.com", demo.sim));
        let profiles = demo.json(profiles).await;
        let name = profiles["profiles"][0]["external_id"].as_str()?;
        name.starts_with("app-").then_some(())
    })
    .await;
}

#[tokio::test]
async fn pages_of_other_origins_cannot_act() {
    let demo = Demo::start().await;
    let kill = demo.client.post(format!("{}/demo/connector/kill", demo.page));
    assert_eq!(kill.header("sec-fetch-site", "cross-site").send().await.unwrap().status(), 403);
    assert!(demo.connector_answers().await);
}

#[tokio::test]
async fn the_requests_to_try_work() {
    let demo = Demo::start().await;
    let requests = demo.client.get(format!("{}/requests", demo.page)).send().await.unwrap();
    let requests = requests.text().await.unwrap();
    // Every curl line that posts, exactly as shown.
    let posts: Vec<(String, String)> = requests
        .lines()
        .filter_map(|line| {
            let (url, rest) = line.trim().strip_prefix("curl -X POST ")?.split_once(' ')?;
            Some((url.to_owned(), rest.split('\'').rfind(|part| part.starts_with('{'))?.to_owned()))
        })
        .collect();
    assert_eq!(posts.len(), 5);
    let post = async |(url, body): &(String, String)| {
        let request = demo.client.post(url).header("content-type", "application/json");
        demo.json(request.header("authorization", "Bearer demo-token").body(body.clone())).await
    };
    let reaches = async |accepted: &Value, state: &str| {
        let path = format!("{}/participations/{}", demo.connector, accepted["id"].as_str().unwrap());
        testkit::eventually_async(state, SOON, async || {
            let shown = demo.json(demo.client.get(&path)).await;
            (shown["state"] == state).then_some(shown)
        })
        .await
    };
    let (by_email, single, double) = (post(&posts[0]).await, post(&posts[1]).await, post(&posts[2]).await);
    assert_eq!(reaches(&by_email, "enrolled").await["credited"], true);
    assert_eq!(reaches(&double, "awaiting_opt_in").await["credited"], false);
    testkit::eventually_async("there is a question to answer", SOON, async || {
        (post(&posts[3]).await["confirmed"] == true).then_some(())
    })
    .await;
    assert_eq!(reaches(&double, "credited").await["credited"], true);
    assert_eq!(reaches(&single, "credited").await["credited"], true);
    let signed_in = post(&posts[4]).await;
    assert_eq!(reaches(&signed_in, "credited").await["reward"], "SPRING20");
    let profiles =
        demo.json(demo.client.get(format!("{}/_sim/profiles?email=ada@example.com", demo.sim))).await;
    assert_eq!(profiles["profiles"].as_array().unwrap().len(), 1);
    let said = demo.process.said();
    assert!(
        said.contains("POST /users/export/ids  201") && said.contains("POST /users/track  201"),
        "{said}"
    );
    assert!(said.contains(&data(demo.directory.path())), "it names where its data is");
    assert!(demo.process.terminate().await.success());
    is_gone(&demo.connector).await;
}
