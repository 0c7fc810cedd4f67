#![doc = include_str!("../README.md")]

use lambda::worker::{Reaches, on_messages};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    on_messages("rewarder", Reaches::Neither, async |connector, brand, ids| connector.enter(brand, ids).await)
        .await
}
