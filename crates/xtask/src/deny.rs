//! Checks third-party crates against deny.toml with cargo-deny.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::tool::Tool;

const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", features: &[] };

/// Checks everything that needs no network. With `advisories`, it also checks for known vulnerabilities, whose database is fetched from
/// GitHub.
pub(crate) fn check(advisories: bool) -> anyhow::Result<()> {
    let program = CARGO_DENY.installed()?;
    // This fetches the crates of other systems, too: the lock file names them, and cargo-deny then reads them without the network.
    crate::cargo(&["fetch", "--quiet", "--locked"])?;
    let mut command = Command::new(program);
    if !advisories {
        command.arg("--offline");
    }
    command.args(["--log-level", "error", "check", "bans", "licenses", "sources"]);
    if advisories {
        command.arg("advisories");
    }
    ensure!(command.status().context("cargo-deny does not start")?.success(), "deny.toml is violated");
    Ok(())
}
