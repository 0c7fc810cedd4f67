//! The page of `serve --metrics`, read as Prometheus reads it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use testkit::eventually_async;

use crate::process::run;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const SHOWN: &[&str] = &["--metrics", "127.0.0.1:0"];

/// The samples of a page: the name with its labels, and the value.
async fn scrape(url: &str) -> BTreeMap<String, String> {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let page = answer.text().await.unwrap();
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

#[tokio::test]
async fn a_participation_is_counted_for_its_brand_and_no_contact_is_on_the_page() {
    let workspace = SimProcess::start("1s").await;
    let mut server = ServeProcess::start_changed(&BrandFixture::at(&workspace), |_| {}, SHOWN).await;
    let url = server.address("Showing metrics at ").await;
    let ended = |brand: &str| format!("quikly_braze_participations_ended_total{{brand=\"{brand}\"}}");
    assert_eq!(scrape(&url).await[&ended("acme")], "0", "the sample exists before anything was counted");
    let id = server.take_part("spring", "ada@example.com").await;
    server.reaches(&id, "enrolled", Duration::from_secs(60)).await;
    let samples = eventually_async("the end is counted", Duration::from_secs(60), async || {
        let samples = scrape(&url).await;
        (samples[&ended("acme")] == "1").then_some(samples)
    })
    .await;
    let of_acme = |name: &str| samples[&format!("quikly_braze_{name}{{brand=\"acme\"}}")].as_str();
    assert_eq!(samples[&ended("other")], "0");
    assert_eq!(of_acme("participations_credited_total"), "1");
    assert_ne!(of_acme("braze_requests_sent_total"), "0");
    assert_eq!(of_acme("braze_requests_failed_total"), "0");
    assert_eq!(of_acme("look_up_backlog_seconds"), "0.000");
    assert_eq!(samples["quikly_braze_requests_accepted_total"], "1");
    assert!(samples.keys().all(|name| !name.contains("ada") && !name.contains(&id)));
}

#[tokio::test]
async fn a_workspace_that_does_not_answer_and_its_waiting_participations_are_on_the_page() {
    let workspace = SimProcess::start("1s").await;
    let brand = BrandFixture { endpoint: "http://127.0.0.1:1", ..BrandFixture::at(&workspace) };
    let mut server = ServeProcess::start_changed(&brand, |_| {}, SHOWN).await;
    let url = server.address("Showing metrics at ").await;
    server.take_part("spring", "ada@example.com").await;
    eventually_async("the outage is shown", Duration::from_secs(60), async || {
        let samples = scrape(&url).await;
        let of_acme = |name: &str| samples[&format!("quikly_braze_{name}{{brand=\"acme\"}}")].clone();
        let figures = ["braze_unanswered", "participations_waiting"].map(of_acme);
        (figures == ["1", "1"] && of_acme("braze_requests_failed_total") != "0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_listener_of_the_metrics_shows_nothing_else_and_the_public_one_shows_no_metrics() {
    let workspace = SimProcess::start("1s").await;
    let mut server = ServeProcess::start_changed(&BrandFixture::at(&workspace), |_| {}, SHOWN).await;
    let url = server.address("Showing metrics at ").await;
    let client = reqwest::Client::new();
    assert_eq!(client.post(&url).send().await.unwrap().status(), 405);
    assert_eq!(client.get(url.replace("/metrics", "/healthz")).send().await.unwrap().status(), 404);
    assert_eq!(server.send("GET", "/metrics", None, Vec::new()).await.0, 404);
    let scraped = url.clone();
    server.end_in_order().await;
    assert!(reqwest::get(scraped).await.is_err(), "it ends with the process");
}

#[test]
fn an_address_that_is_taken_is_an_error_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let data = directory.path().join("data.sqlite").display().to_string();
    let (code, said) =
        run(&["serve", "--demo", "--listen", "127.0.0.1:0", "--data", &data, "--metrics", &taken]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("--metrics: cannot listen on {taken}")), "{said}");
}
