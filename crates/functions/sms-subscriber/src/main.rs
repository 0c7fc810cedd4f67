#![doc = include_str!("../README.md")]

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    lambda::worker::on_messages(async |connector, brand, ids| connector.step(brand, ids).await.map(|_| ()))
        .await
}
