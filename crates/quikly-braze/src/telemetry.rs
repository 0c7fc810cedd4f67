//! Logs on standard error, one line for each event. They hold ids, but never contacts or secrets. `RUST_LOG` is the filter.

use std::io::{Stderr, stderr};
use std::time::Duration;

use supervision::Lines;
use tracing_subscriber::EnvFilter;

/// How long the end of the program waits for a log that cannot be written.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// The log, which lives as long as the program. Dropping it writes what was logged.
pub(crate) struct Log(Lines<fn() -> Stderr>);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush_within(WRITTEN_WITHIN);
    }
}

/// Starts logging.
pub(crate) fn start() -> Log {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = Lines::behind(stderr as fn() -> Stderr);
    let to = lines.clone();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(move || to.clone())
        .with_ansi(false)
        .init();
    supervision::say_where();
    Log(lines)
}
