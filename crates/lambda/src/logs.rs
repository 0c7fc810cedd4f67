//! Logs as JSON: CloudWatch finds fields by their names. Ids, never contacts or secrets.

use std::io::stdout;

use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` sets what is shown.
pub fn start() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,aws=warn,hyper=warn"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(filter)
        .with_writer(stdout)
        .init();
}
