//! The standard output, where Lambda takes metrics from.

use std::io::{Write, stdout};

use metrics::{Figures, MetricsLine};
use ports::Clock;
use ports::clock::SystemClock;

/// Says an invocation's figures.
pub(crate) fn say(line: &MetricsLine, figures: &Figures) {
    let line = line.make(SystemClock.now(), figures);
    // Nobody is there to be told.
    let _lost = writeln!(stdout().lock(), "{line}");
}
