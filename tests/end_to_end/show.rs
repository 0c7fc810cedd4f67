//! `show`: the answer, the facts and the timeline of one participation, beside the process that serves it.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{binary, run};
use crate::quikly::QuiklyEnd;
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
async fn show_says_since_when_quikly_has_the_result() {
    let workspace = SimProcess::start("0s").await;
    let quikly = QuiklyEnd::start().await;
    quikly.is_out_of_order(true);
    let access = format!("[intake]\nopen_to_anybody = true\n{}", quikly.section());
    let server = ServeProcess::start(&BrandFixture { access: &access, ..BrandFixture::at(&workspace) }).await;
    let id = server.take_part("spring", "ada@example.com").await;
    testkit::eventually("Quikly does not take it", LATER, || {
        (!shown_as_json(&server, &id)["callbacks"][0]["last"].is_null()).then_some(())
    })
    .await;
    assert_eq!(shown_as_json(&server, &id)["told_at"], Value::Null);
    quikly.is_out_of_order(false);
    let told = testkit::eventually("Quikly takes it", LATER, || {
        let shown = shown_as_json(&server, &id);
        shown["told_at"].is_string().then_some(shown)
    })
    .await;
    assert_eq!((quikly.told().len(), &told["callbacks"]), (1, &json!([])));
    let moment = told["told_at"].as_str().unwrap();
    for (language, fact) in [("en", "Quikly has the result"), ("fr", "résultat reçu de Quikly")] {
        let text = shown(&server, &id, &["--lang", language]);
        assert!(text.lines().any(|line| line.contains(fact) && line.ends_with(moment)), "{text}");
    }
    // The export has the person's contacts, so the helper that refuses them is not used.
    let data = server.data().display().to_string();
    let export = ["person", "export", "--email", "ada@example.com", "--data", &data];
    let export = Command::new(binary()).args(export).output().unwrap();
    let export: Value = serde_json::from_slice(&export.stdout).unwrap();
    assert_eq!(export["participations"][0]["quikly_told_at"], moment);
}

#[tokio::test]
async fn the_calls_about_a_participation_are_shown_with_it() {
    let workspace = SimProcess::start("0s").await;
    workspace.fault(json!({ "path": "/users/export/ids", "kind": "status", "status": 503, "when": "before", "count": 1 })).await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let other = server.take_part("spring", "eve@example.com").await;
    server.reaches(&other, "enrolled", LATER).await;
    let id = server.take_part("spring", "ada@example.com").await;
    server.reaches(&id, "enrolled", LATER).await;
    let calls_of = async |id: &str| {
        let calls = testkit::eventually("the write is shown", LATER, || {
            let calls = shown_as_json(&server, id)["calls"].as_array().unwrap().clone();
            calls.iter().any(|call| call["endpoint"] == "/users/track").then_some(calls)
        });
        calls.await
    };
    let (of_other, calls) = (calls_of(&other).await, calls_of(&id).await);
    let has_failed = |calls: &[Value]| calls.iter().any(|call| call["status"] == 503);
    assert!(has_failed(&of_other) && !has_failed(&calls), "{of_other:?}, {calls:?}");
    assert!(calls.iter().all(|call| call["participations"].as_array().unwrap().contains(&json!(id))));
    for (language, title) in [("en", "calls to Braze"), ("fr", "appels à Braze")] {
        let text = shown(&server, &id, &["--lang", language]);
        let (_, section) = text.split_once(&format!("\n{title}\n")).unwrap();
        assert_eq!(section.lines().count(), calls.len(), "{text}");
        assert!(section.contains("201") && section.contains("/users/track × 1"), "{text}");
    }
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
