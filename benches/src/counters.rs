//! What it costs those who take part that a crowd watches a counter: the real binary, posts at half of what it accepts, alone and beside
//! conditional GETs from a thousand connections.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use benches::disk;
use benches::load::{self, Measured, POSTERS};
use benches::process::BenchProcess;
use benches::spread::{Spread, milliseconds};
use benches::watch::{self, WatchedAnswers};
use testkit::brand_text::BrandText;

const ROUNDS: usize = 5;
const CLIENTS: usize = 128;
const WATCHERS: u32 = 1_000;
const GETS_A_SECOND: u32 = 10_000;
const POSTING: Duration = Duration::from_secs(4);

fn brand(endpoint: &str) -> BrandText {
    let acme = BrandText::of("acme", endpoint, "{ env = \"ACME_BENCH_KEY\" }")
        .with("identity = \"email\"\n[intake]\nopen_to_anybody = true");
    acme.activation("spring").email("incentive = \"first\"").first("first", 10_000_000, "reward = \"A\"")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let binary = std::env::current_exe()?.with_file_name("quikly-braze");
    let sim = ["sim", "--listen", "127.0.0.1:0", "--api-key", "bench"];
    let workspace = BenchProcess::start(&binary, &sim, &[])?;
    let brands = directory.path().join("brands");
    std::fs::create_dir(&brands)?;
    let file = brand(&format!("http://{}", workspace.address())).to_string();
    std::fs::write(brands.join("acme.toml"), file).context("the brand file")?;
    let data = directory.path().join("data.sqlite");
    let server = BenchProcess::serve(&binary, (&brands, &data), &[("ACME_BENCH_KEY", "bench")])?;
    println!("disk: fdatasync p50 {:.2} ms\n", milliseconds(disk::probe(directory.path())?));
    let next = Arc::new(AtomicU64::new(0));
    let most = load::post(server.address(), POSTERS, CLIENTS, POSTING, next.clone()).await?.per_second;
    let mut rows = CounterRows::default();
    for _ in 0..ROUNDS {
        let alone =
            load::post_at(server.address(), POSTERS, (CLIENTS, most / 2.0), POSTING, next.clone()).await?;
        let (beside, seen, took) = beside_watchers(&server, most / 2.0, next.clone()).await?;
        rows.add(&alone, &beside, &seen, took);
    }
    rows.print(most);
    Ok(())
}

/// Posts while a thousand connections watch the counter.
async fn beside_watchers(
    server: &BenchProcess,
    posts: f64,
    next: Arc<AtomicU64>,
) -> anyhow::Result<(Measured, WatchedAnswers, Duration)> {
    let over = Arc::new(AtomicBool::new(false));
    let every = Duration::from_secs(1) * WATCHERS / GETS_A_SECOND;
    let started = Instant::now();
    let watchers =
        watch::watch(server.address(), "/incentives/spring/first", (WATCHERS, every), over.clone());
    let watchers = tokio::spawn(watchers);
    let posted = load::post_at(server.address(), POSTERS, (CLIENTS, posts), POSTING, next).await?;
    over.store(true, Ordering::Relaxed);
    Ok((posted, watchers.await??, started.elapsed()))
}

#[derive(Default)]
struct CounterRows {
    alone: [Spread; 3],
    beside: [Spread; 3],
    times: Spread,
    gets: Spread,
    unchanged: Spread,
}

impl CounterRows {
    fn add(&mut self, alone: &Measured, beside: &Measured, seen: &WatchedAnswers, took: Duration) {
        for (row, measured) in [(&mut self.alone, alone), (&mut self.beside, beside)] {
            let [per_second, p50, p99] = row;
            per_second.add(measured.per_second);
            p50.add(milliseconds(measured.p50));
            p99.add(milliseconds(measured.p99));
        }
        self.times.add(beside.p99.as_secs_f64() / alone.p99.as_secs_f64());
        self.gets.add(f64::from(seen.answers) / took.as_secs_f64());
        self.unchanged.add(f64::from(seen.unchanged) / f64::from(seen.answers.max(1)));
    }

    fn print(&self, most: f64) {
        println!("At most {most:.0} posts a second from {CLIENTS} clients; half of that are sent.\n");
        println!("| POST | per second | p50 ms | p99 ms |");
        println!("| --- | --- | --- | --- |");
        let beside = format!("beside GETs of {WATCHERS} connections");
        for (name, [per_second, p50, p99]) in [("alone", &self.alone), (beside.as_str(), &self.beside)] {
            println!("| {name} | {per_second:.0} | {p50:.2} | {p99:.2} |");
        }
        println!(
            "\nThe p99 is {:.2} times that alone. {:.0} GETs a second were answered, {:.2} of them with 304. Every post was accepted.",
            self.times, self.gets, self.unchanged
        );
    }
}
