//! The request counters of a brand and endpoint: how many requests Braze allows, and how many are booked.
//! They are stored as named numbers, which are columns in a data file and attributes in a table, so that a
//! store can change some and leave those that it does not know.

use std::fmt;
use std::time::Duration;

use domain::Timestamp;
use domain::reservation::{BacklogEnd, HourCount, Learning, Resuming, WindowsRecord};

use crate::error::{Unencodable, Unreadable, Why};
use crate::values::moment;

/// The name of the counters in an error.
const WHAT: &str = "limit";

/// The stored form of a moment that has not come: the epoch. No request was ever sent then.
const NOT_YET: Timestamp = Timestamp::UNIX_EPOCH;

/// The names of the numbers, in the order in which [`encode`] returns them.
pub const NAMES: [&str; 16] = [
    "requests",
    "period",
    "start",
    "booked",
    "probe_at",
    "learning",
    "by_contract",
    "touched",
    "resumed",
    "named",
    "hour_named",
    "hour_ends",
    "hour_booked",
    "opens",
    "backlog_start",
    "backlog_waiting",
];

/// The stored form of a number that no header has named. Braze allows at least one request.
const NOT_NAMED: u32 = 0;

/// Encodes counters for storage: each number with its name, or `None` to store nothing.
///
/// # Errors
/// If the length of a window has no stored form.
pub fn encode(
    lane: impl fmt::Display,
    windows: &WindowsRecord,
) -> Result<[(&'static str, Option<i64>); 16], Unencodable> {
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
        // Only a limit that was learned needs to say that no header named it.
        windows
            .named
            .or((windows.by_contract && windows.learning == Learning::Done).then_some(NOT_NAMED))
            .map(i64::from),
        windows.hour.and_then(|hour| hour.named).map(i64::from),
        at(windows.hour.map(|hour| hour.ends)),
        windows.hour.map(|hour| hour.booked.into()),
        at(windows.opens),
        at(windows.backlog.map(|backlog| backlog.start)),
        windows.backlog.map(|backlog| backlog.waiting.into()),
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
    let count = |name| number(name)?.map(u32::try_from).transpose().map_err(Why::from);
    let requests = required("requests")?.try_into()?;
    // The first form had no such field.
    let by_contract = number("by_contract")? == Some(1);
    let learning = match at("learning")? {
        None => Learning::Done,
        Some(moment) if moment == NOT_YET => Learning::Begun,
        Some(end) => Learning::Seen(end),
    };
    Ok(WindowsRecord {
        requests,
        period: Duration::from_millis(required("period")?.try_into()?),
        start: moment(required("start")?)?,
        booked: required("booked")?.try_into()?,
        probe_at: at("probe_at")?,
        learning,
        by_contract,
        touched: at("touched")?,
        resuming: at("resumed")?
            .map(|moment| if moment == NOT_YET { Resuming::NotAsked } else { Resuming::Asked(moment) }),
        named: match count("named")? {
            Some(NOT_NAMED) => None,
            Some(named) => Some(named),
            // Earlier forms did not say where the number is from. A limit that was learned was named by headers.
            None => (by_contract && learning == Learning::Done).then_some(requests),
        },
        hour: match at("hour_ends")? {
            Some(ends) => {
                let booked = count("hour_booked")?.ok_or("it has no hour_booked")?;
                Some(HourCount { named: count("hour_named")?, ends, booked })
            }
            None => None,
        },
        opens: at("opens")?,
        backlog: at("backlog_start")?
            .zip(count("backlog_waiting")?)
            .map(|(start, waiting)| BacklogEnd { start, waiting }),
    })
}
