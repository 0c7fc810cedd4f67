//! Puts limits and faults in front of an emulator of AWS: `--emulator URL [--listen ADDRESS] [--seed N] [--plan FILE]`. The plan is JSON
//! with the fields of `FaultPlan`; without one, it is the mild plan with the limits of AWS. `GET /__counts` shows what was called, and
//! `PUT /__plan` switches the faults.
#![expect(clippy::print_stdout, reason = "what it is for")]
#![expect(clippy::expect_used, reason = "a tool ends where it fails")]

use testkit::fault_proxy::{FaultPlan, FaultProxy, Quotas};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let emulator = after("--emulator").expect("--emulator URL, the emulator that it stands before");
    let listen = after("--listen").unwrap_or_else(|| "127.0.0.1:4567".to_owned());
    let seed = after("--seed").map_or(1, |seed| seed.parse().expect("a seed is a number"));
    let plan = after("--plan").map_or_else(mild_with_limits, |file| {
        let text = std::fs::read_to_string(file).expect("the plan's file");
        serde_json::from_str(&text).expect("a plan in JSON")
    });
    let listener = TcpListener::bind(&listen).await.expect("an address to listen at");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    println!("{url} is before {emulator}, with seed {seed}");
    FaultProxy::new(url, &emulator, seed, plan).serve(listener).await;
}

fn mild_with_limits() -> FaultPlan {
    FaultPlan { quotas: Quotas::of_aws(), ..FaultPlan::mild() }
}
