//! The worker's side: the real binary with its data file, and a simulated workspace without limits. It measures how many participations
//! are processed per second, how long a tick takes that finds a hundred thousand due, and the memory that a hundred thousand waiting
//! participations take.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time, and polls a process")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::disk;
use benches::process::{BenchProcess, Usage};
use benches::spread::Spread;
use domain::Timestamp;
use domain::accept::Acceptance;
use domain::attributes::Attributes;
use domain::brand::{Activation, Brand, Brands};
use domain::contact::{Contact, Email, Phone};
use domain::decide::Step;
use domain::id_key::IdKey;
use domain::ids::Scope;
use domain::participation::{Open, Participation, SmsState};
use embedded::DataFile;
use futures::future::try_join_all;
use ports::clock::{SystemChance, SystemClock};
use ports::{Clock, Store};
use rusqlite::{Connection, OpenFlags};
use testkit::brand_text::BrandText;

const ROUNDS: usize = 3;
const STEPPED: usize = 20_000;
const WAITING: usize = 100_000;
const TOGETHER: usize = 64;
const A_DAY: Duration = Duration::from_secs(86_400);
const PATIENCE: Duration = Duration::from_secs(300);
/// The time after which the start is over.
const SETTLED: Duration = Duration::from_secs(3);
/// A minute, which contains one tick.
const A_MINUTE: Duration = Duration::from_secs(60);

fn brand(endpoint: &str) -> BrandText {
    let acme = BrandText::of("acme", endpoint, "{ env = \"BENCH_KEY\" }");
    let acme = acme
        .with("limits = { export_ids_per_minute = 100000000, track_per_3s = 100000000 }")
        .activation("spring");
    let spring = acme.email("attributes = { quikly_participant = true }");
    spring.sms("opt_in = \"double\"\ndouble_opt_in_event = \"opt_in\"")
}

/// Area codes with ten thousand numbers each.
const AREAS: [u32; 10] = [212, 310, 312, 313, 404, 415, 617, 646, 702, 718];

/// What is in the data file before the process starts.
#[derive(Clone, Copy)]
enum Work {
    /// New participations by e-mail: each needs a look-up and a write.
    New,
    /// Consumers who were asked to confirm and have not answered. A read is due for each.
    Due,
    /// The same consumers, with reads that are due tomorrow.
    Waiting,
}

#[derive(Default)]
struct WorkRow {
    seconds: Spread,
    a_second: Spread,
    cpu: Spread,
    mebibytes: Spread,
    disk: Spread,
    requests: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let works = [
        (Work::New, STEPPED, "new, by e-mail"),
        (Work::Due, WAITING, "due, to be asked for their subscription"),
        (Work::Waiting, WAITING, "not due before tomorrow, for a minute after the start"),
    ];
    let mut rows: Vec<WorkRow> = works.iter().map(|_| WorkRow::default()).collect();
    for _ in 0..ROUNDS {
        for ((work, count, _), row) in works.iter().zip(&mut rows) {
            measure(*work, *count, row).await?;
        }
    }
    println!("{ROUNDS} rounds; min / median / max\n");
    println!(
        "| participations | seconds | per second | CPU seconds of the process | peak memory, MiB | requests | disk: fdatasync p50 ms |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for ((_, count, name), row) in works.iter().zip(&rows) {
        println!(
            "| {count} {name} | {:.1} | {:.0} | {:.2} | {:.1} | {} | {:.2} |",
            row.seconds,
            row.a_second,
            row.cpu,
            row.mebibytes,
            row.requests.join("; "),
            row.disk
        );
    }
    Ok(())
}

async fn measure(work: Work, count: usize, row: &mut WorkRow) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let binary = std::env::current_exe()?.with_file_name("quikly-braze");
    let workspace =
        BenchProcess::start(&binary, &["sim", "--listen", "127.0.0.1:0", "--api-key", "bench"], &[])?;
    workspace.put(
        "/_sim/limits",
        r#"{"export_ids_per_minute": 100000000, "track_per_3s": 100000000, "max_objects": 75}"#,
    )?;
    let brand = brand(&format!("http://{}", workspace.address()));
    fs::create_dir(directory.path().join("brands"))?;
    fs::write(directory.path().join("brands/acme.toml"), brand.to_string())?;
    let data = directory.path().join("data.sqlite");
    fill(&data, &brand.brands(), work, count).await?;
    row.disk.add(disk::probe(directory.path())?.as_secs_f64() * 1_000.0);
    let Served { cpu_before, serving, took } = serve(&binary, directory.path(), &data, work)?;
    let Usage { cpu, resident } = serving.usage()?;
    let cpu = cpu.saturating_sub(cpu_before);
    row.seconds.add(took.as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    row.a_second.add(if matches!(work, Work::Waiting) { 0.0 } else { count as f64 / took.as_secs_f64() });
    row.cpu.add(cpu.as_secs_f64());
    row.mebibytes.add(resident);
    row.requests = requests(&workspace.get("/_sim/requests")?)?;
    Ok(())
}

/// A process, and how long the measured work took.
struct Served {
    serving: BenchProcess,
    took: Duration,
    /// The CPU time that it had used before.
    cpu_before: Duration,
}

/// Starts the process and waits until nothing is due any more. If nothing was due, it waits for a minute.
fn serve(binary: &Path, directory: &Path, data: &PathBuf, work: Work) -> anyhow::Result<Served> {
    let brands = directory.join("brands").display().to_string();
    let file = data.display().to_string();
    let arguments = ["serve", "--brands", &brands, "--data", &file, "--listen", "127.0.0.1:0"];
    let began = Instant::now();
    let serving = BenchProcess::start(binary, &arguments, &[("BENCH_KEY", "bench"), ("RUST_LOG", "warn")])?;
    if matches!(work, Work::Waiting) {
        // The cost of waiting can be measured once the start is over.
        std::thread::sleep(SETTLED);
        let cpu_before = serving.usage()?.cpu;
        std::thread::sleep(A_MINUTE);
        return Ok(Served { serving, took: A_MINUTE, cpu_before });
    }
    let reader = Connection::open_with_flags(data, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let now = SystemClock.now();
    loop {
        let left: i64 = reader.query_row(
            "SELECT count(*) FROM participations WHERE due_at IS NOT NULL AND due_at <= ?",
            [now.as_millisecond()],
            |row| row.get(0),
        )?;
        if left == 0 {
            return Ok(Served { serving, took: began.elapsed(), cpu_before: Duration::ZERO });
        }
        ensure!(began.elapsed() < PATIENCE, "{left} are still due");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Has `count` consumers take part, as far as `work` says.
async fn fill(data: &Path, brands: &Brands, work: Work, count: usize) -> anyhow::Result<()> {
    let file = DataFile::open(data, Arc::new(SystemClock))?;
    let key = file.id_key(None, &SystemChance).await?;
    let terms = brands.activation(&Scope::parse("spring")?).context("the activation")?;
    let accepted_at = SystemClock.now() - Duration::from_secs(60);
    let participations: Vec<Participation> = (0..count)
        .map(|number| participation(work, number, terms, &key, accepted_at))
        .collect::<anyhow::Result<_>>()?;
    let file = &file;
    try_join_all(participations.chunks(count.div_ceil(TOGETHER)).map(|some| async move {
        for participation in some {
            file.insert(participation, None).await?;
        }
        if !matches!(work, Work::New) {
            for few in some.chunks(ports::store::MOST_ITEMS) {
                file.save(&few.iter().map(|one| asked(one, work)).collect::<Vec<_>>()).await?;
            }
        }
        anyhow::Ok(())
    }))
    .await?;
    Ok(())
}

fn participation(
    work: Work,
    number: usize,
    terms: (&Brand, &Activation),
    key: &IdKey,
    at: Timestamp,
) -> anyhow::Result<Participation> {
    let scope = &terms.1.scope;
    if matches!(work, Work::New) {
        let email = Email::parse(&format!("consumer-{number}@example.com"))?;
        let id = key.participation(scope, &Contact::Email(email.clone()));
        return Ok(Acceptance::new(id, terms, at).by_email(email, None, Attributes::default()));
    }
    let area = AREAS.get(number / 10_000).context("an area")?;
    let phone = Phone::from_e164(&format!("+1{area}555{:04}", number % 10_000))?;
    let id = key.participation(scope, &Contact::Phone { phone: phone.clone(), email: None });
    Ok(Acceptance::new(id, terms, at).by_phone((phone, None), None, Attributes::default()))
}

/// The same participation, asked to confirm a moment ago.
fn asked(participation: &Participation, work: Work) -> Participation {
    let mut asked = participation.clone();
    let now = SystemClock.now();
    let until = if matches!(work, Work::Due) { now } else { now + A_DAY };
    let state = Open::Sms(SmsState::AwaitingOptIn { since: participation.accepted_at(), asked_by: None });
    asked.apply(&Step::Wait { state, until }, now);
    asked
}

/// The requests that the workspace has answered, by endpoint and status.
fn requests(answer: &str) -> anyhow::Result<Vec<String>> {
    let answer: serde_json::Value = serde_json::from_str(answer)?;
    let by_endpoint = answer["answered"].as_object().context("counts")?;
    let row = |(endpoint, by_status): (&String, &serde_json::Value)| {
        let counts = by_status.as_object().into_iter().flatten();
        let counts: Vec<String> = counts.map(|(status, count)| format!("{count} x {status}")).collect();
        format!("{endpoint}: {}", counts.join(", "))
    };
    Ok(by_endpoint.iter().map(row).collect())
}
