//! The demo's connector: this program's `serve`, as a process of its own, so that the page outlives its kill.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use parking_lot::Mutex;
use ports::Clock;
use ports::clock::SystemClock;
use tokio::sync::oneshot;

use super::KEY;
use crate::arguments::Serve;
use crate::console;
use crate::listen::TAKING_AT;

/// How long the process gets to end by itself. It ends its own work in less.
const ENDS_WITHIN: Duration = Duration::from_secs(25);

const LOOKED_AT_EVERY: Duration = Duration::from_millis(50);

/// The process, which runs or does not.
pub(super) struct ConnectorProcess {
    arguments: Vec<String>,
    listen: SocketAddr,
    /// The address of the first start, which all later ones keep.
    address: OnceLock<SocketAddr>,
    child: Mutex<Option<Child>>,
}

impl ConnectorProcess {
    /// A process that does not run yet, with the arguments of the demo.
    pub(super) fn new(arguments: &Serve, (brands, data): (&Path, &Path)) -> Self {
        let clients = &arguments.clients;
        let mut given =
            vec!["serve".to_owned(), "--until-input-ends".to_owned(), "--allow-private".to_owned()];
        let options = [
            ("--brands", brands.display().to_string()),
            ("--data", data.display().to_string()),
            ("--requests-per-client", clients.requests_per_client.to_string()),
            ("--reads-per-client", clients.reads_per_client.to_string()),
            ("--signed-per-brand", clients.signed_per_brand.to_string()),
            ("--connections-per-client", clients.connections_per_client.to_string()),
        ];
        let metrics = arguments.metrics.map(|address| ("--metrics", address.to_string()));
        for (name, value) in options.into_iter().chain(metrics) {
            given.extend([name.to_owned(), value]);
        }
        let proxy = clients.behind_proxy.and_then(|by| by.to_possible_value());
        given.extend(proxy.map(|header| format!("--behind-proxy={}", header.get_name())));
        Self { arguments: given, listen: arguments.listen, address: OnceLock::new(), child: Mutex::new(None) }
    }

    /// Starts the process unless it runs, and returns its address.
    ///
    /// # Errors
    /// When it ends before it takes participations. It has said why on standard error.
    pub(super) async fn start(&self) -> anyhow::Result<SocketAddr> {
        let told = self.spawn()?;
        let Some(told) = told else { return Ok(self.address()) };
        let address = told.await.context("the connector did not start")?;
        Ok(*self.address.get_or_init(|| address))
    }

    fn address(&self) -> SocketAddr {
        self.address.get().copied().unwrap_or(self.listen)
    }

    /// Spawns the process unless it runs. It tells its address once it takes participations.
    fn spawn(&self) -> anyhow::Result<Option<oneshot::Receiver<SocketAddr>>> {
        let mut child = self.child.lock();
        if child.as_mut().is_some_and(runs) {
            return Ok(None);
        }
        let program = std::env::current_exe().context("the path of this program is not known")?;
        let mut command = Command::new(program);
        command.args(&self.arguments).args(["--listen", &self.address().to_string()]);
        // Its standard input ends with this process, however that ends.
        command.env(KEY.0, KEY.1).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut started = command.spawn().context("the connector cannot be started")?;
        let (tells, told) = oneshot::channel();
        if let Some(output) = started.stdout.take() {
            thread::spawn(move || repeat(output, tells));
        }
        *child = Some(started);
        Ok(Some(told))
    }

    /// Whether it runs.
    pub(super) fn runs(&self) -> bool {
        self.child.lock().as_mut().is_some_and(runs)
    }

    /// Kills it, as `kill -9` does.
    pub(super) fn kill(&self) {
        if let Some(mut child) = self.child.lock().take() {
            let _ended_already = child.kill();
            let _status = child.wait();
        }
    }

    /// Has it end its work, and kills it if that takes too long.
    pub(super) async fn stop(&self) {
        if let Some(child) = self.child.lock().as_mut() {
            drop(child.stdin.take());
        }
        let clock = SystemClock;
        let until = domain::time::later(clock.now(), ENDS_WITHIN);
        while self.runs() && clock.now() < until {
            clock.sleep(LOOKED_AT_EVERY).await;
        }
        self.kill();
    }
}

impl Drop for ConnectorProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn runs(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

/// Repeats what the process says, and tells its address.
fn repeat(output: ChildStdout, tells: oneshot::Sender<SocketAddr>) {
    let mut tells = Some(tells);
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        match address(&line) {
            Some(address) => {
                let _nobody_waits = tells.take().map(|tells| tells.send(address));
            }
            None => console::say(&line),
        }
    }
}

/// The address in the line that says that the process takes participations.
fn address(line: &str) -> Option<SocketAddr> {
    line.strip_prefix(TAKING_AT)?.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_line_that_serve_prints() {
        let line = format!("{TAKING_AT}127.0.0.1:8787, data in here");
        assert_eq!(address(&line), "127.0.0.1:8787".parse().ok());
        assert_eq!(address("Showing metrics at http://127.0.0.1:9000/metrics"), None);
    }
}
