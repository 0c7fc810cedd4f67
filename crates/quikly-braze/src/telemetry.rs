//! Logs on standard error: one line an event, ids but never contacts or secrets. `RUST_LOG` sets what is shown.

use std::io::{Stderr, stderr};
use std::time::Duration;

use supervision::Lines;
use tracing_subscriber::EnvFilter;

/// How long the end of the program waits for a log that takes nothing.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// The log, for as long as the program runs. What was logged is written when it is dropped.
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
