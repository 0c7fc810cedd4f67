//! The request counters of a brand and endpoint: how many requests Braze allows, and how many are booked.
//! They are stored as named numbers, which are columns in a data file and attributes in a table, so that a
//! store can change some and leave those that it does not know.

use std::fmt;
use std::time::Duration;

use domain::Timestamp;
use domain::reservation::{Learning, Resuming, WindowsRecord};

use crate::error::{Unencodable, Unreadable, Why};
use crate::values::moment;

/// The name of the counters in an error.
const WHAT: &str = "limit";

/// The stored form of a moment that has not come: the epoch. No request was ever sent then.
const NOT_YET: Timestamp = Timestamp::UNIX_EPOCH;

/// The names of the numbers, in the order in which [`encode`] returns them.
pub const NAMES: [&str; 9] =
    ["requests", "period", "start", "booked", "probe_at", "learning", "by_contract", "touched", "resumed"];

/// Encodes counters for storage: each number with its name, or `None` to store nothing.
///
/// # Errors
/// If the length of a window has no stored form.
pub fn encode(
    lane: impl fmt::Display,
    windows: &WindowsRecord,
) -> Result<[(&'static str, Option<i64>); 9], Unencodable> {
    let period = i64::try_from(windows.period.as_millis()).map_err(|source| Unencodable {
        what: WHAT,
        id: lane.to_string(),
        source: source.into(),
    })?;
    let at = |moment: Option<Timestamp>| moment.map(Timestamp::as_millisecond);
    let numbers = [
        Some(windows.requests.into()),
        Some(period),
        Some(windows.start.as_millisecond()),
        Some(windows.booked.into()),
        at(windows.probe_at),
        at(match windows.learning {
            Learning::Done => None,
            Learning::Begun => Some(NOT_YET),
            Learning::Seen(end) => Some(end),
        }),
        Some(windows.by_contract.into()),
        at(windows.touched),
        at(windows.resuming.map(|resuming| match resuming {
            Resuming::NotAsked => NOT_YET,
            Resuming::Asked(asked_at) => asked_at,
        })),
    ];
    let mut named = NAMES.map(|name| (name, None));
    for ((_, place), number) in named.iter_mut().zip(numbers) {
        *place = number;
    }
    Ok(named)
}

/// Decodes stored counters. `number` returns the number that is stored under a name.
///
/// # Errors
/// If a number is missing or does not fit, or if `number` fails.
pub fn decode(
    lane: impl fmt::Display,
    number: impl Fn(&'static str) -> Result<Option<i64>, Box<dyn std::error::Error + Send + Sync>>,
) -> Result<WindowsRecord, Unreadable> {
    windows(number).map_err(|why| Unreadable::new(WHAT, why).of(lane))
}

fn windows(number: impl Fn(&'static str) -> Result<Option<i64>, Why>) -> Result<WindowsRecord, Why> {
    let required = |name| Ok::<i64, Why>(number(name)?.ok_or_else(|| format!("it has no {name}"))?);
    let at = |name| number(name)?.map(moment).transpose();
    Ok(WindowsRecord {
        requests: required("requests")?.try_into()?,
        period: Duration::from_millis(required("period")?.try_into()?),
        start: moment(required("start")?)?,
        booked: required("booked")?.try_into()?,
        probe_at: at("probe_at")?,
        learning: match at("learning")? {
            None => Learning::Done,
            Some(moment) if moment == NOT_YET => Learning::Begun,
            Some(end) => Learning::Seen(end),
        },
        // The first form had no such field.
        by_contract: number("by_contract")? == Some(1),
        touched: at("touched")?,
        resuming: at("resumed")?
            .map(|moment| if moment == NOT_YET { Resuming::NotAsked } else { Resuming::Asked(moment) }),
    })
}
