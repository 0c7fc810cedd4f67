//! The real binary as a process next to the benchmark, and its use of resources.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

/// How many of a process's clock ticks make a second (`getconf CLK_TCK`, the same on every Linux).
const TICKS: u64 = 100;

/// A child process that ends when its handle is dropped.
pub struct EndsWithHandle(pub Child);

impl Drop for EndsWithHandle {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

/// A process that ends when its handle is dropped.
pub struct BenchProcess {
    child: EndsWithHandle,
    address: SocketAddr,
}

/// The resources that a process has used so far.
pub struct Usage {
    /// Its CPU time, including the kernel's time for it.
    pub cpu: Duration,
    /// Its peak memory, in MiB.
    pub resident: f64,
}

impl BenchProcess {
    /// Starts the binary and waits until it prints its address.
    ///
    /// # Errors
    /// When it ends, or prints no address.
    pub fn start(binary: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut command = Command::new(binary);
        command.args(arguments).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{} is not built", binary.display()))?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut said)?;
        let address = said.split("http://").nth(1).and_then(|rest| rest.split([' ', ',', '\n']).next());
        let address = address.with_context(|| format!("it said: {said}"))?.parse()?;
        Ok(Self { child: EndsWithHandle(child), address })
    }

    /// Starts `serve` over a data file and brand files, without limits for clients.
    ///
    /// # Errors
    /// When it ends, or prints no address.
    pub fn serve(
        binary: &Path,
        (brands, data): (&Path, &Path),
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let (brands, data) = (brands.display().to_string(), data.display().to_string());
        let arguments = ["serve", "--brands", &brands, "--data", &data, "--listen", "127.0.0.1:0"];
        let unlimited =
            ["--requests-per-client", "0", "--reads-per-client", "0", "--connections-per-client", "0"];
        Self::start(binary, &[arguments.as_slice(), unlimited.as_slice()].concat(), environment)
    }

    /// The address at which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The body of a page.
    ///
    /// # Errors
    /// When it does not answer with success.
    pub fn get(&self, path: &str) -> anyhow::Result<String> {
        self.ask("GET", path, "")
    }

    /// Sends a PUT request with a JSON body.
    ///
    /// # Errors
    /// When it does not answer with success.
    pub fn put(&self, path: &str, body: &str) -> anyhow::Result<()> {
        self.ask("PUT", path, body).map(drop)
    }

    /// Posts a JSON body.
    ///
    /// # Errors
    /// When it does not answer with success.
    pub fn post(&self, path: &str, body: &str) -> anyhow::Result<()> {
        self.ask("POST", path, body).map(drop)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
        let mut connection = TcpStream::connect(self.address)?;
        write!(
            connection,
            "{method} {path} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
        ensure!(head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')), "{head}\n{body}");
        Ok(body.to_owned())
    }

    /// The resources that it has used so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        let directory = format!("/proc/{}", self.child.0.id());
        let stat = fs::read_to_string(format!("{directory}/stat"))?;
        // The name may hold anything, so the fields after it are counted: user time is the 12th, system time the 13th.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).context("its times");
        let cpu = Duration::from_millis((ticks(11)? + ticks(12)?) * 1_000 / TICKS);
        Ok(Usage { cpu, resident: self.mebibytes("VmHWM:")? })
    }

    /// The memory in MiB and the number of open files, including connections.
    ///
    /// # Errors
    /// If the process has ended.
    pub fn holds(&self) -> anyhow::Result<(f64, usize)> {
        let files = fs::read_dir(format!("/proc/{}/fd", self.child.0.id()))?.count();
        Ok((self.mebibytes("VmRSS:")?, files))
    }

    fn mebibytes(&self, name: &str) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes: f64 = line.context("its memory")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes / 1_024.0)
    }
}
