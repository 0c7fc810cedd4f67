//! The directory of brand files.

use std::fs;
use std::path::Path;

use anyhow::Context;
use domain::brand::{Brands, SecretRef};
use domain::brand_file::{BrandFile, Fault, Surroundings, read_all};
use domain::incentive::Pool;

use crate::code_files::CodeFiles;

/// Reads every `*.toml` of a directory, in the order of names. The outer error is the directory's, the inner one every
/// fault of its files.
pub(crate) fn read(directory: &Path) -> anyhow::Result<Result<Brands, Vec<Fault>>> {
    Ok(read_all(&files(directory)?, &OnThisMachine(CodeFiles::in_directory(directory))))
}

/// Every `*.toml` of a directory, in the order of names.
pub(crate) fn files(directory: &Path) -> anyhow::Result<Vec<BrandFile>> {
    let shown = directory.display();
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read the brand directory {shown}"))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read the brand directory {shown}"))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    anyhow::ensure!(!paths.is_empty(), "there is no brand file (*.toml) in {shown}");
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        files.push(BrandFile { name, text });
    }
    Ok(files)
}

/// All faults as one message, a line each.
pub(crate) fn all_of(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    let errors = if faults.len() == 1 { "error" } else { "errors" };
    format!("{} {errors} in the brand files:{}", faults.len(), lines.concat())
}

/// Environment variables are looked at, and so are code files; a parameter of AWS cannot be from here.
struct OnThisMachine(CodeFiles);

impl Surroundings for OnThisMachine {
    fn secret(&self, secret: &SecretRef) -> Result<(), String> {
        match secret {
            SecretRef::Env(name) if std::env::var_os(name).is_none_or(|value| value.is_empty()) => {
                Err(format!("{secret} is not set"))
            }
            SecretRef::Env(_) | SecretRef::Ssm(_) => Ok(()),
        }
    }

    fn codes(&self, pool: &Pool) -> Result<u32, String> {
        Ok(u32::try_from(self.0.read(pool)?.len()).unwrap_or(u32::MAX))
    }
}
