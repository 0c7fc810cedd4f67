//! The state of the system for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

use domain::Timestamp;
use ports::operations::{LimitInUse, MOST_COUNTED, Overview, Storage};
use ports::outages::Outage;
use reports::language::Language;
use reports::now::BrandNow;

use super::lag;
use crate::disk::{Space, plain};

fn outage_as_text(outage: &Outage) -> String {
    let Outage { since, tries, waiting, why, .. } = outage;
    let next =
        outage.next_try.map_or_else(|| "no attempt is due".to_owned(), |next| format!("next attempt {next}"));
    format!("no answer since {since}, {tries} attempts, {next}, {waiting} waiting: {why}")
}

/// The whole state, with how each brand stands at the top.
pub(super) fn status(
    overview: &Overview,
    (brands, language): (&[BrandNow], Language),
    space: Option<&io::Result<Space>>,
    now: Timestamp,
) -> String {
    let mut text = of_brands(brands, language);
    text.push('\n');
    let mut section = |title: &str, lines: Vec<(String, String)>| {
        if ["Braze does not answer", "paused"].contains(&title) && lines.is_empty() {
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
    let paused = overview.paused.iter();
    section("paused", paused.map(|(scope, since)| (scope.to_string(), format!("since {since}"))).collect());
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

/// How each brand stands.
pub(super) fn of_brands(brands: &[BrandNow], language: Language) -> String {
    let mut text = String::new();
    for one in brands {
        let _always = writeln!(text, "{}: {}", one.brand, one.text(language));
    }
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
