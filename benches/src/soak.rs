//! One process under a steady load for a long time. Its memory, its open files and SQLite's log must not grow with time, and every participation
//! must have ended a minute after the load.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time, and paces requests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::process::BenchProcess;
use benches::spread::Spread;
use rusqlite::{Connection, OpenFlags};
use testkit::brand_text::BrandText;

const A_SECOND: u64 = 20;
const BETWEEN: Duration = Duration::from_secs(5);
/// The time by which every participation must have ended after the load.
const PATIENCE: Duration = Duration::from_secs(60);

/// How far the median of the last quarter may exceed the median of the second one: caches may still fill, and the number of connections varies.
const MOST_GROWTH: f64 = 1.15;
const MORE_MEBIBYTES: f64 = 4.0;
const MORE_FILES: f64 = 8.0;
const MORE_OF_LOG: f64 = 8.0;

/// The resources of the process at one moment.
struct Sample {
    mebibytes: f64,
    files: f64,
    /// The size of SQLite's log in MiB.
    log: f64,
    open: u64,
}

fn main() -> anyhow::Result<()> {
    let minutes = std::env::args().nth(1).context("the number of minutes is missing")?.parse::<u64>()?;
    let directory = tempfile::tempdir()?;
    let binary = std::env::current_exe()?.with_file_name("quikly-braze");
    let sim = ["sim", "--listen", "127.0.0.1:0", "--api-key", "bench", "--settle", "2s"];
    let workspace = BenchProcess::start(&binary, &sim, &[])?;
    let load = SoakLoad::start(directory.path(), &binary, &format!("http://{}", workspace.address()))?;
    let samples = load.run(Duration::from_secs(60 * minutes))?;
    load.all_end()?;
    print(&samples);
    let quarter = samples.len() / 4;
    ensure!(quarter > 0, "{} samples are too few", samples.len());
    let (early, late) = (&samples[quarter..2 * quarter], &samples[samples.len() - quarter..]);
    must_not_grow("MiB of memory", early, late, MORE_MEBIBYTES, |sample| sample.mebibytes)?;
    must_not_grow("open files", early, late, MORE_FILES, |sample| sample.files)?;
    must_not_grow("MiB of SQLite's log", early, late, MORE_OF_LOG, |sample| sample.log)
}

/// A server and its data file.
struct SoakLoad {
    server: BenchProcess,
    data: PathBuf,
    reader: Connection,
}

impl SoakLoad {
    fn start(directory: &Path, binary: &Path, endpoint: &str) -> anyhow::Result<Self> {
        let (brands, data) = (directory.join("brands"), directory.join("data.sqlite"));
        fs::create_dir(&brands)?;
        let limits = "settle = \"2s\"\nlimits = { export_ids_per_minute = 100000 }";
        let brand = BrandText::of("acme", endpoint, "{ env = \"ACME_BENCH_KEY\" }").with(limits);
        let brand = brand.activation("spring").email("attributes = { quikly_participant = true }");
        let brand = brand.sms("opt_in = \"single\"").first("first", 1_000, "reward = \"A\"");
        fs::write(brands.join("acme.toml"), brand.to_string())?;
        let (brands, file) = (brands.display().to_string(), data.display().to_string());
        let serve = ["serve", "--brands", &brands, "--data", &file, "--listen", "127.0.0.1:0"];
        let no_limits = ["--requests-per-client", "0", "--connections-per-client", "0"];
        let environment = [("ACME_BENCH_KEY", "bench"), ("RUST_LOG", "warn")];
        let server = BenchProcess::start(binary, &[&serve[..], &no_limits].concat(), &environment)?;
        let reader = Connection::open_with_flags(&data, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Self { server, data, reader })
    }

    /// Posts participations at a steady rate, every second one by mobile number.
    fn run(&self, time: Duration) -> anyhow::Result<Vec<Sample>> {
        let began = Instant::now();
        let mut samples = Vec::new();
        for number in 0.. {
            let due = Duration::from_millis(number * 1_000 / A_SECOND);
            if due >= time {
                break;
            }
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            let body = if number % 2 == 0 {
                format!(r#"{{"scope":"spring","email":"consumer-{number}@example.com"}}"#)
            } else {
                // Numbers in Detroit and New York.
                let area = if number % 4 == 1 { 313 } else { 212 };
                format!(
                    r#"{{"scope":"spring","phone":"+1{area}{:07}","consent":true}}"#,
                    2_000_000 + number % 7_999_999
                )
            };
            self.server.post("/participations", &body)?;
            if due >= BETWEEN * u32::try_from(samples.len() + 1)? {
                samples.push(self.sample()?);
            }
        }
        Ok(samples)
    }

    fn sample(&self) -> anyhow::Result<Sample> {
        let (mebibytes, files) = self.server.holds()?;
        let log = fs::metadata(self.data.with_extension("sqlite-wal")).map_or(0, |file| file.len());
        #[expect(clippy::cast_precision_loss, reason = "counts and sizes")]
        Ok(Sample { mebibytes, files: files as f64, log: log as f64 / 1_048_576.0, open: self.open()? })
    }

    /// The number of participations that have not ended.
    fn open(&self) -> anyhow::Result<u64> {
        let query = "SELECT count(*) FROM participations WHERE due_at IS NOT NULL";
        Ok(self.reader.query_row(query, [], |row| row.get(0))?)
    }

    fn all_end(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.open()? > 0 {
            ensure!(began.elapsed() < PATIENCE, "{} have not ended", self.open()?);
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

fn print(samples: &[Sample]) {
    println!("{A_SECOND} participations a second; each line is a tenth of the time: min / median / max\n");
    println!("| MiB of memory | open files | MiB of SQLite's log | not ended yet |");
    println!("| --- | --- | --- | --- |");
    for some in samples.chunks(samples.len().div_ceil(10).max(1)) {
        let spread = |of: fn(&Sample) -> f64| spread(some, of);
        #[expect(clippy::cast_precision_loss, reason = "a count")]
        let open = spread(|sample| sample.open as f64);
        println!(
            "| {:.1} | {:.0} | {:.1} | {open:.0} |",
            spread(|sample| sample.mebibytes),
            spread(|sample| sample.files),
            spread(|sample| sample.log)
        );
    }
}

fn spread(samples: &[Sample], of: fn(&Sample) -> f64) -> Spread {
    let mut spread = Spread::default();
    samples.iter().for_each(|sample| spread.add(of(sample)));
    spread
}

fn must_not_grow(
    what: &str,
    early: &[Sample],
    late: &[Sample],
    more: f64,
    of: fn(&Sample) -> f64,
) -> anyhow::Result<()> {
    let (before, after) = (spread(early, of).median(), spread(late, of).median());
    ensure!(after <= before * MOST_GROWTH + more, "{what} grew from {before:.1} to {after:.1}");
    Ok(())
}
