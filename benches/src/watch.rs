//! Connections that watch a page: each asks again and again whether it has changed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::answer;

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
        let answered = answer::read(&mut stream, &mut buffer).await?;
        seen.answers += 1;
        if answered.has_status(304) {
            seen.unchanged += 1;
            continue;
        }
        ensure!(answered.has_status(200), "{}", answered.head);
        answered.header("etag").context("no ETag")?.clone_into(&mut tag);
    }
    Ok(seen)
}
