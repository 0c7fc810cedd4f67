//! A report as JSON.

use domain::Timestamp;
use reports::activation::{ActivationReport, Funnel, IncentiveReport, Leak, Minute, Speed};
use serde_json::{Map, Value, json};

pub(super) fn report(report: &ActivationReport) -> Value {
    let ways = report.by_channel.iter();
    let ways: Map<String, Value> =
        ways.map(|(channel, of)| (channel.name().to_owned(), funnel(of))).collect();
    let speeds: Map<String, Value> =
        report.speed.iter().map(|(stage, of)| (stage.name().to_owned(), speed(of))).collect();
    json!({
        "scope": report.scope.as_str(),
        "at": report.at.to_string(),
        "opens": report.open.map(|(opens, _)| opens.to_string()),
        "closes": report.open.map(|(_, closes)| closes.to_string()),
        "paused_since": report.paused_since.map(|since| since.to_string()),
        "final": report.is_final(),
        "funnel": funnel(&report.funnel),
        "ways": ways,
        "speed": speeds,
        "incentives": report.incentives.iter().map(incentive).collect::<Vec<_>>(),
        "minutes": report.minutes.iter().map(minute).collect::<Vec<_>>(),
    })
}

fn funnel(funnel: &Funnel) -> Value {
    json!({
        "accepted": funnel.accepted,
        "not_credited": leaks(&funnel.not_credited),
        "under_way": funnel.under_way(),
        "credited": funnel.credited,
        "without_reward": leaks(&funnel.without_reward),
        "may_still_win": funnel.may_still_win(),
        "rewarded": funnel.rewarded,
        "on_profile": funnel.on_profile,
    })
}

fn leaks(leaks: &[Leak]) -> Value {
    leaks
        .iter()
        .map(|leak| (leak.reason.name().to_owned(), Value::from(leak.count)))
        .collect::<Map<_, _>>()
        .into()
}

fn speed(speed: &Speed) -> Value {
    let [p50, p95, p99, slowest] = [speed.half, speed.most, speed.nearly_all, speed.slowest]
        .map(|within| u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
    json!({ "count": speed.count, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "slowest_ms": slowest })
}

fn incentive(incentive: &IncentiveReport) -> Value {
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "id": incentive.id.as_str(),
        "quantity": incentive.quantity,
        "given": incentive.given,
        "held": incentive.held,
        "left": incentive.left(),
        "waiting": incentive.waiting,
        "tickets": incentive.tickets,
        "drawn_at": moment(incentive.drawn_at),
        "all_given_at": moment(incentive.all_given_at),
    })
}

fn minute(minute: &Minute) -> Value {
    json!({
        "from": minute.from.to_string(),
        "accepted": minute.accepted,
        "credited": minute.credited,
        "rewarded": minute.rewarded,
    })
}
