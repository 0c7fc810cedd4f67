//! AWS on this machine: an emulator that starts when the first test needs it, and ends with the tests.
//!
//! If `AWS_ENDPOINT_URL`, or `AWS_ENDPOINT_URL_DYNAMODB` and `AWS_ENDPOINT_URL_SQS`, are set, they are used instead, with the environment's
//! region and credentials. They may name another emulator, or AWS itself.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws::SdkConfig;

use crate::eventually_async;

/// Runs the emulator as long as its own standard input is open, which is closed however the tests end.
const UNTIL_WE_END: &str = "import subprocess, sys\n\
    emulator = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n\
    sys.stdin.read()\n\
    emulator.kill()\n";

struct Emulator {
    endpoint: String,
    /// Ends the emulator when it is dropped.
    _process: Option<Child>,
}

/// The only emulator of this run.
///
/// # Panics
/// When it does not start, which ends the test.
pub async fn endpoint() -> &'static str {
    static EMULATOR: OnceLock<Emulator> = OnceLock::new();
    let emulator = EMULATOR.get_or_init(|| match elsewhere() {
        Some(endpoint) => Emulator { endpoint, _process: None },
        None => started(),
    });
    let address = emulator.endpoint.trim_start_matches("http://").to_owned();
    eventually_async("the emulator answers", Duration::from_secs(60), async || {
        tokio::net::TcpStream::connect(&address).await.ok()
    })
    .await;
    &emulator.endpoint
}

/// The settings for AWS in this run.
pub async fn config() -> SdkConfig {
    match elsewhere() {
        Some(_) => aws::environment().await,
        None => aws::emulator(endpoint().await).await,
    }
}

/// The endpoint for tables, if one was given.
fn elsewhere() -> Option<String> {
    let said = |name: &str| std::env::var(name).ok();
    said("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| said("AWS_ENDPOINT_URL"))
}

#[expect(clippy::expect_used, reason = "a test ends where it fails")]
fn started() -> Emulator {
    let programs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/aws-local/venv/bin");
    let emulator = programs.join("ministack");
    assert!(emulator.exists(), "the emulator is not there: cargo xtask test puts it there");
    let port = TcpListener::bind("127.0.0.1:0")
        .expect("the emulator starts")
        .local_addr()
        .expect("the emulator starts")
        .port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let process = Command::new(programs.join("python"))
        .args(["-c", UNTIL_WE_END])
        .arg(&emulator)
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("AWS_ENDPOINT_URL", &endpoint)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the emulator starts");
    Emulator { endpoint, _process: Some(process) }
}

/// A prefix that no other test uses.
#[must_use]
pub fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
