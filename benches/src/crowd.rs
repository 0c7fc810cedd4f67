//! What a crowd costs readers and new participants: the real binary over a data file with a million participations, of which 200,000
//! wait and 100,000 have a ticket in a drawn raffle, compared with ten of each.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time, and paces requests")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::disk;
use benches::load::{self, POSTERS};
use benches::process::BenchProcess;
use benches::spread::{Spread, milliseconds};
use domain::award::{Award, Resolution};
use domain::brand::Brands;
use domain::id_key::IdKey;
use domain::ids::{IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::Offer;
use domain::ledger::{Entry, Rules};
use domain::participation::{Outcome, Participation, State};
use embedded::DataFile;
use futures::future::try_join_all;
use ports::clock::{SystemChance, SystemClock};
use ports::store::MOST_ITEMS;
use ports::{Clock, Ledger, Store};
use testkit::brand_text::BrandText;
use testkit::{changed, participation};

const PARTICIPATIONS: usize = 1_000_000;
const WAITING: usize = 200_000;
const LOTS: usize = 100_000;
const FEW: usize = 10;
const TOGETHER: usize = 1_000;

const ROUNDS: usize = 5;
const GETS: usize = 400;
const GETS_A_SECOND: u64 = 20;
const POSTING: Duration = Duration::from_secs(4);
const CLIENTS: usize = 4;

/// Two incentives with a queue, and two raffles: one of each for a few, one for many.
fn brand(endpoint: &str) -> BrandText {
    let acme = BrandText::of("acme", endpoint, "{ env = \"ACME_BENCH_KEY\" }").with("identity = \"email\"");
    let spring = acme.activation("spring").email("attributes = { quikly_participant = true }");
    let one = "reward = \"A\"";
    let raffle = "kind = \"raffle\"\nquantity = 3\nreward = \"A\"\ncloses = 2050-01-01T00:00:00Z";
    let spring = spring.first("few-wait", 1, one).first("many-wait", 1, one);
    spring.incentive("few-lots", raffle).incentive("many-lots", raffle)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let binary = std::env::current_exe()?.with_file_name("quikly-braze");
    let workspace =
        BenchProcess::start(&binary, &["sim", "--listen", "127.0.0.1:0", "--api-key", "bench"], &[])?;
    let crowd = Crowd::make(directory.path(), &format!("http://{}", workspace.address())).await?;
    let started = Instant::now();
    let server = crowd.serve(&binary)?;
    println!("{PARTICIPATIONS} participations; started in {:.1} s", started.elapsed().as_secs_f64());
    println!("disk: fdatasync p50 {:.2} ms\n", milliseconds(disk::probe(directory.path())?));
    gets(&server, &crowd).await?;
    posts(&server, &crowd, &binary).await?;
    status(&crowd, &binary)
}

/// A data file with a crowd in it.
struct Crowd {
    brands_directory: PathBuf,
    data: PathBuf,
    /// The last participation that waits behind few others, and the last that waits behind many.
    last: [ParticipationId; 2],
}

impl Crowd {
    async fn make(directory: &Path, endpoint: &str) -> anyhow::Result<Self> {
        let (brands_directory, data) = (directory.join("brands"), directory.join("data.sqlite"));
        fs::create_dir(&brands_directory)?;
        let brand = brand(endpoint);
        fs::write(brands_directory.join("acme.toml"), brand.to_string())?;
        let brands = brand.brands();
        let file = DataFile::open(&data, Arc::new(SystemClock))?;
        let id_key = file.id_key(None, &SystemChance).await?;
        let maker = Maker { file, id_key, brands };
        let few = maker.enter("few-wait", FEW + 1, Offer::ByPlace).await?;
        let many = maker.enter("many-wait", WAITING + 1, Offer::ByPlace).await?;
        for (incentive, lots) in [("few-lots", FEW), ("many-lots", LOTS)] {
            let ids = maker.enter(incentive, lots, Offer::Lot).await?;
            maker.draw(incentive, &ids).await?;
        }
        let others = PARTICIPATIONS - 2 * FEW - WAITING - LOTS - 2;
        maker.enter("none", others, Offer::ByPlace).await?;
        let last = |ids: Vec<ParticipationId>| ids.last().copied().context("a waiting participation");
        Ok(Self { brands_directory, data, last: [last(few)?, last(many)?] })
    }

    fn serve(&self, binary: &Path) -> anyhow::Result<BenchProcess> {
        BenchProcess::serve(binary, (&self.brands_directory, &self.data), &[("ACME_BENCH_KEY", "bench")])
    }
}

/// Makes participations that have ended, so that no work is left for them.
struct Maker {
    file: DataFile,
    id_key: IdKey,
    brands: Brands,
}

impl Maker {
    /// Puts `count` participations into an incentive's ledger. The name `none` stands for no incentive.
    async fn enter(
        &self,
        incentive: &str,
        count: usize,
        offer: Offer,
    ) -> anyhow::Result<Vec<ParticipationId>> {
        let mut ids = Vec::with_capacity(count);
        for from in (0..count).step_by(TOGETHER) {
            let some: Vec<(Participation, Option<Entry>)> = (from..count.min(from + TOGETHER))
                .map(|number| self.one(incentive, number, &offer))
                .collect::<anyhow::Result<_>>()?;
            ids.extend(some.iter().map(|(participation, _)| participation.id()));
            let inserts = some.iter().map(|(one, entry)| self.file.insert(one, entry.as_ref()));
            try_join_all(inserts).await?;
        }
        Ok(ids)
    }

    fn one(
        &self,
        incentive: &str,
        number: usize,
        offer: &Offer,
    ) -> anyhow::Result<(Participation, Option<Entry>)> {
        let one = participation("acme", "spring", &format!("{incentive}-{number}@example.com"));
        let contact = one.contact().context("a contact")?;
        let id = self.id_key.participation(one.scope(), &contact);
        let has_award = incentive != "none";
        let one = changed(&one, |kept| {
            (kept.id, kept.has_award) = (id, has_award);
            (kept.state, kept.due_at) = (State::Ended(Outcome::Enrolled), None);
        });
        if incentive == "none" {
            return Ok((one, None));
        }
        let participant = self.id_key.contact(one.brand(), &contact);
        let whose = (one.id(), one.brand().clone());
        let award = Award::new(whose, ledger(incentive)?, participant, offer.clone());
        Ok((one, Some(Entry { award, rules: self.rules(incentive)? })))
    }

    fn rules(&self, incentive: &str) -> anyhow::Result<Rules> {
        let brand = self.brands.iter().next().context("a brand")?;
        let rules = Rules::of(brand, &ledger(incentive)?, &self.id_key);
        Ok(Rules { call_back: false, ..rules })
    }

    async fn draw(&self, incentive: &str, ids: &[ParticipationId]) -> anyhow::Result<()> {
        let (ledger, rules, now) = (ledger(incentive)?, self.rules(incentive)?, SystemClock.now());
        for some in ids.chunks(MOST_ITEMS) {
            let resolutions: Vec<_> = some.iter().map(|id| (*id, Resolution::Credit)).collect();
            self.file.resolve(&rules, &resolutions, now).await?;
        }
        let drawn = self.file.draw(&rules, &self.id_key.raffle_seed(&ledger), now).await?;
        let winners = drawn.context("a draw")?.moved_up;
        // The winners need no further processing.
        self.file.noted(&winners).await?;
        Ok(())
    }
}

fn ledger(incentive: &str) -> anyhow::Result<LedgerKey> {
    Ok(LedgerKey { scope: Scope::parse("spring")?, incentive: Some(IncentiveId::parse(incentive)?) })
}

/// The cost of a GET, compared with the same GET over ten participations. The two take turns.
async fn gets(server: &BenchProcess, crowd: &Crowd) -> anyhow::Result<()> {
    let whole = |path: &str| path.to_owned();
    let pairs = [
        ("participation that waits last", crowd.last.map(|id| format!("/participations/{id}"))),
        (
            "incentive with a waiting list",
            ["few-wait", "many-wait"].map(|id| format!("/incentives/spring/{id}")),
        ),
        ("drawn raffle", ["few-lots", "many-lots"].map(|id| format!("/incentives/spring/{id}"))),
        (
            "ten of its tickets",
            [
                whole("/incentives/spring/few-lots/tickets"),
                whole("/incentives/spring/many-lots/tickets?after=90000&limit=10"),
            ],
        ),
    ];
    println!("| GET | with ten, ms | with the crowd, ms | times |");
    println!("| --- | --- | --- | --- |");
    let client = CrowdClient::new(server.address());
    for (name, paths) in pairs {
        let (mut few, mut many, mut times) = (Spread::default(), Spread::default(), Spread::default());
        for _ in 0..ROUNDS {
            let mut each = [Vec::new(), Vec::new()];
            for _ in 0..GETS {
                for (path, took) in paths.iter().zip(&mut each) {
                    took.push(client.get(path).await?);
                }
            }
            let [a, b] = each.map(|mut took| {
                took.sort_unstable();
                milliseconds(took.get(took.len() / 2).copied().unwrap_or_default())
            });
            few.add(a);
            many.add(b);
            times.add(b / a);
        }
        println!("| {name} | {few:.3} | {many:.3} | {times:.2} |");
    }
    println!("\nMedians of {GETS} by round; min / median / max of {ROUNDS} rounds.\n");
    Ok(())
}

/// A client that opens a connection for each request. Opening it is not measured.
struct CrowdClient {
    address: SocketAddr,
}

impl CrowdClient {
    fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Duration> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let started = Instant::now();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let took = started.elapsed();
        ensure!(answer.starts_with(b"HTTP/1.1 200"), "{path}: {}", String::from_utf8_lossy(&answer));
        Ok(took)
    }
}

/// How long new participants wait: alone, together with readers, and while a person is forgotten.
async fn posts(server: &BenchProcess, crowd: &Crowd, binary: &Path) -> anyhow::Result<()> {
    let next = Arc::new(AtomicU64::new(0));
    let names = ["alone", "with 20 GETs a second", "during `forget`"];
    let mut rows =
        names.map(|_| [Spread::default(), Spread::default(), Spread::default(), Spread::default()]);
    let mut forgets = Spread::default();
    for _ in 0..ROUNDS {
        let mut alone = 0.0;
        for (which, row) in rows.iter_mut().enumerate() {
            let over = Arc::new(AtomicBool::new(false));
            let beside = match which {
                0 => None,
                1 => Some(tokio::spawn(look(server.address(), crowd.last, over.clone()))),
                _ => Some(tokio::spawn(forget(binary.to_owned(), crowd.data.clone(), over.clone()))),
            };
            let measured = load::post(server.address(), POSTERS, CLIENTS, POSTING, next.clone()).await?;
            over.store(true, Ordering::Relaxed);
            if let Some(beside) = beside {
                for took in beside.await?? {
                    forgets.add(took.as_secs_f64());
                }
            }
            let p99 = milliseconds(measured.p99);
            alone = if which == 0 { p99 } else { alone };
            let [per_second, p50, all_p99, times] = row;
            per_second.add(measured.per_second);
            p50.add(milliseconds(measured.p50));
            all_p99.add(p99);
            times.add(p99 / alone);
        }
    }
    println!("| POST, {CLIENTS} clients | per second | p50 ms | p99 ms | times alone |");
    println!("| --- | --- | --- | --- | --- |");
    for (name, [per_second, p50, p99, times]) in names.iter().zip(&rows) {
        println!("| {name} | {per_second:.0} | {p50:.2} | {p99:.2} | {times:.2} |");
    }
    println!("\nA `forget` took {forgets:.1} s.\n");
    Ok(())
}

/// Sends the GETs that a crowd could make slow.
async fn look(
    address: SocketAddr,
    last: [ParticipationId; 2],
    over: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Duration>> {
    let client = CrowdClient::new(address);
    let paths = [format!("/participations/{}", last[1]), "/incentives/spring/many-lots".to_owned()];
    let mut every = tokio::time::interval(Duration::from_millis(1_000 / GETS_A_SECOND));
    for path in paths.iter().cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        every.tick().await;
        client.get(path).await?;
    }
    Ok(Vec::new())
}

/// Forgets one person after another, each of whom has taken part. Returns how long each run took.
async fn forget(binary: PathBuf, data: PathBuf, over: Arc<AtomicBool>) -> anyhow::Result<Vec<Duration>> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    tokio::task::spawn_blocking(move || {
        let mut took = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let email = format!("none-{}@example.com", NEXT.fetch_add(1, Ordering::Relaxed));
            let started = Instant::now();
            let ended = Command::new(&binary)
                .arg("forget")
                .arg("--data")
                .arg(&data)
                .args(["--email", &email])
                .output()?;
            ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            took.push(started.elapsed());
        }
        Ok(took)
    })
    .await?
}

/// How long the command takes, including its own start.
fn status(crowd: &Crowd, binary: &Path) -> anyhow::Result<()> {
    let mut times = Spread::default();
    for _ in 0..4 * ROUNDS {
        let started = Instant::now();
        let ended = Command::new(binary).arg("status").arg("--data").arg(&crowd.data).output()?;
        ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        times.add(milliseconds(started.elapsed()));
    }
    println!("`status` at {PARTICIPATIONS}: {times:.1} ms, including the start of the command.");
    Ok(())
}
