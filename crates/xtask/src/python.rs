//! Environments of Python for third-party programs, each in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// The directory of the programs of an environment with these packages. It is made first, unless it is there with the same packages.
///
/// # Errors
/// When there is no `python3` with `venv`, or a package cannot be installed.
pub(crate) fn environment(directory: &Path, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let venv = directory.join("venv");
    let programs = venv.join("bin");
    let installed = directory.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|text| text == packages.join("\n")) {
        return Ok(programs);
    }
    fs::create_dir_all(directory).with_context(|| format!("{} cannot be created", directory.display()))?;
    crate::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))
        .context("python3 with venv is needed")?;
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    crate::run(Command::new(programs.join("pip")).args(pip).args(packages))?;
    fs::write(installed, packages.join("\n"))?;
    Ok(programs)
}
