//! Stopping while work is in progress: the work is finished, or cut off in time and done again.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::ParticipationId;
use ports::Store;
use ports::clock::SystemClock;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);

/// The longest time that a stop may take, with a margin.
const STOPPED: Duration = Duration::from_secs(25);

/// The state of a participation in the data file, which no process has open.
async fn kept(server: &ServeProcess, id: &str) -> &'static str {
    let file = embedded::DataFile::open(&server.data(), Arc::new(SystemClock)).unwrap();
    let id = ParticipationId::parse(id).unwrap();
    file.get(&[id]).await.unwrap().found[0].state().name()
}

/// Starts a step of a participation to which Braze answers with this delay.
async fn a_step_under_way(workspace: &SimProcess, server: &ServeProcess, delay: Duration) -> String {
    let delay = u64::try_from(delay.as_millis()).unwrap();
    let fault = json!({ "path": "/users/export/ids", "kind": "delay", "delay_ms": delay, "count": 1 });
    workspace.fault(fault).await;
    let id = server.take_part("spring", "ada@example.com").await;
    testkit::eventually_async("Braze is asked", LATER, async || {
        (workspace.faults_met().await > 0).then_some(())
    })
    .await;
    id
}

/// A request of which the server has the head and half of the body.
async fn half_a_request(server: &ServeProcess, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST /participations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut goes_on = [0; 25];
    stream.read_exact(&mut goes_on).await.unwrap();
    assert!(goes_on.starts_with(b"HTTP/1.1 100"), "it waits for the body");
    stream.write_all(&body.as_bytes()[..length / 2]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_step_and_a_request_in_progress_are_finished() {
    let workspace = SimProcess::start("0s").await;
    let mut server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let stepped = a_step_under_way(&workspace, &server, Duration::from_secs(3)).await;
    let body = r#"{"scope":"spring","email":"grace@example.com"}"#;
    let mut request = half_a_request(&server, body).await;

    server.ask_to_end();
    testkit::eventually_async("new connections are refused", LATER, async || {
        TcpStream::connect(server.url.trim_start_matches("http://")).await.err()
    })
    .await;
    request.write_all(&body.as_bytes()[body.len() / 2..]).await.unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let accepted: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    server.ends(STOPPED).await;

    assert_eq!(kept(&server, &stepped).await, "enrolled");
    let accepted = accepted["id"].as_str().unwrap();
    assert_eq!(kept(&server, accepted).await, "received");
    server.start_again().await;
    server.reaches(accepted, "enrolled", LATER).await;
    assert_eq!(workspace.profiles().await.len(), 2);
}

#[tokio::test]
async fn a_step_that_takes_too_long_is_cut_off_and_done_again() {
    let workspace = SimProcess::start("0s").await;
    let mut server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let id = a_step_under_way(&workspace, &server, Duration::from_secs(600)).await;
    server.ask_to_end();
    server.ends(STOPPED).await;
    assert_ne!(kept(&server, &id).await, "enrolled");
    server.start_again().await;
    server.reaches(&id, "enrolled", LATER).await;
    assert_eq!(workspace.profiles().await.len(), 1);
}
