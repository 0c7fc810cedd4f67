//! Braze is down, or refuses the key: participations wait.

use std::time::Duration;

use serde_json::json;
use testkit::eventually_async;

use crate::secrets::KEY;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

#[tokio::test]
async fn while_braze_is_down_participations_wait_and_then_continue() {
    let workspace = SimProcess::start("0s").await;
    workspace.fault(json!({ "kind": "status", "status": 503, "count": 3 })).await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let id = server.take_part("spring", "ada@example.com").await;
    eventually_async("a refusal", Duration::from_secs(60), async || {
        (workspace.status_count("/users/export/ids", 503).await > 0).then_some(())
    })
    .await;
    assert_eq!(server.show(&id).await["state"], "received");
    server.reaches(&id, "enrolled", Duration::from_secs(60)).await;
}

#[tokio::test]
async fn participations_also_wait_while_nothing_listens_at_brazes_address() {
    let workspace = SimProcess::start("0s").await;
    let brand = BrandFixture {
        endpoint: "http://127.0.0.1:9",
        email: "event = \"e\"",
        ..BrandFixture::at(&workspace)
    };
    let server = ServeProcess::start(&brand).await;
    let id = server.take_part("spring", "ada@example.com").await;
    server.logs(r#"event="connector.look_up_failed""#).await;
    let shown = server.show(&id).await;
    assert_eq!((&shown["state"], &shown["credited"]), (&json!("received"), &json!(true)));
}

#[tokio::test]
async fn a_refused_key_is_reported_once_and_not_for_every_participation() {
    let workspace = SimProcess::start("0s").await;
    workspace.accept_keys(&["another"]).await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(server.take_part("spring", &format!("c{number}@example.com")).await);
    }
    server.logs(r#"event="connector.key_refused""#).await;
    // Later participations meet the closed lane: there is no request and no second report.
    let last = server.take_part("spring", "last@example.com").await;
    eventually_async("the last one was put off", Duration::from_secs(60), async || {
        (server.show(&last).await["updated_at"] != server.show(&ids[0]).await["updated_at"]).then_some(())
    })
    .await;
    server.logs_times(1, r#"event="connector.key_refused""#).await;
    assert!(
        workspace.requests("/users/export/ids").await <= 32,
        "one group of requests, not one for each participation"
    );
    for id in &ids {
        assert_eq!(server.show(id).await["state"], "received");
    }
    let said = server.said();
    assert!(!said.contains(KEY), "Braze's answer repeats the key; our log does not");
}
