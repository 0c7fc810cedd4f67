//! The packages of `web/`: types from the OpenAPI document, checks, tests, and the built files, which are committed.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::emulator::workspace;

/// What the build writes and the repository contains.
const BUILT: [&str; 3] = ["participate/src/api.ts", "participate/dist", "element/dist"];

/// The names of a browser that the tests can drive.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Installs what the packages need, builds and tests them. With `check`, it fails if the committed files are not those that it built.
pub(crate) fn build(check: bool) -> anyhow::Result<()> {
    npm(&["ci", "--no-audit", "--no-fund", "--silent"])?;
    let committed = built()?;
    npm(&["run", "--silent", "build"])?;
    npm(&["test", "--silent"])?;
    let changed: Vec<String> = {
        let now = built()?;
        let names = committed.keys().chain(now.keys());
        names
            .filter(|name| committed.get(*name) != now.get(*name))
            .map(|name| name.display().to_string())
            .collect()
    };
    ensure!(!check || changed.is_empty(), "run cargo xtask web and commit: {}", changed.join(", "));
    Ok(())
}

/// The built files with their contents.
fn built() -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut waiting: Vec<PathBuf> = BUILT.iter().map(|name| workspace().join("web").join(name)).collect();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                waiting.push(entry?.path());
            }
        } else if path.exists() {
            files.insert(path.clone(), fs::read(&path)?);
        }
    }
    Ok(files)
}

fn npm(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("npm");
    let status = command.args(arguments).current_dir(workspace().join("web")).status();
    let status = status.context("npm is needed, of Node 20 or later")?;
    ensure!(status.success(), "npm {} failed", arguments.join(" "));
    Ok(())
}

/// Whether there is npm. Where it may, it installs Debian's package.
pub(crate) fn has_npm() -> bool {
    is_in_path(&["npm"]) || (installs(&["nodejs", "npm"]) && is_in_path(&["npm"]))
}

/// Whether there is a browser. Where it may, it installs Debian's package of Chromium.
pub(crate) fn has_browser() -> bool {
    env::var_os("CHROMIUM").is_some()
        || is_in_path(&BROWSERS)
        || (installs(&["chromium"]) && is_in_path(&BROWSERS))
}

fn is_in_path(names: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .any(|directory| names.iter().any(|name| Path::new(&directory).join(name).exists()))
}

/// Installs packages of Debian's. A new machine may not know the packages yet.
fn installs(packages: &[&str]) -> bool {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments).stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let install: Vec<&str> =
        ["install", "--yes", "--no-install-recommends"].into_iter().chain(packages.iter().copied()).collect();
    apt(&install) || (apt(&["update"]) && apt(&install))
}
