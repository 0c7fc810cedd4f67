//! Other implementations of the same endpoint, as processes that run next to ours.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpStream;

use crate::process::EndsWithHandle;

/// A peer, which serves until its handle is dropped.
pub struct Peer {
    _process: EndsWithHandle,
    /// The address at which it listens.
    pub address: SocketAddr,
}

impl Peer {
    /// FastAPI under uvicorn, installed in `installed`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn fastapi(installed: &Path, sources: &Path, data: &Path) -> anyhow::Result<Self> {
        let port = free_port()?.to_string();
        let mut command = Command::new(installed.join("venv/bin/uvicorn"));
        command.args([
            "app:app",
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--no-access-log",
            "--log-level",
            "warning",
        ]);
        command.arg("--app-dir").arg(sources.join("fastapi"));
        Self::start(command, data.join("fastapi.sqlite").as_path(), &port).await
    }

    /// Express, installed in `installed`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn express(installed: &Path, data: &Path) -> anyhow::Result<Self> {
        let port = free_port()?.to_string();
        let mut command = Command::new("node");
        command.arg("app.js").current_dir(installed.join("express")).env("NODE_ENV", "production");
        Self::start(command, data.join("express.sqlite").as_path(), &port).await
    }

    async fn start(mut command: Command, data: &Path, port: &str) -> anyhow::Result<Self> {
        command.env("PEER_DATA", data).env("PEER_PORT", port).stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.spawn().with_context(|| format!("{:?}", command.get_program()))?;
        let peer = Self { _process: EndsWithHandle(process), address: format!("127.0.0.1:{port}").parse()? };
        let answers = async {
            while TcpStream::connect(peer.address).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), answers).await.context("a peer does not answer")?;
        Ok(peer)
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
