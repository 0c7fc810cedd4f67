//! The fuzz targets under libFuzzer, which is guided by what the code does with its inputs.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::emulator::workspace;
use crate::tool::Tool;

const CARGO_FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2", features: &[] };

/// The address sanitizer needs a nightly compiler.
const TOOLCHAIN: &str = "nightly";

/// Runs every target, or this one, for so many seconds each.
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

/// The targets: each has a directory in the corpus, which the tests of `fuzz` check.
fn names(corpus: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(corpus)?.collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<String> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn one(program: &Path, corpus: &Path, name: &str, seconds: u32) -> anyhow::Result<()> {
    // What libFuzzer learns goes into the first directory that it is given.
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
        // What is optimised across crates cannot be watched, and a stack needs its names.
        .envs([("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_STRIP", "none")])
        .status()
        .context("cargo does not start")?;
    ensure!(status.success(), "{name} breaks a promise: see {}", broken.display());
    Ok(())
}

/// The search path, beginning with where this program is: cargo finds its subcommands there.
fn with(program: &Path) -> anyhow::Result<std::ffi::OsString> {
    let directory = program.parent().context("a program has a directory")?.to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&others)))?)
}
