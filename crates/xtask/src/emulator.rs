//! The emulator of AWS, in a Python environment of its own under `target/`.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::python;

/// The packages to install, each in one version, so that runs can be repeated.
const PACKAGES: [&str; 5] = [
    "ministack==1.5.33",
    "aws-sam-translator==1.115.0",
    "boto3==1.43.106",
    "cfn-lint==1.58.0",
    "cfn-lint-serverless==0.3.6",
];

/// Installs the emulator, unless it is installed already.
pub(crate) fn install() -> anyhow::Result<()> {
    python::environment(&directory(), &PACKAGES).map(drop)
}

/// The functions of infra/template.yaml.
fn functions() -> anyhow::Result<Vec<String>> {
    let file = workspace().join("infra/template.yaml");
    let template = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let code = |line: &str| line.trim().strip_prefix("CodeUri: ../crates/functions/").map(str::to_owned);
    let functions: Vec<String> = template.lines().filter_map(code).collect();
    ensure!(!functions.is_empty(), "{} names no function", file.display());
    Ok(functions)
}

/// Builds the functions one by one. Built together, each would get the features that any of them needs.
pub(crate) fn build_functions() -> anyhow::Result<()> {
    functions()?.iter().try_for_each(|function| crate::cargo(&["build", "--package", function]))
}

/// The configuration with which `sam build` builds functions.
const FOR_SIZE: &str = "crates/functions/.cargo/config.toml";

/// Builds the functions as they are deployed, and the other packages together with them.
pub(crate) fn build_released(others: &[&str]) -> anyhow::Result<()> {
    let functions = functions()?;
    functions.iter().map(String::as_str).chain(others.iter().copied()).try_for_each(|package| {
        crate::cargo(&["build", "--release", "--config", FOR_SIZE, "--package", package])
    })
}

/// Installs the emulator, builds the binaries, deploys the stack, and keeps it running.
pub(crate) fn run_the_stack() -> anyhow::Result<()> {
    install()?;
    crate::cargo(&["build", "--bin", "quikly-braze"])?;
    build_functions()?;
    let directory = directory();
    let binaries = directory.join("../debug");
    let script = directory.join("../../infra/local.py");
    let python = directory.join("venv/bin/python");
    crate::run(
        Command::new(python).arg(script).arg("--binaries").arg(binaries).arg("--directory").arg(directory),
    )
}

/// The workspace's directory.
pub(crate) fn workspace() -> PathBuf {
    let manifest = env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| "crates/xtask".to_owned());
    PathBuf::from(manifest).join("../..")
}

/// The directory `target/aws-local` of the workspace.
fn directory() -> PathBuf {
    workspace().join("target/aws-local")
}
