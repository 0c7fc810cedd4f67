//! Connections that watch a page: each asks again and again whether it has changed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// What watchers have seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct WatchedAnswers {
    /// How often they were answered.
    pub answers: u32,
    /// How many of these answers were 304.
    pub unchanged: u32,
}

/// Watches a page until `over`, from so many connections that each ask once in a time.
///
/// # Errors
/// When an answer is neither 200 nor 304.
pub async fn watch(
    address: SocketAddr,
    path: &'static str,
    (watchers, every): (u32, Duration),
    over: Arc<AtomicBool>,
) -> anyhow::Result<WatchedAnswers> {
    let mut tasks = JoinSet::new();
    for number in 0..watchers {
        let (over, begins) = (over.clone(), every * number / watchers);
        tasks.spawn(async move {
            tokio::time::sleep(begins).await;
            watcher(address, path, every, &over).await
        });
    }
    let mut seen = WatchedAnswers::default();
    while let Some(one) = tasks.join_next().await {
        let one = one??;
        seen.answers += one.answers;
        seen.unchanged += one.unchanged;
    }
    Ok(seen)
}

async fn watcher(
    address: SocketAddr,
    path: &str,
    every: Duration,
    over: &AtomicBool,
) -> anyhow::Result<WatchedAnswers> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut seen, mut tag, mut buffer) = (WatchedAnswers::default(), String::new(), vec![0; 4_096]);
    while !over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\nif-none-match: {tag}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let head = head(&mut stream, &mut buffer).await?;
        seen.answers += 1;
        if head.starts_with("HTTP/1.1 304") {
            seen.unchanged += 1;
            continue;
        }
        ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
        tag = header(&head, "etag").context("no ETag")?.to_owned();
    }
    Ok(seen)
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Reads one answer with its body, and returns its head.
async fn head(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<String> {
    let mut read = 0;
    loop {
        let room = buffer.get_mut(read..).filter(|room| !room.is_empty()).context("an answer over 4 KiB")?;
        let more = stream.read(room).await?;
        ensure!(more > 0, "the connection was closed");
        read += more;
        let so_far = std::str::from_utf8(buffer.get(..read).unwrap_or_default())?;
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else { continue };
        let length = if head.starts_with("HTTP/1.1 304") {
            "0"
        } else {
            header(head, "content-length").unwrap_or("0")
        };
        if body.len() >= length.parse::<usize>()? {
            return Ok(head.to_owned());
        }
    }
}
