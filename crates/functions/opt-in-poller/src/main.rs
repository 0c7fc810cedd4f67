#![doc = include_str!("../README.md")]

use lambda::worker::{Reaches, on_ticks};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    on_ticks("opt-in-poller", Reaches::BrazeAndSchedules).await
}
