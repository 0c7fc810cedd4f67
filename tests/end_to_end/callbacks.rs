//! A repeated log line is written once a minute.

use std::net::TcpListener;
use std::time::Duration;

use domain::token::TokenHash;
use serde_json::json;

use crate::process::run;
use crate::secrets::TOKEN;
use crate::server::{BrandFixture, SECRET_VARIABLE, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);

const CODES: &str = "[activation.events.signed_in]\nincentive = \"early\"\n\
    [[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 3\ncodes = \"codes.txt\"\n";

async fn signs_in(server: &ServeProcess, consumers: usize) {
    let mut ids = Vec::new();
    for number in 0..consumers {
        let body =
            json!({ "q_scope": "spring", "event": "signed_in", "email": format!("c{number}@example.com") });
        let token = format!("Bearer {TOKEN}");
        let (status, _, answer) = server.webhook(Some(&token), body.to_string().into_bytes()).await;
        assert_eq!(status, 202, "{answer}");
        ids.push(answer["id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        server.reaches(id, "credited", LATER).await;
    }
}

#[tokio::test]
async fn a_receiver_that_is_down_is_one_line_a_minute_and_shown() {
    let workspace = SimProcess::start("0s").await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let access = format!(
        "[webhook]\ntokens_sha256 = [\"{}\"]\n[callback]\nurl = \"http://{closed}/hidden\"\nsecret = {{ env = \"{SECRET_VARIABLE}\" }}\nallow_private = true\n",
        TokenHash::of(TOKEN)
    );
    let server = ServeProcess::start(&BrandFixture {
        access: &access,
        more: CODES,
        codes: 12,
        ..BrandFixture::at(&workspace)
    })
    .await;
    signs_in(&server, 20).await;
    let entry = testkit::eventually_async("the health shows it", LATER, async || {
        let (_, _, health) = server.send("GET", "/healthz", None, Vec::new()).await;
        let entries = health["degraded"].as_array()?;
        entries.iter().find(|entry| entry["kind"] == "callback_not_taken").cloned()
    })
    .await;
    assert_eq!(entry["receiver"], "acme 127.0.0.1");
    let data = server.data().display().to_string();
    let (_, status) = run(&["status", "--data", &data, "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["notices"], 20);
    server.logs_times(1, r#"event="connector.not_told""#).await;
    assert!(!server.said().contains("hidden"), "the rest of the address may be a secret");
}
