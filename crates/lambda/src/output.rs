//! The standard output, from which Lambda takes metrics.

use std::io::{Write, stdout};

use metrics::{Figures, MetricsLine};
use ports::Clock;
use ports::clock::SystemClock;

/// Writes an invocation's metrics.
pub(crate) fn say(line: &MetricsLine, figures: &Figures) {
    let line = line.make(SystemClock.now(), figures);
    // A failure cannot be reported anywhere.
    let _lost = writeln!(stdout().lock(), "{line}");
}
