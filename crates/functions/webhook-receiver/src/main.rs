#![doc = include_str!("../README.md")]

use lambda::http::{Reads, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    serve("webhook-receiver", Reads::NoSecrets).await
}
