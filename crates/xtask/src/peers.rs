//! Other implementations of the endpoint: installed into `target/peers`, and measured in the same run as ours.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::emulator::workspace;

/// Installs the other implementations and runs the benchmark.
pub(crate) fn bench() -> anyhow::Result<()> {
    let sources = workspace().join("benches/peers");
    let installed = workspace().join("target/peers");
    let (venv, express) = (installed.join("venv"), installed.join("express"));
    fs::create_dir_all(&express)?;
    if !venv.join("bin/uvicorn").exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        let pip = ["install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(Command::new(venv.join("bin/pip")).args(pip).arg(sources.join("fastapi/requirements.txt")))?;
    }
    for file in ["package.json", "app.js"] {
        fs::copy(sources.join("express").join(file), express.join(file))?;
    }
    if !express.join("node_modules/better-sqlite3").exists() {
        run(Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--silent"])
            .current_dir(&express))?;
    }
    let installed = installed.canonicalize()?.display().to_string();
    let measure =
        ["run", "--release", "--package", "benches", "--bin", "accept", "--", "--peers", &installed];
    crate::cargo(&measure)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command.status().with_context(|| format!("{program} is needed"))?;
    ensure!(status.success(), "{program} failed");
    Ok(())
}
