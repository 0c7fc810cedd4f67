//! `show`: the answer, the facts and the timeline of one participation, beside the process that serves it.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{binary, run};
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);

/// What `show` prints with these further arguments.
fn shown(server: &ServeProcess, id: &str, more: &[&str]) -> String {
    let data = server.data().display().to_string();
    let (code, said) = run(&[&["show", id, "--data", &data], more].concat());
    assert_eq!(code, Some(0), "{said}");
    said
}

fn shown_as_json(server: &ServeProcess, id: &str) -> Value {
    serde_json::from_str(&shown(server, id, &["--json"])).unwrap()
}

#[tokio::test]
async fn a_participation_is_shown_with_its_answer_and_timeline_and_without_the_contact() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let id = server.take_part("spring", "ada.l@example.com").await;
    server.reaches(&id, "enrolled", LATER).await;
    let json = shown_as_json(&server, &id);
    assert_eq!(
        (&json["code"], &json["state"], &json["scope"]),
        (&json!("credited"), &json!("enrolled"), &json!("spring"))
    );
    assert_eq!(json["email"], "a***@e***.com");
    let codes: Vec<&str> =
        json["timeline"].as_array().unwrap().iter().filter_map(|row| row["code"].as_str()).collect();
    assert!(codes.starts_with(&["accepted", "looked_up"]) && codes.ends_with(&["ended"]), "{codes:?}");
    assert!(codes.contains(&"profile_created"), "{codes:?}");
    let english = shown(&server, &id, &[]);
    assert!(
        english.starts_with("Credited. There is nothing to win in this way of taking part.\n"),
        "{english}"
    );
    assert!(english.contains("Looked up in Braze") && !english.contains("ada.l@"), "{english}");
    let french = shown(&server, &id, &["--lang", "fr"]);
    assert!(french.contains("Recherche dans Braze") && french.starts_with("Crédité."), "{french}");
    // The helper refuses output with a contact, which is what is asked for here.
    let data = server.data().display().to_string();
    let revealed = Command::new(binary()).args(["show", &id, "--data", &data, "--reveal"]).output().unwrap();
    assert!(String::from_utf8(revealed.stdout).unwrap().contains("ada.l@example.com"));
}

#[tokio::test]
async fn while_braze_fails_the_answer_says_since_when_and_afterwards_no_more() {
    let workspace = SimProcess::start("0s").await;
    workspace.fault(json!({ "path": "/users/export/ids", "kind": "status", "status": 503, "when": "before", "count": 1 })).await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let id = server.take_part("spring", "ada@example.com").await;
    server.reaches(&id, "enrolled", LATER).await;
    let json = shown_as_json(&server, &id);
    assert_eq!(json["waits"], Value::Null);
    let failed = json["timeline"].as_array().unwrap().iter().find(|row| row["why"] == "5xx");
    assert_eq!(failed.unwrap()["code"], "looked_up", "{json}");
}

#[tokio::test]
async fn an_unknown_or_mistyped_id_is_said_to_be_one() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let data = server.data().display().to_string();
    let (code, said) = run(&["show", &"0".repeat(32), "--data", &data]);
    assert!(code == Some(1) && said.contains("there is no participation"), "{said}");
    let (code, said) = run(&["show", "ada", "--data", &data]);
    assert!(code == Some(1) && said.contains("32 hexadecimal digits"), "{said}");
}
