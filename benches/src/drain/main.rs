//! How fast bursts are processed. The real connector runs against a simulated workspace in virtual time, so that hours take seconds and
//! every run is the same. Each row runs in a process of its own, so that its memory is measured alone. `--most N` leaves out larger
//! bursts, and `--circumstances` the table by flow.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

mod plot;

use std::env;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use testkit::drain::HeaderStyle;
use testkit::drain::{Burst, Drained, Flow, Limit, drain};

const FLOWS: [(Flow, &str); 3] =
    [(Flow::Email, "e-mail"), (Flow::Single, "SMS, single opt-in"), (Flow::Double, "SMS, double opt-in")];

/// The limits. Braze's default where fields are named comes first.
const LIMITS: [(Limit, &str); 3] = [
    (Limit::a_second(40), "40 a second"),
    (Limit::a_minute(2_500), "2,500 a minute"),
    (Limit::a_minute(250), "250 a minute"),
];

const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];

/// The number of participants under circumstances that are not ideal.
const UNDER: usize = 10_000;

const HEAD: &str = "limit of look-ups | participants | last look-up after | at least | ratio | all ended after | requests: look-ups, tracks, status reads, sets | 429s | looked up twice | peak memory, MiB | real time, s | µs per participant |";

/// The hidden argument of a row's process.
const ROW: &str = "--row";

/// Leaves out the table by flow.
const CIRCUMSTANCES: &str = "--circumstances";

struct DrainRow {
    what: String,
    limit: &'static str,
    burst: Burst,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(|number| number.parse::<usize>())
    };
    let mut tables = vec![("by e-mail", under_circumstances()), ("flow", by_flow())];
    if let Some(row) = after(ROW) {
        let row = tables.iter().flat_map(|(_, rows)| rows).nth(row?).context("there is no such row")?;
        println!("{}", measure(row)?);
        return Ok(());
    }
    if arguments.iter().any(|argument| argument == CIRCUMSTANCES) {
        tables.truncate(1);
    }
    let most = after("--most").unwrap_or(Ok(usize::MAX))?;
    let mut number = 0;
    for (what, rows) in tables {
        println!("| {what} | {HEAD}\n|{}", " --- |".repeat(1 + HEAD.matches('|').count()));
        for row in rows {
            if row.burst.count <= most {
                println!("{}", in_a_process_of_its_own(number)?);
            }
            number += 1;
        }
        println!();
    }
    plot::draw(&run(plot::BURST)?)
}

fn by_flow() -> Vec<DrainRow> {
    let mut rows = Vec::new();
    for (flow, what) in FLOWS {
        for (limit, name) in LIMITS {
            rows.extend(COUNTS.map(|count| DrainRow {
                what: what.to_owned(),
                limit: name,
                burst: Burst::new(flow, count, limit),
            }));
        }
    }
    rows
}

/// Ten thousand participants by e-mail, who arrive between two windows, get late answers, or are processed by two processes.
fn under_circumstances() -> Vec<DrainRow> {
    const MIDWAY: Duration = Duration::from_millis(17_300);
    const ANSWERS: [(Duration, &str); 3] = [
        (Duration::ZERO, ""),
        (Duration::from_millis(200), ", answers after 0.2 s"),
        (Duration::from_millis(400), ", answers after 0.4 s"),
    ];
    let mut rows = Vec::new();
    for (limit, name) in LIMITS {
        let burst = Burst::new(Flow::Email, UNDER, limit);
        let midway = burst.after_the_minute(MIDWAY);
        let circumstances = [
            ("on the minute", burst),
            ("17.3 s after the minute", midway),
            ("reset in whole seconds left", midway.told_by(HeaderStyle::SecondsLeft)),
            ("two processes", midway.by(2)),
            ("two processes, reset in whole seconds left", midway.told_by(HeaderStyle::SecondsLeft).by(2)),
        ];
        for (what, burst) in circumstances {
            rows.extend(ANSWERS.map(|(latency, answers)| {
                let what = format!("{what}{answers}");
                DrainRow { what, limit: name, burst: burst.answered_in(latency) }
            }));
        }
    }
    // Without headers the limit is known only from the brand file, which states it per minute.
    let (limit, name) = (Limit::a_minute(250), "250 a minute");
    let silent = Burst::new(Flow::Email, UNDER, limit).told_by(HeaderStyle::None);
    rows.push(DrainRow { what: "no headers".to_owned(), limit: name, burst: silent });
    let burst = silent.after_the_minute(Duration::from_millis(17_300));
    rows.push(DrainRow { what: "no headers, 17.3 s after the minute".to_owned(), limit: name, burst });
    rows
}

fn in_a_process_of_its_own(number: usize) -> anyhow::Result<String> {
    let this = env::current_exe()?;
    let row = Command::new(this).args([ROW, &number.to_string()]).stderr(Stdio::inherit()).output()?;
    ensure!(row.status.success(), "row {number} failed");
    let cells: Vec<String> = serde_json::from_slice(&row.stdout)?;
    Ok(format!("| {} |", cells.join(" | ")))
}

/// A row's cells, as a JSON line.
fn measure(row: &DrainRow) -> anyhow::Result<String> {
    let DrainRow { what, limit, burst } = row;
    let began = Instant::now();
    let drained = run(*burst)?;
    let took = began.elapsed();
    let requests = |endpoint: &str| drained.requests.get(endpoint).copied().unwrap_or_default();
    let requests =
        ["/users/export/ids", "/users/track", "/subscription/status/get", "/v2/subscription/status/set"]
            .map(|endpoint| requests(endpoint).to_string())
            .join(", ");
    let cells = [
        what.clone(),
        (*limit).to_owned(),
        burst.count.to_string(),
        seconds(drained.looked_up_after),
        seconds(drained.least),
        drained.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.3}")),
        seconds(drained.ended_after),
        requests,
        drained.throttled.to_string(),
        drained.twice.to_string(),
        format!("{:.0}", peak()?),
        format!("{:.1}", took.as_secs_f64()),
        (took.as_micros() / u128::try_from(burst.count)?).to_string(),
    ];
    Ok(serde_json::to_string(&cells)?)
}

/// Runs a burst in a runtime of its own, whose clock is paused.
fn run(burst: Burst) -> anyhow::Result<Drained> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    Ok(runtime.block_on(drain(burst)))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The peak memory of this process, in MiB.
fn peak() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1_024.0)
}
