//! The state of the system as JSON.

use std::collections::BTreeMap;
use std::io;

use domain::Timestamp;
use ports::operations::{LimitInUse, Overview};
use ports::outages::Outage;
use reports::language::Language;
use reports::now::BrandNow;
use serde_json::{Value, json};

use super::lag;
use crate::disk::Space;

pub(super) fn status(
    overview: &Overview,
    brands: &[BrandNow],
    space: Option<&io::Result<Space>>,
    now: Timestamp,
) -> Value {
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
        "brands": brands.iter().map(brand).collect::<Vec<_>>(),
        "paused": paused(overview),
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

fn brand(one: &BrandNow) -> Value {
    json!({
        "brand": one.brand.as_str(),
        "condition": one.condition.code(),
        "text": { "en": one.text(Language::English), "fr": one.text(Language::French) },
        "open": one.work.open,
        "waiting_for_requests": one.work.for_requests,
        "due": one.work.due,
        "due_since": one.work.due_since.map(|since| since.to_string()),
        "parked_callbacks": one.work.parked,
        "done_at": one.drained_at().map(|at| at.to_string()),
    })
}

/// The paused activations, with the beginning of each pause.
fn paused(overview: &Overview) -> BTreeMap<&str, String> {
    overview.paused.iter().map(|(scope, since)| (scope.as_str(), since.to_string())).collect()
}
