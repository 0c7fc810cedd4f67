//! Runs the fuzz targets under libFuzzer, which is guided by the coverage of the code.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::emulator::workspace;
use crate::tool::Tool;

const CARGO_FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2", features: &[] };

/// The address sanitizer needs a nightly compiler.
const TOOLCHAIN: &str = "nightly";

/// Runs one target, or all of them, each for a number of seconds.
///
/// # Errors
/// If a target breaks a promise, or cannot be built.
pub(crate) fn run(target: Option<&str>, seconds: u32) -> anyhow::Result<()> {
    let program = CARGO_FUZZ.installed()?.canonicalize()?;
    let corpus = workspace().join("fuzz/corpus").canonicalize()?;
    let known = names(&corpus)?;
    let chosen = match target {
        None => known,
        Some(name) => {
            ensure!(known.iter().any(|one| one == name), "the targets are {}", known.join(", "));
            vec![name.to_owned()]
        }
    };
    for name in &chosen {
        one(&program, &corpus, name, seconds)?;
    }
    Ok(())
}

/// The names of the targets. Each has a directory in the corpus, which a test of `fuzz` checks.
fn names(corpus: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(corpus)?.collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<String> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn one(program: &Path, corpus: &Path, name: &str, seconds: u32) -> anyhow::Result<()> {
    // libFuzzer writes its new inputs to the first directory.
    let learned = workspace().canonicalize()?.join("target/fuzz").join(name);
    let broken = learned.with_extension("broken");
    fs::create_dir_all(&learned)?;
    fs::create_dir_all(&broken)?;
    let status = Command::new("cargo")
        .arg(format!("+{TOOLCHAIN}"))
        .args(["fuzz", "run", "--features", "libfuzzer", "libfuzzer"])
        .args([&learned, &corpus.join(name)])
        .args(["--", "-print_final_stats=1", "-verbosity=0", "-max_len=131072"])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .current_dir(workspace())
        .env("PATH", with(program)?)
        .env("FUZZ_TARGET", name)
        // Coverage cannot be measured across crates with LTO, and a stack trace needs symbols.
        .envs([("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_STRIP", "none")])
        .status()
        .context("cargo could not be started")?;
    ensure!(status.success(), "{name} breaks a promise: see {}", broken.display());
    Ok(())
}

/// The search path with this program's directory in front, in which cargo finds the subcommand.
fn with(program: &Path) -> anyhow::Result<std::ffi::OsString> {
    let directory = program.parent().context("a program has a directory")?.to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&others)))?)
}
