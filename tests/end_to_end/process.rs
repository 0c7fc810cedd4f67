//! Running the real binary.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use testkit::eventually;

use crate::logs::look_through;

/// The binary. The first test that needs it builds it.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let profile = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
        let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
        // It is built from the root, so that it is the binary that `cargo run` runs.
        build.current_dir("..").args(["build", "--quiet", "--bin", "quikly-braze"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the binary does not build");
        profile.join("quikly-braze")
    })
}

/// The file that fills a small disk.
pub(crate) const BALLAST: &str = "ballast";

/// The options of `unshare` for a namespace in which a disk can be mounted at `place`, as root or as root of that namespace only; `None`
/// where no disk can be mounted.
pub(crate) fn namespace(place: &Path) -> Option<&'static str> {
    let mounts = |flags: &&str| {
        let mut command = Command::new("unshare");
        command.args([*flags, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(place);
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    ["-m", "-Urm"].into_iter().find(mounts)
}

/// A running process. It ends when its handle is dropped, and then everything that it wrote is searched for contacts and secrets.
pub(crate) struct Process {
    child: Child,
    output: PathBuf,
    /// The thread that stores the output, unless the process writes to the file itself.
    writer: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts the binary. Everything it writes is appended to a file.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)], output: &Path) -> Self {
        let mut command = Command::new(binary());
        command.args(arguments).envs(environment.iter().copied()).env("RUST_LOG", "debug");
        Self::spawn(command, output)
    }

    /// Does the same, under a limit in the form of `ulimit`.
    pub(crate) fn start_under(
        limit: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        output: &Path,
    ) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit $0; exec \"$@\"", limit]);
        command.arg(binary()).args(arguments).envs(environment.iter().copied()).env("RUST_LOG", "debug");
        // The file with its output would reach the limit before its data would.
        let (mut saying, said) = io::pipe().unwrap();
        let mut file = File::options().create(true).append(true).open(output).unwrap();
        let writer = thread::spawn(move || {
            io::copy(&mut saying, &mut file).unwrap();
        });
        let child = spawned(command, said.try_clone().unwrap(), said);
        Self { child, output: output.to_owned(), writer: Some(writer) }
    }

    /// Does the same, with a disk of its own mounted at a directory that other processes see as empty. A megabyte is free; [`BALLAST`]
    /// takes the rest.
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

    /// Starts any command. Everything it writes is appended to a file.
    pub(crate) fn spawn(command: Command, output: &Path) -> Self {
        let file = File::options().create(true).append(true).open(output).unwrap();
        let child = spawned(command, file.try_clone().unwrap(), file);
        Self { child, output: output.to_owned(), writer: None }
    }

    /// Does the same, with a separate log.
    pub(crate) fn spawn_logging_to(command: Command, output: &Path, log: impl Into<Stdio>) -> Self {
        let file = File::options().create(true).append(true).open(output).unwrap();
        Self { child: spawned(command, file, log), output: output.to_owned(), writer: None }
    }

    /// What it has written so far.
    pub(crate) fn said(&self) -> String {
        let mut text = String::new();
        File::open(&self.output).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// The address in its output, once it is printed.
    pub(crate) async fn address(&mut self, after: &str) -> String {
        eventually("an address", Duration::from_secs(60), || {
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

/// Removes the demo's example requests, which contain made-up contacts.
fn without_advice(said: &str) -> String {
    let line_by_line = said.lines().filter(|line| !line.trim_start().starts_with("curl "));
    line_by_line.collect::<Vec<_>>().join("\n")
}

fn spawned(mut command: Command, out: impl Into<Stdio>, error: impl Into<Stdio>) -> Child {
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).stdout(out).stderr(error).spawn().unwrap()
}

/// Runs the binary to its end. Returns the exit code and everything it wrote.
pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, String) {
    run_with(arguments, &[])
}

/// Does the same, with these variables in its environment.
pub(crate) fn run_with(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.args(arguments).envs(environment.iter().copied()).env("RUST_BACKTRACE", "1");
    ended(command)
}

/// Does the same, with this text on its standard input.
pub(crate) fn run_told(arguments: &[&str], input: &str) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses its arguments reads nothing.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    look_through(&said);
    (output.status.code(), said)
}

/// Does the same, with another standard output. Returns the exit code and what it wrote on standard error.
pub(crate) fn run_into(out: impl Into<Stdio>, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    let output = command.args(arguments).stdout(out).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    look_through(&said);
    (output.status.code(), said)
}

/// Runs any command to its end. Returns the exit code and everything it wrote, after a search for contacts and secrets.
pub(crate) fn ended(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    look_through(&said);
    (output.status.code(), said)
}

/// Writes a file, and creates its directory.
pub(crate) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
