//! Listening sockets, and the signals that stop the process.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Listens on an address.
pub(crate) async fn on(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// A flag that turns true on Ctrl-C or SIGTERM.
pub(crate) fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for Ctrl-C")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
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
