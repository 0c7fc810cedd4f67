//! Braze does not answer: the health, `status` and the log report it, and an operator can end the wait.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;

use crate::process::run;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);

fn brand<'a>(endpoint: &'a str, workspace: &'a SimProcess) -> BrandFixture<'a> {
    BrandFixture { endpoint, ..BrandFixture::at(workspace) }
}

/// The entry in the health for a brand whose workspace does not answer, once there is one.
async fn shown(server: &ServeProcess) -> Value {
    testkit::eventually_async("the health says so", LATER, async || {
        let health = server.health().await;
        let found =
            health["degraded"].as_array()?.iter().find(|entry| entry["kind"] == "braze_unanswered")?;
        Some(found.clone())
    })
    .await
}

fn status(server: &ServeProcess) -> Value {
    let data = server.data().display().to_string();
    let (code, said) = run(&["status", "--data", &data, "--json"]);
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).unwrap()
}

fn retry_now(server: &ServeProcess, brand: &str) -> (Option<i32>, String) {
    run(&["retry-now", "--data", &server.data().display().to_string(), "--brand", brand])
}

#[tokio::test]
async fn a_workspace_that_cannot_be_reached_is_reported_once_and_retried_at_once_on_request() {
    let elsewhere = SimProcess::start("0s").await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let server = ServeProcess::start(&brand(&endpoint, &elsewhere)).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(server.take_part("spring", &format!("c{number}@example.com")).await);
    }
    let entry = shown(&server).await;
    assert_eq!(entry["brand"], "acme");
    assert!(entry["since"].is_string() && entry["text"].as_str().unwrap().contains("next try"), "{entry}");
    let unanswered = testkit::eventually_async("status says so", LATER, async || {
        let unanswered = status(&server)["unanswered"]["acme"].clone();
        (unanswered["waiting"] == 3).then_some(unanswered)
    })
    .await;
    assert!(unanswered["tries"].as_u64() > Some(1) && unanswered["next_try"].is_string(), "{unanswered}");
    server.logs_times(1, r#"event="connector.braze_unanswered""#).await;

    let (code, said) = retry_now(&server, "nobody");
    assert!(code == Some(1) && said.contains("nobody"), "{said}");
    let _workspace = SimProcess::start_at(&format!("127.0.0.1:{port}"), "0s").await;
    let (code, said) = retry_now(&server, "acme");
    assert_eq!(code, Some(0), "{said}");
    for id in &ids {
        server.reaches(id, "enrolled", LATER).await;
    }
    testkit::eventually_async("all is well", LATER, async || {
        (server.health().await["status"] == "ok").then_some(())
    })
    .await;
    testkit::eventually_async("status does not show it any more", LATER, async || {
        status(&server)["unanswered"].as_object().unwrap().is_empty().then_some(())
    })
    .await;
    server.logs_times(1, r#"event="connector.braze_answers""#).await;
}

#[tokio::test]
async fn a_workspace_that_accepts_requests_without_an_answer_does_not_answer() {
    let elsewhere = SimProcess::start("0s").await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let server = ServeProcess::start(&brand(&endpoint, &elsewhere)).await;
    server.take_part("spring", "ada@example.com").await;
    assert_eq!(shown(&server).await["brand"], "acme");
}
