//! Mutants of `domain`: small changes, each of which should fail a test of that crate. `.cargo/mutants.toml` says how they are tested.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::tool::Tool;

const CARGO_MUTANTS: Tool = Tool { name: "cargo-mutants", version: "27.1.0", features: &[] };

/// Tests all mutants, or those that cargo-mutants is told with these arguments. What it finds is in `target/mutants.out`.
///
/// # Errors
/// When a mutant survives.
pub(crate) fn test(arguments: &[String]) -> anyhow::Result<()> {
    let program = CARGO_MUTANTS.installed()?;
    let mut command = Command::new(program);
    command.args(["mutants", "--package", "domain", "--output", "target"]).args(arguments);
    let status = command.status().context("cargo-mutants does not start")?;
    ensure!(status.success(), "mutants survive: target/mutants.out/missed.txt and timeout.txt name them");
    Ok(())
}
