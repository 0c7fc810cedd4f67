//! How many participations are accepted per second, each durable before its 202: ours, compared with a bare handler that stores nothing
//! and a handler that commits every request on its own. They take turns.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use benches::load::Load;
use benches::peers::Peer;
use benches::spread::{Spread, milliseconds};
use benches::{disk, load};
use embedded::{DataFile, EnvSecrets};
use mimalloc::MiMalloc;
use parking_lot::Mutex;
use ports::clock::{SystemChance, SystemClock};
use rusqlite::Connection;
use serde_json::{Value, json};
use testkit::brand_text::BrandText;
use tokio::net::TcpListener;

/// The allocator of the binary. It serves the bare handler as well.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ROUNDS: usize = 7;
const TURN: Duration = Duration::from_millis(1_500);
const CLIENTS: [usize; 3] = [1, 16, 128];

const OURS: &str = "quikly-braze";
const PEERS: [&str; 2] = ["FastAPI and SQLite", "Express and SQLite"];

fn brand() -> BrandText {
    let spring = BrandText::acme().webhook("bench").activation("spring");
    let spring = spring.email("attributes = { quikly_participant = true }");
    spring.event("signed_in", "incentive = \"first\"").first("first", 1_000_000, "reward = \"SPRING20\"")
}

const BY_EMAIL: Load = Load {
    path: "/participations",
    headers: "",
    body: |number| format!(r#"{{"scope":"spring","email":"consumer-{number}@example.com"}}"#),
};

/// Each participation takes a place in an incentive's ledger.
const WEBHOOK: Load = Load {
    path: "/webhook/braze",
    headers: "authorization: Bearer bench\r\n",
    body: |number| {
        format!(r#"{{"q_scope":"spring","event":"signed_in","email":"consumer-{number}@example.com"}}"#)
    },
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let peers = peers(directory.path()).await?;
    let mut contenders = vec![
        ("bare handler", BY_EMAIL, serve(bare()).await?),
        (OURS, BY_EMAIL, serve(ours(directory.path(), "ours.sqlite").await?).await?),
        ("quikly-braze, webhook", WEBHOOK, serve(ours(directory.path(), "webhook.sqlite").await?).await?),
        ("one commit per request", BY_EMAIL, serve(one_commit_each(directory.path())?).await?),
    ];
    let beside = peers.iter().map(|(name, peer)| (*name, BY_EMAIL, peer.address));
    contenders.splice(3..3, beside);
    let next = Arc::new(AtomicU64::new(0));
    let mut beside_peers = Vec::new();
    print_head();
    for clients in CLIENTS {
        let mut rows = vec![AcceptRow::default(); contenders.len()];
        for _ in 0..ROUNDS {
            let mut turn = Vec::new();
            for (row, (_, load, address)) in rows.iter_mut().zip(&contenders) {
                row.disk.add(milliseconds(disk::probe(directory.path())?));
                let measured = load::post(*address, *load, clients, TURN, next.clone()).await?;
                row.add(&measured);
                turn.push(measured.per_second);
            }
            for (row, per_second) in rows.iter_mut().zip(&turn) {
                row.of_bare.add(per_second / turn.first().unwrap_or(per_second));
                row.of_single.add(per_second / turn.last().unwrap_or(per_second));
            }
        }
        for ((name, ..), row) in contenders.iter().zip(&rows) {
            row.print(clients, name);
        }
        let medians = contenders.iter().zip(&rows).map(|((name, ..), row)| (*name, row.per_second.median()));
        beside_peers.extend(beside_the_better_peer(clients, &medians.collect::<Vec<_>>()));
    }
    println!("\n{}", beside_peers.join("\n"));
    Ok(())
}

/// How many times as many participations as the better peer we accept per second, by the medians; `None` without peers.
fn beside_the_better_peer(clients: usize, medians: &[(&str, f64)]) -> Option<String> {
    let (ours, others): (Vec<_>, Vec<_>) = medians.iter().partition(|(name, _)| name.starts_with(OURS));
    let peers = others.into_iter().filter(|(name, _)| PEERS.contains(name));
    let (peer, better) = peers.max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let times = |(name, median): (&str, f64)| format!("{name}: {:.1} times {peer}", median / better);
    let times: Vec<String> = ours.into_iter().map(times).collect();
    Some(format!("{clients} clients: {}", times.join("; ")))
}

fn print_head() {
    println!("{ROUNDS} rounds of {TURN:?} a turn; min / median / max\n");
    println!(
        "| clients | contender | accepted per second | p50 ms | p99 ms | disk: fdatasync p50 ms | share of the bare handler | times one commit per request |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
}

/// The peers that are installed in the directory of `--peers DIR`; none without that argument.
async fn peers(data: &Path) -> anyhow::Result<Vec<(&'static str, Peer)>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--peers");
    let Some(installed) = arguments.nth(1).map(PathBuf::from) else { return Ok(Vec::new()) };
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    Ok(vec![
        (PEERS[0], Peer::fastapi(&installed, &sources, data).await?),
        (PEERS[1], Peer::express(&installed, data).await?),
    ])
}

#[derive(Clone, Default)]
struct AcceptRow {
    per_second: Spread,
    p50: Spread,
    p99: Spread,
    disk: Spread,
    of_bare: Spread,
    of_single: Spread,
}

impl AcceptRow {
    fn print(&self, clients: usize, name: &str) {
        println!(
            "| {clients} | {name} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} |",
            self.per_second, self.p50, self.p99, self.disk, self.of_bare, self.of_single
        );
    }

    fn add(&mut self, measured: &load::Measured) {
        self.per_second.add(measured.per_second);
        self.p50.add(milliseconds(measured.p50));
        self.p99.add(milliseconds(measured.p99));
    }
}

async fn serve(routes: Router) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

/// Parses the body and stores nothing.
fn bare() -> Router {
    let answer = |Json(body): Json<Value>| async move {
        let state = if body["email"].is_string() { "received" } else { "rejected" };
        (axum::http::StatusCode::ACCEPTED, Json(json!({ "id": "0", "state": state })))
    };
    Router::new().route("/participations", post(answer))
}

/// Intake over a data file, as `serve` runs it. There is no limit of requests per client, since all come from one address, and no worker
/// takes the messages off the queue.
async fn ours(directory: &Path, name: &str) -> anyhow::Result<Router> {
    let clock = Arc::new(SystemClock);
    let file = Arc::new(DataFile::open(&directory.join(name), clock.clone())?);
    let id_key = file.id_key(None, &SystemChance).await?;
    let deps = intake::IntakeDeps::over(&file, Arc::new(EnvSecrets), clock);
    Ok(intake::router(deps, Arc::new(brand().brands()), id_key))
}

/// The straightforward implementation: a connection behind a lock, and one transaction per request, as durable as ours.
fn one_commit_each(directory: &Path) -> anyhow::Result<Router> {
    let connection = Connection::open(directory.join("single.sqlite"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE participations (email TEXT PRIMARY KEY, body TEXT NOT NULL)")?;
    let insert = |State(connection): State<Arc<Mutex<Connection>>>, Json(body): Json<Value>| async move {
        let stored = tokio::task::spawn_blocking(move || {
            let connection = connection.lock();
            let mut statement = connection.prepare_cached("INSERT INTO participations VALUES (?1, ?2)")?;
            statement.execute([body["email"].as_str().unwrap_or_default(), &body.to_string()])
        });
        match stored.await {
            Ok(Ok(_)) => (axum::http::StatusCode::ACCEPTED, Json(json!({ "id": "0", "state": "received" }))),
            Ok(Err(_)) | Err(_) => (axum::http::StatusCode::SERVICE_UNAVAILABLE, Json(Value::Null)),
        }
    };
    Ok(Router::new().route("/participations", post(insert)).with_state(Arc::new(Mutex::new(connection))))
}
