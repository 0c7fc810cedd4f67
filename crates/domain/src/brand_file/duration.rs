//! Durations: how they are written, and their bounds.

use std::time::Duration;

use crate::brand_file::section::Field;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const MONTH: Duration = Duration::from_secs(30 * 86_400);
const LEAP_YEAR: Duration = Duration::from_secs(366 * 86_400);
const TEN_YEARS: Duration = Duration::from_secs(3_653 * 86_400);

/// The bounds of a duration.
pub(super) struct Bounds {
    least: Duration,
    most: Duration,
    /// The same bounds as a message shows them.
    text: &'static str,
    /// Values outside of these were refused before all durations had bounds, so no file in use has them.
    refused_below: Duration,
    refused_above: Duration,
}

const fn bounds(least: Duration, most: Duration, text: &'static str) -> Bounds {
    Bounds { least, most, text, refused_below: Duration::ZERO, refused_above: Duration::MAX }
}

/// The bounds of durations that have none of their own.
pub(super) const OF_OTHERS: Bounds = bounds(SECOND, LEAP_YEAR, "from 1s to 366d");
pub(super) const OF_INTERVALS: Bounds = Bounds { refused_below: SECOND, ..OF_OTHERS };
pub(super) const OF_DECAY: Bounds = Bounds { refused_below: MILLISECOND, ..OF_OTHERS };
pub(super) const OF_SETTLE: Bounds = bounds(SECOND, HOUR, "from 1s to 1h");
pub(super) const OF_HINTS: Bounds = bounds(SECOND, MONTH, "from 1s to 30d");
/// Raffles are drawn after an activation has closed.
pub(super) const OF_RETENTION: Bounds =
    Bounds { refused_below: DAY, ..bounds(DAY, TEN_YEARS, "from 1d to 3653d (10 years)") };
/// Braze waits thirty days for an answer to its own double opt-in.
pub(super) const OF_WINDOW: Bounds =
    Bounds { refused_below: MILLISECOND, refused_above: MONTH, ..bounds(MINUTE, MONTH, "from 1m to 30d") };

impl Bounds {
    /// Reads a duration. If it is outside the bounds but may be in a file in use, it is reported and kept,
    /// since every calculation with it stays in range (see [`crate::time`]).
    pub(super) fn read(&self, field: &Field<'_>) -> Option<Duration> {
        let length = field.parsed(duration)?;
        let message = || format!("must be {}", self.text);
        if length < self.refused_below || length > self.refused_above {
            field.fault(message());
            return None;
        }
        if length < self.least || length > self.most {
            field.rule(message());
        }
        Some(length)
    }
}

/// Reads `90s`, `2m`, `48h`, or several of them, such as `1h30m`.
///
/// # Errors
/// The expected form.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "must be a duration, as 90s, 2m, 48h or 30d";
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
        let (number, unit) = rest.split_at(digits);
        let number: u32 = number.parse().map_err(|_| FORM)?;
        let (unit, length) = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
            .into_iter()
            .find(|(name, _)| unit.starts_with(name))
            .ok_or(FORM)?;
        let part = Duration::from_millis(length).saturating_mul(number);
        total = total.saturating_add(part);
        rest = &rest[digits + unit.len()..];
    }
    if text.is_empty() { Err(FORM) } else { Ok(total) }
}
