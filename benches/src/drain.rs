//! How fast bursts are worked off: the real connector at a simulated workspace, in virtual time, so that hours take seconds and a run is
//! the same every time. `--most N` leaves out larger bursts; `--plot FILE` draws a burst of ten thousand.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;
use tests::drain::{Drained, Flow, Limit, drain};

const FLOWS: [(Flow, &str); 3] =
    [(Flow::Email, "e-mail"), (Flow::Single, "SMS, single opt-in"), (Flow::Double, "SMS, double opt-in")];

const LIMITS: [(Limit, &str); 3] = [
    (Limit::a_minute(250), "250 a minute"),
    (Limit::a_minute(2_500), "2,500 a minute"),
    (Limit::a_second(40), "40 a second"),
];

const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];

const PLOTTED: usize = 10_000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    if let Some(file) = after("--plot") {
        return plot(&file);
    }
    let most: usize = after("--most").map_or(Ok(usize::MAX), |most| most.parse())?;
    println!(
        "| flow | limit of look-ups | participants | last look-up after | at least | used of the limit | all ended after | requests: look-ups, tracks, status reads, sets | 429s | real time, s | us a participant | peak memory, MiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (flow, flow_name) in FLOWS {
        for (limit, limit_name) in LIMITS {
            for count in COUNTS.into_iter().filter(|count| *count <= most) {
                let began = Instant::now();
                let drained = run(flow, count, limit)?;
                println!("| {flow_name} | {limit_name} {}", row(&drained, count, limit, began.elapsed())?);
            }
        }
    }
    Ok(())
}

/// A runtime of its own for each run, whose clock is paused.
fn run(flow: Flow, count: usize, limit: Limit) -> anyhow::Result<Drained> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    Ok(runtime.block_on(drain(flow, count, limit)))
}

fn row(drained: &Drained, count: usize, limit: Limit, took: Duration) -> anyhow::Result<String> {
    let least = limit.window * u32::try_from(drained.least_windows.saturating_sub(1))?;
    let requests = |endpoint: &str| drained.requests.get(endpoint).copied().unwrap_or_default();
    let requests =
        ["/users/export/ids", "/users/track", "/subscription/status/get", "/v2/subscription/status/set"]
            .map(|endpoint| requests(endpoint).to_string())
            .join(", ");
    let each = took.as_micros() / u128::try_from(count)?;
    Ok(format!(
        "| {count} | {} | {} | {:.1} % | {} | {requests} | {} | {:.1} | {each} | {:.0} |",
        seconds(drained.looked_up_after),
        seconds(least),
        100.0 * drained.ratio(),
        seconds(drained.ended_after),
        drained.throttled,
        took.as_secs_f64(),
        peak()?
    ))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The most memory that this process was resident with, in MiB.
fn peak() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1_024.0)
}

/// Draws how many wait, second by second, and the line that the limit allows at best.
fn plot(file: &str) -> anyhow::Result<()> {
    let limit = Limit::a_minute(250);
    let drained = run(Flow::Email, PLOTTED, limit)?;
    let last = drained.ended_after.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts that are drawn")]
    let point = |after: f64, waiting: usize| {
        (70.0 + 700.0 * after / last, 370.0 - 330.0 * waiting as f64 / PLOTTED as f64)
    };
    let path = |points: Vec<(f64, f64)>| {
        points.into_iter().fold(String::new(), |mut path, (x, y)| {
            let _infallible = write!(path, "{x:.1},{y:.1} ");
            path
        })
    };
    let measured = path(
        drained.backlog.iter().step_by(5).map(|(after, left)| point(after.as_secs_f64(), *left)).collect(),
    );
    let windows = limit.windows(PLOTTED);
    let mut best = Vec::new();
    for window in 0..=windows {
        let opens = limit.window.as_secs_f64() * f64::from(u32::try_from(window)?);
        let before = PLOTTED.saturating_sub(window * limit.requests as usize);
        let after = PLOTTED.saturating_sub((window + 1) * limit.requests as usize);
        best.extend([point(opens.min(last), before), point(opens.min(last), after)]);
    }
    let hours = (0..=4).map(|quarter| {
        let after = last * f64::from(quarter) / 4.0;
        let (x, _) = point(after, 0);
        format!("<text x=\"{x:.0}\" y=\"390\" text-anchor=\"middle\">{:.0} min</text>", after / 60.0)
    });
    let counts = (0..=4).map(|quarter| {
        let waiting = PLOTTED * quarter / 4;
        let (_, y) = point(0.0, waiting);
        format!("<text x=\"62\" y=\"{:.0}\" text-anchor=\"end\">{waiting}</text>", y + 4.0)
    });
    let labels: String = hours.chain(counts).collect();
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 410\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"800\" height=\"410\" fill=\"white\"/>\n\
         <text x=\"70\" y=\"22\" font-size=\"14\">Ten thousand by e-mail at once, 250 look-ups a minute: how many wait</text>\n\
         <path d=\"M70,40 V370 H770\" fill=\"none\" stroke=\"#444\"/>\n{labels}\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#d95f02\" stroke-width=\"5\" opacity=\"0.5\"/>\n\
         <polyline points=\"{measured}\" fill=\"none\" stroke=\"#1b5e9e\" stroke-width=\"1.5\"/>\n\
         <text x=\"560\" y=\"60\" fill=\"#1b5e9e\">measured</text>\n\
         <text x=\"560\" y=\"78\" fill=\"#d95f02\">the best that the limit allows</text>\n</svg>\n",
        path(best)
    );
    fs::write(file, svg)?;
    println!("{file}: the last look-up after {}", seconds(drained.looked_up_after));
    Ok(())
}
