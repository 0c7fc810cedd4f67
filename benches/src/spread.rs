//! Minimum, median and maximum of a few measurements.

use std::fmt;
use std::time::Duration;

/// Measurements of the same thing.
#[derive(Debug, Clone, Default)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Adds a measurement.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_unstable_by(f64::total_cmp);
    }

    /// The median; 0 without any measurement.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }
}

/// A time in milliseconds.
#[must_use]
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Shows `min / median / max` with the requested precision.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        let (min, max) =
            (self.0.first().copied().unwrap_or_default(), self.0.last().copied().unwrap_or_default());
        write!(f, "{min:.digits$} / {:.digits$} / {max:.digits$}", self.median())
    }
}
