#![doc = include_str!("../README.md")]

use lambda::worker::{Reaches, on_messages};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    on_messages("sms-subscriber", Reaches::BrazeAndSchedules, async |connector, brand, ids| {
        connector.step(brand, ids).await.map(|_| ())
    })
    .await
}
