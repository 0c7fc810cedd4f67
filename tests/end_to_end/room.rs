//! An activation accepts no more participations than its brand file allows.

use std::fs;
use std::path::Path;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::secrets::TOKEN;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const MOST: usize = 60;

/// Limits the activation `spring` in the brand file.
fn limit(brands: &Path) {
    let file = brands.join("acme.toml");
    let text = fs::read_to_string(&file).unwrap();
    let scope = "scope = \"spring\"\n";
    assert!(text.contains(scope));
    fs::write(&file, text.replace(scope, &format!("{scope}most_participations = {MOST}\n"))).unwrap();
}

/// Takes part by e-mail. Returns the status and the answer.
async fn posts(server: &ServeProcess, number: usize) -> (u16, Value) {
    let body = json!({ "scope": "spring", "email": format!("consumer-{number}@example.com") });
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("idempotency-key", format!("the-page-of-consumer-{number}")),
    ];
    let (status, _, answer) =
        server.send_with("POST", "/participations", &headers, body.to_string().into()).await;
    (status, answer)
}

async fn signs_in(server: &ServeProcess, number: usize) -> (u16, Value) {
    let body =
        json!({ "q_scope": "spring", "event": "signed_in", "email": format!("member-{number}@example.com") });
    let (status, _, answer) =
        server.webhook(Some(&format!("Bearer {TOKEN}")), body.to_string().into_bytes()).await;
    (status, answer)
}

const FULL: &str = "urn:quikly-braze:activation-full";

#[tokio::test]
async fn a_crowd_fills_an_activation_exactly_and_neither_a_kill_nor_a_restart_makes_room() {
    let workspace = SimProcess::start("0s").await;
    let brand = BrandFixture::with_webhooks(&workspace);
    let unlimited =
        &["--requests-per-client", "0", "--reads-per-client", "0", "--connections-per-client", "0"];
    let mut server = ServeProcess::start_changed(&brand, limit, unlimited).await;

    let (posted, signed_in) = tokio::join!(
        join_all((0..60).map(|number| posts(&server, number))),
        join_all((0..60).map(|number| signs_in(&server, number))),
    );
    let all: Vec<&(u16, Value)> = posted.iter().chain(&signed_in).collect();
    assert_eq!(all.iter().filter(|(status, _)| *status == 202).count(), MOST);
    for (status, problem) in all.iter().filter(|(status, _)| *status != 202) {
        assert_eq!((*status, &problem["type"]), (422, &json!(FULL)), "{problem}");
    }
    let (_, _, health) = server.send("GET", "/healthz", None, Vec::new()).await;
    let refused = signed_in.iter().filter(|(status, _)| *status == 422).count();
    assert_eq!(
        health["webhooks"]["refused"]["activation-full"].as_u64().unwrap_or(0),
        refused as u64,
        "{health}"
    );
    server.logs(r#"event="intake.activation_full""#).await;

    server.kill_and_restart().await;
    assert_eq!(posts(&server, 1_000).await.1["type"], FULL);
    assert_eq!(signs_in(&server, 1_000).await.1["type"], FULL);
    server.end_in_order().await;
    server.start_again().await;
    assert_eq!(posts(&server, 1_000).await.1["type"], FULL);
    for (number, (status, answer)) in posted.iter().enumerate().filter(|(_, (status, _))| *status == 202) {
        assert_eq!(
            &posts(&server, number).await,
            &(*status, answer.clone()),
            "the consumer takes part already"
        );
    }
    assert_eq!(server.take_part("summer", "consumer-1000@example.com").await.len(), 32, "others have room");
}
