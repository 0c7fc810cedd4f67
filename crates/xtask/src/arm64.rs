//! A function, built for the processor that the template names, in the way `sam build` builds it but without optimisation.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::emulator::workspace;
use crate::python;

/// The packages to install, each in one version, so that runs can be repeated. Zig links for the other processor.
const PACKAGES: [&str; 2] = ["cargo-lambda==1.9.2", "ziglang==0.17.1"];

/// The function that is built. The others use the same crates and more.
const FUNCTION: &str = "webhook-receiver";

/// The target of the compiler.
const TARGET: &str = "aarch64-unknown-linux-gnu";

/// Builds the function into `target/arm64`. Returns whether it could be built here: the compiler's library for the target must be there, or
/// rustup must be able to fetch it.
///
/// # Errors
/// When the packages cannot be installed, or the function does not build.
pub(crate) fn build() -> anyhow::Result<bool> {
    if !has_target() {
        return Ok(false);
    }
    let directory = workspace().join("target/arm64");
    let programs = python::environment(&directory, &PACKAGES)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([programs.clone()].into_iter().chain(env::split_paths(&path)))?;
    let mut build = Command::new(programs.join("cargo-lambda"));
    build.args(["lambda", "build", "--arm64", "--package", FUNCTION, "--bin", FUNCTION, "--lambda-dir"]);
    build.arg(&directory).current_dir(workspace()).env("PATH", path);
    // Nobody debugs it, and this takes a third less time.
    build.env("CARGO_PROFILE_DEV_DEBUG", "0");
    crate::run(&mut build)?;
    Ok(true)
}

/// Whether the compiler has its library for the target. Where it may, rustup fetches it.
fn has_target() -> bool {
    let is_there = || {
        let mut rustc = Command::new("rustc");
        let found = rustc.args(["--print", "target-libdir", "--target", TARGET]).output();
        found.is_ok_and(|said| Path::new(String::from_utf8_lossy(&said.stdout).trim()).exists())
    };
    let fetch = || {
        let mut rustup = Command::new("rustup");
        rustup.args(["target", "add", TARGET]).stdout(Stdio::null()).stderr(Stdio::null());
        rustup.status().is_ok_and(|status| status.success())
    };
    is_there() || (fetch() && is_there())
}
