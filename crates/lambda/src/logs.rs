//! Logs as JSON: CloudWatch finds fields by their names. Ids, never contacts or secrets.

use std::env;
use std::io::stdout;

use supervision::Lines;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is shown unless told otherwise.
const SHOWN: &str = "info,aws=warn,hyper=warn";

/// Starts logging. `RUST_LOG` sets what is shown, by targets and levels; filters by fields would link what they are parsed with.
pub fn start() {
    let told = env::var("RUST_LOG").ok().and_then(|told| told.parse::<Targets>().ok());
    let shown = told.or_else(|| SHOWN.parse().ok()).unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        // An invocation must not fail because its log takes nothing. Lines are written at once: the process is frozen after the answer.
        .log_internal_errors(false)
        .with_writer(|| Lines::at_once(stdout));
    tracing_subscriber::registry().with(shown).with(lines).init();
    supervision::say_where();
}
