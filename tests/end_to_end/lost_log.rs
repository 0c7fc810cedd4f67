//! A log that cannot be written costs log lines, and nothing else.

use std::io::{self, PipeReader};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{Process, binary};
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);

/// The binary with a shell redirection.
fn redirected(redirection: &str, arguments: &[&str], environment: &[(&str, &str)], output: &Path) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$0\" \"$@\" {redirection}")]).arg(binary()).args(arguments);
    command.envs(environment.iter().copied()).env("RUST_LOG", "debug");
    Process::spawn(command, output)
}

/// The binary with a pipe for its log. Returns the other end of the pipe.
fn piped(arguments: &[&str], environment: &[(&str, &str)], output: &Path) -> (Process, PipeReader) {
    let (reader, writer) = io::pipe().unwrap();
    let mut command = Command::new(binary());
    command.args(arguments).envs(environment.iter().copied()).env("RUST_LOG", "debug");
    (Process::spawn_logging_to(command, output, writer), reader)
}

/// Checks that participations are enrolled and every request is answered, including those that log a warning or an error.
async fn serves(server: &ServeProcess, workspace: &SimProcess) {
    workspace
        .fault(
            serde_json::json!({ "path": "/users/export/ids", "kind": "status", "status": 500, "count": 2 }),
        )
        .await;
    for number in 0..30 {
        let id = server.take_part("spring", &format!("c{number}@example.com")).await;
        let unknown = server.webhook(Some("Bearer nobody's"), b"{}".to_vec()).await;
        assert_eq!(unknown.0, 401);
        if number % 10 == 0 {
            server.reaches(&id, "enrolled", LATER).await;
        }
    }
}

/// Checks that the health reports lost lines and no other harm.
async fn is_shown(server: &ServeProcess) {
    let shown = testkit::eventually_async("the lost lines are shown", LATER, async || {
        let health = server.health().await;
        health["degraded"].to_string().contains("log_lines_lost").then_some(health)
    })
    .await;
    let kinds: Vec<&str> =
        shown["degraded"].as_array().unwrap().iter().filter_map(|entry| entry["kind"].as_str()).collect();
    // Braze fails in these tests, so that there is something to log.
    let expected = ["braze_unanswered", "log_lines_lost"];
    assert!(kinds.iter().all(|kind| expected.contains(kind)), "{shown}");
}

/// A process that has served, with its log redirected by the shell.
async fn serves_though_its_log_is(redirection: &str) -> ServeProcess {
    let workspace = SimProcess::start("0s").await;
    let start = |arguments: &[&str], environment: &[(&str, &str)], output: &Path| {
        redirected(redirection, arguments, environment, output)
    };
    let server = ServeProcess::start_by(start, &BrandFixture::at(&workspace)).await;
    serves(&server, &workspace).await;
    server
}

#[tokio::test]
async fn a_log_on_a_full_disk_costs_log_lines_only() {
    let server = serves_though_its_log_is("2>/dev/full").await;
    is_shown(&server).await;
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn no_output_at_all_costs_log_lines_only() {
    let server = serves_though_its_log_is("2>&-").await;
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn a_log_whose_reader_has_ended_costs_log_lines_only() {
    let workspace = SimProcess::start("0s").await;
    let start = |arguments: &[&str], environment: &[(&str, &str)], output: &Path| {
        piped(arguments, environment, output).0
    };
    let server = ServeProcess::start_by(start, &BrandFixture::at(&workspace)).await;
    serves(&server, &workspace).await;
    is_shown(&server).await;
    assert!(server.terminate().await.success());
}

/// The reader of the log has stopped reading, and nothing waits for it.
#[tokio::test]
async fn a_log_whose_reader_has_stopped_costs_log_lines_only() {
    let workspace = SimProcess::start("0s").await;
    let held = parking_lot::Mutex::new(None);
    let start = |arguments: &[&str], environment: &[(&str, &str)], output: &Path| {
        let (process, reader) = piped(arguments, environment, output);
        *held.lock() = Some(reader);
        process
    };
    let server = ServeProcess::start_by(start, &BrandFixture::at(&workspace)).await;
    serves(&server, &workspace).await;
    assert!(server.terminate().await.success());
}
