//! A load of HTTP requests, sent by clients that each keep one connection and wait for every answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::answer;

/// What is posted: the path, the headers in addition to the usual ones, and a body for each number.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The path.
    pub path: &'static str,
    /// Header lines, each ending in CR LF.
    pub headers: &'static str,
    /// The body.
    pub body: fn(u64) -> String,
}

/// Participations by e-mail in the activation `spring`.
pub const POSTERS: Load = Load {
    path: "/participations",
    headers: "",
    body: |number| format!(r#"{{"scope":"spring","email":"poster-{number}@example.com"}}"#),
};

/// The result of a load.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Answers per second.
    pub per_second: f64,
    /// Half of the answers arrived within this time.
    pub p50: Duration,
    /// All but one answer in a hundred arrived within this time.
    pub p99: Duration,
}

/// Posts from `clients` connections for `time`. Bodies are numbered from `next` on, so that each is new.
///
/// # Errors
/// When a request is not answered with 202.
pub async fn post(
    address: SocketAddr,
    load: Load,
    clients: usize,
    time: Duration,
    next: Arc<AtomicU64>,
) -> anyhow::Result<Measured> {
    posted(address, load, (clients, None), time, next).await
}

/// Posts so many a second from `clients` connections for `time`. An answer's time counts from when its request was due.
///
/// # Errors
/// When a request is not answered with 202.
pub async fn post_at(
    address: SocketAddr,
    load: Load,
    (clients, per_second): (usize, f64),
    time: Duration,
    next: Arc<AtomicU64>,
) -> anyhow::Result<Measured> {
    #[expect(clippy::cast_precision_loss, reason = "a count of clients")]
    let every = Duration::from_secs_f64(clients as f64 / per_second);
    posted(address, load, (clients, Some(every)), time, next).await
}

async fn posted(
    address: SocketAddr,
    load: Load,
    (clients, every): (usize, Option<Duration>),
    time: Duration,
    next: Arc<AtomicU64>,
) -> anyhow::Result<Measured> {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..u32::try_from(clients)? {
        // Clients that are paced do not all post in the same moment.
        let paced =
            every.map(|every| (started + every * number / u32::try_from(clients).unwrap_or(1), every));
        tasks.spawn(client(address, load, (started + time, paced), next.clone()));
    }
    let mut times = Vec::new();
    while let Some(client) = tasks.join_next().await {
        times.extend(client??);
    }
    let elapsed = started.elapsed();
    times.sort_unstable();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = (times.len() as f64 * share) as usize;
        times.get(index.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let per_second = times.len() as f64 / elapsed.as_secs_f64();
    Ok(Measured { per_second, p50: at(0.5), p99: at(0.99) })
}

async fn client(
    address: SocketAddr,
    load: Load,
    (until, paced): (Instant, Option<(Instant, Duration)>),
    next: Arc<AtomicU64>,
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    let mut buffer = vec![0; 4_096];
    let mut paced = paced;
    while Instant::now() < until {
        let due = paced.map(|(due, _)| due);
        if let Some((due, every)) = &mut paced {
            tokio::time::sleep_until((*due).into()).await;
            *due += *every;
        }
        let number = next.fetch_add(1, Ordering::Relaxed);
        let body = (load.body)(number);
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n{}content-length: {}\r\n\r\n{body}",
            load.path,
            load.headers,
            body.len()
        );
        let started = due.unwrap_or_else(Instant::now);
        stream.write_all(request.as_bytes()).await?;
        let answered = answer::read(&mut stream, &mut buffer).await?;
        ensure!(answered.has_status(202), "not accepted: {}\r\n\r\n{}", answered.head, answered.body);
        times.push(started.elapsed());
    }
    Ok(times)
}
