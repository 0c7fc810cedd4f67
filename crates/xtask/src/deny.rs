//! Crates of others, held against deny.toml by cargo-deny.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::tool::Tool;

const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", features: &[] };

/// Checks what needs no network; with `advisories`, known vulnerabilities, too, whose database is fetched from GitHub.
pub(crate) fn check(advisories: bool) -> anyhow::Result<()> {
    let program = CARGO_DENY.installed()?;
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
