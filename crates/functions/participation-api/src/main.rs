#![doc = include_str!("../README.md")]

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    lambda::http::serve("participation-api").await
}
