#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

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

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::{AppName, BehaviorVersion, Region};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder as Connections;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// Reads region, credentials and endpoints (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`, …) from wherever AWS's own tools read them.
/// All clients made from it share their connections.
pub async fn environment() -> SdkConfig {
    let connections = Connections::new().tls_provider(tls()).build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(connections).load().await
}

/// Reads what Lambda puts into a function's variables: region, credentials, the function's name, and endpoints if they are not AWS's.
/// A function needs no other source, and the code for others would add half a megabyte to each function.
#[must_use]
pub fn function() -> SdkConfig {
    let variable = |name| std::env::var(name).ok();
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(variable("AWS_REGION").map(Region::new))
        .credentials_provider(credentials)
        .http_client(Connections::new().tls_provider(tls()).build_https());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.set_app_name(variable("AWS_SDK_UA_APP_ID").and_then(|name| AppName::new(name).ok()));
    config.service_config(Variables).build()
}

/// The variables of single services, such as `AWS_ENDPOINT_URL_DYNAMODB`.
#[derive(Debug)]
struct Variables;

impl LoadServiceConfig for Variables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        std::env::var(format!("{}_{service}", key.env())).ok()
    }
}

fn tls() -> Provider {
    Provider::Rustls(CryptoMode::AwsLc)
}

/// The settings for an emulator at `endpoint`: a region, and credentials that the emulator does not check. A call that failed is repeated
/// soon, because an emulator is not overloaded.
pub async fn emulator(endpoint: &str) -> SdkConfig {
    let nobody = aws_credential_types::Credentials::from_keys("emulated", "emulated", None);
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region("us-east-1")
        .credentials_provider(nobody)
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(10)))
        .load()
        .await
}
