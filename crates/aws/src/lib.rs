#![doc = include_str!("../README.md")]

#[cfg(feature = "dynamodb")]
pub mod dynamo;
#[cfg(any(feature = "scheduler", feature = "sqs"))]
pub mod message;
#[cfg(feature = "scheduler")]
pub mod scheduler;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "ssm")]
pub mod ssm;

/// The environment's region, credentials and endpoints (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`, …).
pub async fn environment() -> aws_config::SdkConfig {
    aws_config::load_from_env().await
}

/// An emulator at `endpoint`: a region, and credentials that nobody checks.
pub async fn emulator(endpoint: &str) -> aws_config::SdkConfig {
    let nobody = aws_credential_types::Credentials::from_keys("emulated", "emulated", None);
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region("us-east-1")
        .credentials_provider(nobody)
        .load()
        .await
}
