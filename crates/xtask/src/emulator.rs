//! The emulator of AWS, in a Python environment of its own under `target/`.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

/// What is installed: one version, so that a run today is a run tomorrow.
const PACKAGES: [&str; 3] = ["ministack==1.5.33", "aws-sam-translator==1.115.0", "boto3==1.43.106"];

/// Installs the emulator unless it is there.
pub(crate) fn install() -> anyhow::Result<()> {
    let directory = directory();
    let installed = directory.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|text| text == PACKAGES.join("\n")) {
        return Ok(());
    }
    fs::create_dir_all(&directory).context("target/aws-local cannot be made")?;
    let venv = directory.join("venv");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))
        .context("python3 with venv is needed")?;
    run(Command::new(venv.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(PACKAGES))?;
    fs::write(installed, PACKAGES.join("\n"))?;
    Ok(())
}

/// `target/aws-local` of the workspace.
fn directory() -> PathBuf {
    let manifest = env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| "crates/xtask".to_owned());
    PathBuf::from(manifest).join("../../target/aws-local")
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status =
        command.status().with_context(|| format!("{} does not start", command.get_program().display()))?;
    ensure!(status.success(), "{} failed", command.get_program().display());
    Ok(())
}
