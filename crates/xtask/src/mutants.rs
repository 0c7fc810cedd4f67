//! Mutation tests of `domain`: each mutant is a small change of the code that some test of that crate should notice.
//! `.cargo/mutants.toml` says how they are run.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::tool::Tool;

const CARGO_MUTANTS: Tool = Tool { name: "cargo-mutants", version: "27.1.0", features: &[] };

/// Tests all mutants, or those that these arguments of cargo-mutants select. The findings are in `target/mutants.out`.
///
/// # Errors
/// If a mutant survives.
pub(crate) fn test(arguments: &[String]) -> anyhow::Result<()> {
    let program = CARGO_MUTANTS.installed()?;
    let mut command = Command::new(program);
    command.args(["mutants", "--package", "domain", "--output", "target"]).args(arguments);
    let status = command.status().context("cargo-mutants could not be started")?;
    ensure!(
        status.success(),
        "mutants survived: see target/mutants.out/missed.txt and target/mutants.out/timeout.txt"
    );
    Ok(())
}
