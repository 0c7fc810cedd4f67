//! Listening sockets, and the signals that stop the process.

use std::io;
use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

/// What `serve` prints before its address once it takes participations.
pub(crate) const TAKING_AT: &str = "Taking participations at http://";

/// Listens on an address.
pub(crate) async fn on(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// A flag that turns true on Ctrl-C or SIGTERM.
pub(crate) fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    stop_signal_or(std::future::pending())
}

/// Does the same, and also turns true when standard input ends: then the process that started this one has ended.
pub(crate) fn stop_signal_or_end_of_input() -> anyhow::Result<watch::Receiver<bool>> {
    let (ends, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let _all_read = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _nobody_left = ends.send(());
    });
    stop_signal_or(async {
        let _ended = ended.await;
    })
}

fn stop_signal_or(other: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for Ctrl-C")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = other => {}
        }
        let _nobody_left = stop.send(true);
    });
    Ok(stopped)
}

/// Receives SIGHUP, which asks for the brand files to be read again. From now on SIGHUP no longer ends the process.
pub(crate) fn hangup() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("cannot wait for SIGHUP")
}

/// Waits until `stop` turns true.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    let _gone = stop.wait_for(|stopped| *stopped).await;
}
