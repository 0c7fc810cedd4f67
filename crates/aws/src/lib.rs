#![doc = include_str!("../README.md")]

#[cfg(feature = "dynamodb")]
pub mod dynamo;
#[cfg(any(feature = "scheduler", feature = "sqs"))]
pub mod message;
#[cfg(all(feature = "dynamodb", feature = "sqs"))]
pub mod operations;
#[cfg(feature = "scheduler")]
pub mod scheduler;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "ssm")]
pub mod ssm;

pub use aws_config::SdkConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// The environment's region, credentials and endpoints (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`, …). All clients made of it
/// share their connections.
pub async fn environment() -> SdkConfig {
    let tls = Provider::Rustls(CryptoMode::AwsLc);
    let connections = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
    aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(connections).load().await
}

/// An emulator at `endpoint`: a region, and credentials that nobody checks.
pub async fn emulator(endpoint: &str) -> SdkConfig {
    let nobody = aws_credential_types::Credentials::from_keys("emulated", "emulated", None);
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region("us-east-1")
        .credentials_provider(nobody)
        .load()
        .await
}
