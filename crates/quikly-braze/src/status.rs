//! `status`: shows the state of the system.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

use domain::Timestamp;
use ports::Clock;
use ports::clock::SystemClock;
use ports::operations::{LimitInUse, MOST_COUNTED, Overview, Storage};
use ports::outages::Outage;
use serde_json::{Value, json};

use crate::arguments::Status;
use crate::console;
use crate::disk::{Space, plain};
use crate::storage::Opened;

pub(crate) async fn run(arguments: Status) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let space = arguments.storage.data.as_deref().map(Space::at);
    let overview = Opened::open(arguments.storage).await?.operations().overview(now).await?;
    if arguments.json {
        console::say(&as_json(&overview, space.as_ref(), now).to_string());
    } else {
        console::say(as_text(&overview, space.as_ref(), now).trim_end());
    }
    Ok(())
}

/// How far processing is behind: for how many seconds the oldest due item has been due.
fn lag(overview: &Overview, now: Timestamp) -> u64 {
    let behind = overview.due_since.map_or(0, |since| now.duration_since(since).as_secs());
    u64::try_from(behind).unwrap_or_default()
}

fn as_json(overview: &Overview, space: Option<&io::Result<Space>>, now: Timestamp) -> Value {
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let limit = |limit: &LimitInUse| {
        json!({
            "requests": limit.requests,
            "period_ms": u64::try_from(limit.period.as_millis()).unwrap_or(u64::MAX),
            "booked": limit.booked,
            "window_ends": limit.until.to_string(),
            "refused_until": moment(limit.refused_until),
            "hour": limit.hour.map(|(booked, ends)| json!({ "booked": booked, "ends": ends.to_string() })),
            "closed_until": moment(limit.closed_until.filter(|until| now < *until)),
        })
    };
    let limits: BTreeMap<&String, Value> =
        overview.limits.iter().map(|(lane, in_use)| (lane, limit(in_use))).collect();
    let unanswered: BTreeMap<&str, Value> =
        overview.outages.iter().map(|(brand, outage)| (brand.as_str(), outage_as_json(outage))).collect();
    let space = space.and_then(|space| space.as_ref().ok());
    // Numbers of bytes would look like phone numbers.
    let megabytes = |bytes: u64| bytes / 1_000_000;
    let storage = overview.storage.map(|storage| {
        json!({
            "file_bytes": storage.file,
            "log_bytes": storage.log,
            "free_megabytes": space.map(|space| megabytes(space.free)),
            "disk_megabytes": space.map(|space| megabytes(space.size)),
        })
    });
    json!({
        "participations": overview.participations,
        "oldest_open": moment(overview.oldest_open),
        "due": overview.due,
        "due_since": moment(overview.due_since),
        "lag_seconds": lag(overview, now),
        "messages": overview.messages,
        "notices": overview.callbacks,
        "dead": overview.dead,
        "unanswered": unanswered,
        "limits": limits,
        "storage": storage,
    })
}

fn outage_as_json(outage: &Outage) -> Value {
    json!({
        "since": outage.since.to_string(),
        "tries": outage.tries,
        "last_try": outage.last_try.to_string(),
        "next_try": outage.next_try.map(|next| next.to_string()),
        "waiting": outage.waiting,
        "why": outage.why,
    })
}

fn outage_as_text(outage: &Outage) -> String {
    let Outage { since, tries, waiting, why, .. } = outage;
    let next =
        outage.next_try.map_or_else(|| "no attempt is due".to_owned(), |next| format!("next attempt {next}"));
    format!("no answer since {since}, {tries} attempts, {next}, {waiting} waiting: {why}")
}

fn as_text(overview: &Overview, space: Option<&io::Result<Space>>, now: Timestamp) -> String {
    let mut text = String::new();
    let mut section = |title: &str, lines: Vec<(String, String)>| {
        if title == "Braze does not answer" && lines.is_empty() {
            return;
        }
        let _always = writeln!(text, "{title}");
        for (name, value) in lines {
            let _always = writeln!(text, "  {name:<28} {value}");
        }
    };
    let counts = |counts: &BTreeMap<String, u64>| -> Vec<(String, String)> {
        counts.iter().map(|(name, count)| (name.clone(), count.to_string())).collect()
    };
    let moment = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let due = if overview.due == MOST_COUNTED {
        format!("{} or more", overview.due)
    } else {
        overview.due.to_string()
    };
    section("participations", counts(&overview.participations));
    section(
        "open",
        vec![
            ("oldest accepted".to_owned(), moment(overview.oldest_open)),
            ("due".to_owned(), due),
            ("lag".to_owned(), format!("{} s", lag(overview, now))),
            ("callbacks to send".to_owned(), overview.callbacks.to_string()),
        ],
    );
    let unanswered =
        overview.outages.iter().map(|(brand, outage)| (brand.to_string(), outage_as_text(outage)));
    section("Braze does not answer", unanswered.collect());
    section("messages", counts(&overview.messages));
    section("parked", counts(&overview.dead));
    let in_use = |limit: &LimitInUse| {
        let refused = limit
            .refused_until
            .map_or_else(String::new, |until| format!(", key refused, next attempt {until}"));
        let seconds = limit.period.as_secs_f64();
        let hour = limit
            .hour
            .map_or_else(String::new, |(booked, ends)| format!(", {booked} in the hour that ends at {ends}"));
        let closed = limit
            .closed_until
            .filter(|until| now < *until)
            .map_or_else(String::new, |until| format!(", Braze accepts no request before {until}"));
        let (booked, requests) = (limit.booked, limit.requests);
        format!("{booked} of {requests} in {seconds} s until {}{hour}{closed}{refused}", limit.until)
    };
    if let Some(storage) = overview.storage {
        section("data file", room(storage, space));
    }
    section("limits", overview.limits.iter().map(|(lane, limit)| (lane.clone(), in_use(limit))).collect());
    text
}

/// The space that a data file takes, and the space that is left for it.
fn room(storage: Storage, space: Option<&io::Result<Space>>) -> Vec<(String, String)> {
    let large = if storage.log > Storage::LARGE_LOG {
        ": a reader holds the data file open, so the log cannot be reset; is it a copy that hangs?"
    } else {
        ""
    };
    let left = space.map(|space| match space {
        Ok(space) => {
            let low = if space.is_low(false) { ": low; when it is full, nobody can take part" } else { "" };
            format!("{} of {}{low}", plain(space.free), plain(space.size))
        }
        Err(error) => format!("unknown: {error}"),
    });
    let log = format!("{}{large}", plain(storage.log));
    let lines = [("size", Some(plain(storage.file))), ("log", Some(log)), ("left on the disk", left)];
    lines.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
