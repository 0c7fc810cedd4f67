//! An import of a million rows beside a server: rate and memory, what it costs those who take part meanwhile, and what an import that is
//! killed twice leaves.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::disk;
use benches::load::{self, Measured, POSTERS};
use benches::process::BenchProcess;
use benches::spread::{Spread, milliseconds};
use testkit::brand_text::BrandText;

const ROWS: usize = 1_000_000;
const ROUNDS: usize = 5;
const CLIENTS: usize = 16;
const POSTS_A_SECOND: f64 = 200.0;
const POSTING: Duration = Duration::from_secs(4);

/// The files that are compared have the same ids for the same consumers.
const ID_KEY: (&str, &str) =
    ("QUIKLY_BRAZE_ID_KEY", "0707070707070707070707070707070707070707070707070707070707070707");
const API_KEY: (&str, &str) = ("ACME_BENCH_KEY", "bench");

fn brand(endpoint: &str) -> BrandText {
    let acme = BrandText::of("acme", endpoint, "{ env = \"ACME_BENCH_KEY\" }")
        .with("identity = \"email\"\n[intake]\nopen_to_anybody = true");
    acme.activation("spring")
        .email("attributes = { quikly_participant = true }")
        .activation("list")
        .email("attributes = { quikly_participant = true }")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let binary = std::env::current_exe()?.with_file_name("quikly-braze");
    let sim = ["sim", "--listen", "127.0.0.1:0", "--api-key", "bench"];
    let workspace = BenchProcess::start(&binary, &sim, &[])?;
    let imports = ListImports::make(binary, directory.path(), &format!("http://{}", workspace.address()))?;
    println!("disk: fdatasync p50 {:.2} ms", milliseconds(disk::probe(directory.path())?));
    imports.whole().await?;
    imports.killed_twice()
}

/// The list to import, and where.
struct ListImports {
    binary: PathBuf,
    directory: PathBuf,
    list: PathBuf,
}

impl ListImports {
    fn make(binary: PathBuf, directory: &Path, endpoint: &str) -> anyhow::Result<Self> {
        let brands = directory.join("brands");
        fs::create_dir(&brands)?;
        fs::write(brands.join("acme.toml"), brand(endpoint).to_string())?;
        let list = directory.join("list.csv");
        let mut file = BufWriter::new(fs::File::create(&list)?);
        writeln!(file, "email")?;
        for number in 0..ROWS {
            writeln!(file, "subscriber-{number}@example.com")?;
        }
        file.flush()?;
        Ok(Self { binary, directory: directory.to_owned(), list })
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    fn serve(&self, data: &str) -> anyhow::Result<BenchProcess> {
        let [brands, data] = ["brands", data].map(|name| self.directory.join(name));
        BenchProcess::serve(&self.binary, (&brands, &data), &[API_KEY, ID_KEY])
    }

    fn import(&self, data: &str) -> anyhow::Result<Child> {
        let mut command = Command::new(&self.binary);
        let (brands, data) = (self.path("brands"), self.path(data));
        command.args(["import", "--scope", "list", "--brands", &brands, "--data", &data, "--json"]);
        command.arg(&self.list).envs([API_KEY, ID_KEY]).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().context("an import")
    }

    /// An import beside a server, with those who take part alone and meanwhile.
    async fn whole(&self) -> anyhow::Result<()> {
        let server = self.serve("whole.sqlite")?;
        let next = Arc::new(AtomicU64::new(0));
        let at = (CLIENTS, POSTS_A_SECOND);
        let (mut alone, mut beside) = (PostRow::default(), PostRow::default());
        for _ in 0..ROUNDS {
            alone.add(&load::post_at(server.address(), POSTERS, at, POSTING, next.clone()).await?);
        }
        let started = Instant::now();
        let mut import = self.import("whole.sqlite")?;
        let mut peak: f64 = 0.0;
        while import.try_wait()?.is_none() {
            beside.add(&load::post_at(server.address(), POSTERS, at, POSTING, next.clone()).await?);
            peak = peak.max(peak_memory(import.id()).unwrap_or(0.0));
        }
        let took = started.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a count of rows")]
        let rate = ROWS as f64 / took;
        println!("{ROWS} rows in {took:.0} s, {rate:.0} a second; at most {peak:.0} MiB");
        println!("said: {}\n", said(import)?);
        println!("| POST, {POSTS_A_SECOND} a second | p50 ms | p99 ms |\n| --- | --- | --- |");
        for (name, row) in [("alone", &alone), ("beside the import", &beside)] {
            println!("| {name} | {:.2} | {:.2} |", row.p50, row.p99);
        }
        Ok(())
    }

    /// An import that is killed twice, after about a third of its rows each time, and then runs to its end.
    fn killed_twice(&self) -> anyhow::Result<()> {
        drop(self.serve("killed.sqlite")?);
        for rows in [ROWS / 3, 2 * ROWS / 3] {
            let mut import = self.import("killed.sqlite")?;
            while self.stored("killed.sqlite")? < rows {
                ensure!(import.try_wait()?.is_none(), "it ended before {rows} rows");
                std::thread::sleep(Duration::from_millis(100));
            }
            import.kill()?;
            import.wait()?;
            println!("\nkilled with {} rows stored", self.stored("killed.sqlite")?);
        }
        println!("then it said: {}", said(self.import("killed.sqlite")?)?);
        let [whole, killed] = ["whole.sqlite", "killed.sqlite"].map(|data| self.ids(data));
        let (whole, killed) = (whole?, killed?);
        ensure!(whole == killed, "{} and {} participations differ", whole.len(), killed.len());
        println!("{} participations, the same as without a kill", killed.len());
        Ok(())
    }

    /// How many participations an import has stored so far.
    fn stored(&self, data: &str) -> anyhow::Result<usize> {
        let file = rusqlite::Connection::open(self.directory.join(data))?;
        let sql = "SELECT count FROM tallies WHERE what = 'accepted' AND name = 'list'";
        let counted: rusqlite::Result<usize> = file.query_row(sql, [], |row| row.get(0));
        match counted {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(0),
            counted => Ok(counted?),
        }
    }

    /// The ids of the imported participations, in order.
    fn ids(&self, data: &str) -> anyhow::Result<Vec<[u8; 16]>> {
        let file = rusqlite::Connection::open(self.directory.join(data))?;
        let sql = "SELECT id FROM participations WHERE record ->> '$.scope' = 'list' ORDER BY id";
        let mut statement = file.prepare(sql)?;
        let ids = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(ids)
    }
}

/// What a command has printed, once it has ended with success.
fn said(command: Child) -> anyhow::Result<String> {
    let output = command.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    ensure!(output.status.success(), "it failed: {text}");
    Ok(text)
}

/// The peak memory of a process in MiB, while it runs.
fn peak_memory(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes / 1_024.0)
}

#[derive(Default)]
struct PostRow {
    p50: Spread,
    p99: Spread,
}

impl PostRow {
    fn add(&mut self, measured: &Measured) {
        self.p50.add(milliseconds(measured.p50));
        self.p99.add(milliseconds(measured.p99));
    }
}
