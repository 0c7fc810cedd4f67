//! Runs the real binary.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use testkit::eventually;

use crate::logs::look_through;

/// The binary, built once by whoever needs it first.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let profile = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
        let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
        // From the root: what is built is what `cargo run` runs.
        build.current_dir("..").args(["build", "--quiet", "--bin", "quikly-braze"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the binary does not build");
        profile.join("quikly-braze")
    })
}

/// What takes up space on a small disk.
pub(crate) const BALLAST: &str = "ballast";

/// The namespace in which one may mount a disk at a place, as root, or as whoever is root only there; `None` where one may not.
pub(crate) fn namespace(place: &Path) -> Option<&'static str> {
    let mounts = |flags: &&str| {
        let mut command = Command::new("unshare");
        command.args([*flags, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(place);
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    ["-m", "-Urm"].into_iter().find(mounts)
}

/// A running process. It dies with its handle, and then everything that it said is looked through for contacts and secrets.
pub(crate) struct Process {
    child: Child,
    output: PathBuf,
    /// Who writes down what it says, where it does not do so itself.
    writer: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts the binary; everything it says is added to a file.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)], output: &Path) -> Self {
        let mut command = Command::new(binary());
        command.args(arguments).envs(environment.iter().copied()).env("RUST_LOG", "debug");
        Self::spawn(command, output)
    }

    /// The same, under a limit as `ulimit` takes it.
    pub(crate) fn start_under(
        limit: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        output: &Path,
    ) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit $0; exec \"$@\"", limit]);
        command.arg(binary()).args(arguments).envs(environment.iter().copied()).env("RUST_LOG", "debug");
        // Its own log would be full before its data.
        let (mut saying, said) = io::pipe().unwrap();
        let mut file = File::options().create(true).append(true).open(output).unwrap();
        let writer = thread::spawn(move || {
            io::copy(&mut saying, &mut file).unwrap();
        });
        let child = spawned(command, said.try_clone().unwrap(), said);
        Self { child, output: output.to_owned(), writer: Some(writer) }
    }

    /// The same, with a disk of its own at a place that others see as an empty directory. A megabyte is free; [`BALLAST`] takes up
    /// the rest.
    pub(crate) fn start_on_small_disk(
        (namespace, disk): (&str, &Path),
        arguments: &[&str],
        environment: &[(&str, &str)],
        output: &Path,
    ) -> Self {
        let mut command = Command::new("unshare");
        command.args([namespace, "sh", "-c"]);
        command.arg(format!(
            "mount -t tmpfs -o size=3m tmpfs \"$0\" && head -c 2097152 /dev/zero > \"$0/{BALLAST}\" && exec \"$@\""
        ));
        command.arg(disk).arg(binary()).args(arguments).envs(environment.iter().copied());
        command.env("RUST_LOG", "debug");
        Self::spawn(command, output)
    }

    /// A path as the process sees it.
    pub(crate) fn sees(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.child.id()));
        root.join(path.strip_prefix("/").unwrap())
    }

    /// Starts any command; everything it says is added to a file.
    pub(crate) fn spawn(command: Command, output: &Path) -> Self {
        let file = File::options().create(true).append(true).open(output).unwrap();
        let child = spawned(command, file.try_clone().unwrap(), file);
        Self { child, output: output.to_owned(), writer: None }
    }

    /// The same, with a log of its own.
    pub(crate) fn spawn_logging_to(command: Command, output: &Path, log: impl Into<Stdio>) -> Self {
        let file = File::options().create(true).append(true).open(output).unwrap();
        Self { child: spawned(command, file, log), output: output.to_owned(), writer: None }
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        let mut text = String::new();
        File::open(&self.output).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// The address in what it says, once it says it.
    pub(crate) async fn address(&mut self, after: &str) -> String {
        eventually("an address", Duration::from_secs(10), || {
            let said = self.said();
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {ended:?}\n{said}");
            let from = said.rfind(after)? + after.len();
            let url =
                said[from..].split(|c: char| c.is_whitespace() || c == ',').find(|word| !word.is_empty())?;
            url.starts_with("http://").then(|| url.to_owned())
        })
        .await
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) async fn terminate(self) -> ExitStatus {
        self.ask_to_end();
        self.ends(Duration::from_secs(10)).await
    }

    /// Sends SIGTERM.
    pub(crate) fn ask_to_end(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&self) {
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end.
    pub(crate) async fn ends(mut self, within: Duration) -> ExitStatus {
        eventually("an orderly end", within, || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
        if let Some(writer) = self.writer.take() {
            let _all_written = writer.join();
        }
        look_through(&without_advice(&self.said()));
    }
}

/// What the demo says one could type has contacts, made up ones.
fn without_advice(said: &str) -> String {
    let line_by_line = said.lines().filter(|line| !line.trim_start().starts_with("curl "));
    line_by_line.collect::<Vec<_>>().join("\n")
}

fn spawned(mut command: Command, out: impl Into<Stdio>, error: impl Into<Stdio>) -> Child {
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).stdout(out).stderr(error).spawn().unwrap()
}

/// Runs the binary to its end: exit code and everything it said.
pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, String) {
    run_with(arguments, &[])
}

/// The same, with these variables in its environment.
pub(crate) fn run_with(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.args(arguments).envs(environment.iter().copied()).env("RUST_BACKTRACE", "1");
    ended(command)
}

/// The same, with this on its standard input.
pub(crate) fn run_told(arguments: &[&str], input: &str) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that refuses its arguments reads nothing.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    look_through(&said);
    (output.status.code(), said)
}

/// The same, with its standard output going there: exit code and what it said on standard error.
pub(crate) fn run_into(out: impl Into<Stdio>, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    let output = command.args(arguments).stdout(out).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    look_through(&said);
    (output.status.code(), said)
}

/// Runs any command to its end: exit code and everything it said, which is looked through for contacts and secrets.
pub(crate) fn ended(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    look_through(&said);
    (output.status.code(), said)
}

/// Writes a file, making its directory.
pub(crate) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
