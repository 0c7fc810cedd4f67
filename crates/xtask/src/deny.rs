//! Crates of others, held against deny.toml by cargo-deny.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

/// One version, so that a run today is a run tomorrow.
const VERSION: &str = "0.20.2";

/// Checks what needs no network; with `advisories`, known vulnerabilities, too, whose database is fetched from GitHub.
pub(crate) fn check(advisories: bool) -> anyhow::Result<()> {
    let program = install()?;
    // Those of other systems, too: they are named by the lock file, and looked at without the network.
    crate::cargo(&["fetch", "--quiet", "--locked"])?;
    let mut command = Command::new(program);
    if !advisories {
        command.arg("--offline");
    }
    command.args(["--log-level", "error", "check", "bans", "licenses", "sources"]);
    if advisories {
        command.arg("advisories");
    }
    ensure!(command.status().context("cargo-deny does not start")?.success(), "deny.toml is not kept");
    Ok(())
}

/// Built without optimisation: it runs for a second.
fn install() -> anyhow::Result<PathBuf> {
    let root = PathBuf::from("target/tools");
    let program = root.join("bin/cargo-deny");
    let version = Command::new(&program).arg("--version").output();
    if version.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(VERSION)) {
        return Ok(program);
    }
    let root = root.to_string_lossy().into_owned();
    crate::cargo(&[
        "install",
        "--quiet",
        "--locked",
        "--debug",
        "--force",
        "--root",
        &root,
        "--version",
        VERSION,
        "cargo-deny",
    ])?;
    Ok(program)
}
