//! The directory of brand files.

use std::fs;
use std::path::Path;

use anyhow::Context;
use domain::brand::{Brands, SecretRef};
use domain::brand_file::{
    BrandFile, Finding, Given, Loaded, Severity, Standing, Strictness, Surroundings, Unreadable, read_each,
};
use domain::incentive::Pool;

use crate::code_files::{CodeFiles, Codes};

/// Reads every `*.toml` of a directory, in the order of names. The error is the directory's; what is wrong with a file is a finding.
/// `former` is what was in use until now.
pub(crate) fn read(directory: &Path, former: Option<&Loaded>) -> anyhow::Result<Loaded> {
    Ok(load(directory, &files(directory)?, former))
}

/// The same, and the codes of every brand whose file is in use.
pub(crate) fn read_with_codes(
    directory: &Path,
    former: Option<&Loaded>,
) -> anyhow::Result<(Loaded, Vec<Codes>)> {
    let surroundings = OnThisMachine(CodeFiles::in_directory(directory));
    let loaded = read_each(&files(directory)?, &surroundings, Strictness::Strict, former);
    let used = loaded.files.iter().filter(|file| file.standing == Standing::Used);
    let brands = used.filter_map(|file| loaded.brands.brand(file.brand.as_ref()?));
    let codes = surroundings.0.all(brands)?;
    Ok((loaded, codes))
}

/// The same, of files that were read already.
pub(crate) fn load(directory: &Path, files: &[Given], former: Option<&Loaded>) -> Loaded {
    let surroundings = OnThisMachine(CodeFiles::in_directory(directory));
    read_each(files, &surroundings, Strictness::Strict, former)
}

/// Every `*.toml` of a directory, in the order of names.
pub(crate) fn files(directory: &Path) -> anyhow::Result<Vec<Given>> {
    let shown = directory.display();
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read the brand directory {shown}"))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read the brand directory {shown}"))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") && !is_left_by_a_tool(&path) {
            paths.push(path);
        }
    }
    anyhow::ensure!(!paths.is_empty(), "there is no brand file (*.toml) in {shown}");
    paths.sort();
    Ok(paths.iter().map(|path| file(path)).collect())
}

/// Locks of editors (`.#acme.toml`) and what file managers put beside a file (`._acme.toml`).
fn is_left_by_a_tool(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with(".#") || name.starts_with("._"))
}

fn file(path: &Path) -> Given {
    let name = path.display().to_string();
    // Reading a pipe would wait for ever.
    if fs::metadata(path).is_ok_and(|is| !is.is_file()) {
        return Err(Unreadable { name, why: "is no file".to_owned(), remains: None });
    }
    match fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(BrandFile { name, text }),
        Ok(Err(error)) => Err(Unreadable {
            name,
            why: "is not UTF-8 text".to_owned(),
            remains: Some(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        }),
        Err(error) => {
            Err(Unreadable { name, why: format!("cannot be read: {error}"), remains: Some(String::new()) })
        }
    }
}

/// The brands, if no file is refused; else what was found in those that are.
pub(crate) fn all_usable(loaded: Loaded) -> anyhow::Result<Brands> {
    let findings: Vec<Finding> = loaded.refused().flat_map(|file| file.findings.clone()).collect();
    if loaded.refused().next().is_some() {
        anyhow::bail!(all_of(&findings));
    }
    Ok(loaded.brands)
}

/// All findings as one message, a line each.
pub(crate) fn all_of(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    let count = findings.iter().filter(|finding| finding.severity != Severity::Warning).count();
    let errors = if count == 1 { "error" } else { "errors" };
    format!("{count} {errors} in the brand files:{}", lines.concat())
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
