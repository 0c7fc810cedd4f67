//! `calls`: what was said to Braze, beside the process that serves.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Process, binary, run};
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);

/// What `calls` prints as JSON with these further arguments.
fn calls(server: &ServeProcess, more: &[&str]) -> Vec<Value> {
    let data = server.data().display().to_string();
    let (code, said) = run(&[&["calls", "--data", &data, "--json"], more].concat());
    assert_eq!(code, Some(0), "{said}");
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether a call went there and got this status.
fn is(call: &Value, endpoint: &str, status: u16) -> bool {
    call["endpoint"] == endpoint && call["status"] == status
}

#[tokio::test]
async fn calls_to_braze_are_shown_beside_a_running_server_with_their_participations_and_without_contacts() {
    let workspace = SimProcess::start("0s").await;
    workspace.fault(json!({ "path": "/users/export/ids", "kind": "status", "status": 503, "when": "before", "count": 1 })).await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let id = server.take_part("spring", "ada.l@example.com").await;
    server.reaches(&id, "enrolled", LATER).await;
    let shown = testkit::eventually("the write is shown", LATER, || {
        let shown = calls(&server, &[]);
        shown.iter().any(|call| is(call, "/users/track", 201)).then_some(shown)
    })
    .await;
    let failed = shown.iter().find(|call| is(call, "/users/export/ids", 503)).unwrap();
    assert_eq!((&failed["failure"], &failed["brand"]), (&json!("5xx"), &json!("acme")));
    assert_eq!((&failed["participations"], &failed["objects"]), (&json!([id]), &json!(1)));
    let looked_up =
        shown.iter().find(|call| call["endpoint"] == "/users/export/ids" && call["failure"].is_null());
    let looked_up = looked_up.unwrap_or_else(|| panic!("{shown:?}"));
    assert!(looked_up["requests_left"].is_u64() && looked_up["ms"].is_u64(), "{looked_up}");
    assert_eq!(calls(&server, &["--failed"]), std::slice::from_ref(failed));
    assert_eq!(calls(&server, &["--brand", "nobody"]), [] as [Value; 0]);
    assert_eq!(calls(&server, &["--since", "0s"]), [] as [Value; 0]);
    let (code, text) = run(&["calls", "--failed", "--data", &server.data().display().to_string()]);
    assert_eq!(code, Some(0));
    assert!(
        text.contains("503") && text.contains("/users/export/ids × 1") && text.lines().count() == 1,
        "{text}"
    );
}

#[tokio::test]
async fn whoever_follows_sees_each_call_once_as_it_is_made() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let data = server.data().display().to_string();
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("followed");
    let mut command = Command::new(binary());
    command.args(["calls", "--follow", "--json", "--data", &data]);
    let following = Process::spawn(command, &output);
    for number in 0..2 {
        let id = server.take_part("spring", &format!("c{number}@example.com")).await;
        testkit::eventually("the look-up is shown", LATER, || {
            let said = following.said();
            said.lines().any(|line| line.contains("/users/export/ids") && line.contains(&id)).then_some(())
        })
        .await;
        server.reaches(&id, "enrolled", LATER).await;
    }
    let said = following.said();
    let mut shown: Vec<&str> = said.lines().collect();
    let all = shown.len();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), all, "a call is shown twice");
}
