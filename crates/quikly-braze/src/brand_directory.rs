//! The directory of brand files.

use std::env::{self, VarError};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use domain::Timestamp;
use domain::brand::{Brands, SecretRef};
use domain::brand_file::{
    BrandFile, Doubt, FileStanding, Finding, Given, Loaded, PoolFile, Resolver, SecretPurpose, Severity,
    Strictness, UnreadableFile, read_each,
};
use domain::incentive::Pool;
use ports::Clock;
use ports::clock::SystemClock;

use crate::code_files::{CodeFiles, PoolCodes};

/// How strictly brand files are reviewed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reviewing {
    private_addresses: Option<Severity>,
    with_secrets: bool,
}

impl Reviewing {
    /// The review where it is known whether private addresses are allowed.
    pub(crate) fn strictly(allow_private: bool) -> Self {
        Self { private_addresses: (!allow_private).then_some(Severity::Rule), with_secrets: true }
    }

    /// The review where it is not known where the files will be used. The secrets may be absent here.
    pub(crate) fn for_any_place(offline: bool) -> Self {
        Self { private_addresses: Some(Severity::Warning), with_secrets: !offline }
    }
}

/// A directory of brand files, and how strictly they are reviewed.
#[derive(Debug, Clone)]
pub(crate) struct BrandDirectory {
    path: PathBuf,
    reviewing: Reviewing,
}

impl BrandDirectory {
    /// Names the directory without reading anything.
    pub(crate) fn new(path: PathBuf, reviewing: Reviewing) -> Self {
        Self { path, reviewing }
    }

    /// The directory's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads every `*.toml`, in the order of names, and the codes of every brand whose file is in use. `former` is what was in use until
    /// now. A fault in a file becomes a finding.
    ///
    /// # Errors
    /// When the directory itself cannot be read, or has no brand file.
    pub(crate) fn read_with_codes(
        &self,
        former: Option<&Loaded>,
    ) -> anyhow::Result<(Loaded, Vec<PoolCodes>)> {
        let (loaded, files) = self.load(&self.files()?, former);
        let used = loaded.files.iter().filter(|file| file.standing == FileStanding::Used);
        let brands = used.filter_map(|file| loaded.brands.brand(file.brand.as_ref()?));
        let codes = files.into_codes(brands)?;
        Ok((loaded, codes))
    }

    /// Loads files that were read already, together with the code files that they name.
    pub(crate) fn load(&self, files: &[Given], former: Option<&Loaded>) -> (Loaded, CodeFiles) {
        let codes = CodeFiles::in_directory(&self.path);
        let surroundings = OnThisMachine { codes, reviewing: self.reviewing };
        let loaded = read_each(files, &surroundings, Strictness::Strict, former);
        (loaded, surroundings.codes)
    }

    /// Reads every `*.toml`, in the order of names.
    ///
    /// # Errors
    /// When the directory cannot be read, or has no brand file.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<Given>> {
        let shown = self.path.display();
        let entries =
            fs::read_dir(&self.path).with_context(|| format!("cannot read the brand directory {shown}"))?;
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
}

/// Whether a file is an editor's lock (`.#acme.toml`) or a file manager's metadata (`._acme.toml`).
fn is_left_by_a_tool(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with(".#") || name.starts_with("._"))
}

fn file(path: &Path) -> Given {
    let name = path.display().to_string();
    // Reading a pipe would block forever.
    if fs::metadata(path).is_ok_and(|is| !is.is_file()) {
        return Err(UnreadableFile { name, why: "is no file".to_owned(), remains: None });
    }
    match fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(BrandFile { name, text }),
        Ok(Err(error)) => Err(UnreadableFile {
            name,
            why: "is not UTF-8 text".to_owned(),
            remains: Some(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        }),
        Err(error) => Err(UnreadableFile {
            name,
            why: format!("cannot be read: {error}"),
            remains: Some(String::new()),
        }),
    }
}

/// The brands, if no file is refused; otherwise the findings about those that are.
pub(crate) fn all_usable(loaded: Loaded) -> anyhow::Result<Brands> {
    let findings: Vec<Finding> = loaded.refused().flat_map(|file| file.findings.clone()).collect();
    if loaded.refused().next().is_some() {
        anyhow::bail!(all_of(&findings));
    }
    Ok(loaded.brands)
}

/// All findings as one message, one on each line.
pub(crate) fn all_of(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    let count = findings.iter().filter(|finding| finding.severity != Severity::Warning).count();
    let errors = if count == 1 { "error" } else { "errors" };
    format!("{count} {errors} in the brand files:{}", lines.concat())
}

/// Checks environment variables and code files. It cannot check parameters of AWS.
struct OnThisMachine {
    codes: CodeFiles,
    reviewing: Reviewing,
}

impl Resolver for OnThisMachine {
    fn secret(&self, secret: &SecretRef, purpose: SecretPurpose) -> Result<(), Doubt> {
        match secret {
            SecretRef::Env(name) if self.reviewing.with_secrets => variable(name, purpose),
            SecretRef::Env(_) | SecretRef::Ssm(_) => Ok(()),
        }
    }

    fn codes(&self, pool: &Pool) -> Result<PoolFile, Doubt> {
        self.codes.stock(pool)
    }

    fn private_addresses(&self) -> Option<Severity> {
        self.reviewing.private_addresses
    }

    fn reviewed_at(&self) -> Option<Timestamp> {
        Some(SystemClock.now())
    }
}

fn variable(name: &str, purpose: SecretPurpose) -> Result<(), Doubt> {
    let doubt =
        |severity, why: &str| Doubt { severity, message: format!("environment variable {name} {why}") };
    match env::var(name) {
        Ok(value) if value.is_empty() => Err(doubt(Severity::Error, "is not set")),
        Ok(value) => flaw(&value, purpose).map_or(Ok(()), |(severity, why)| Err(doubt(severity, &why))),
        Err(VarError::NotPresent) => Err(doubt(Severity::Error, "is not set")),
        Err(VarError::NotUnicode(_)) => Err(doubt(Severity::Error, "is not text")),
    }
}

/// What is wrong with a secret. The text does not contain the secret.
fn flaw(value: &str, purpose: SecretPurpose) -> Option<(Severity, String)> {
    match purpose {
        SecretPurpose::BrazeKey => {
            let key = value.trim();
            let why = if key.is_empty() {
                "is empty"
            } else if key.contains(|c: char| c.is_whitespace() || c.is_control()) {
                "contains white space, which no API key has"
            } else {
                return None;
            };
            Some((Severity::Rule, why.to_owned()))
        }
        SecretPurpose::Intake => intake::signature::flaw(value).map(|why| (Severity::Rule, why.to_owned())),
        SecretPurpose::Callback => callback::SigningSecret::new(value).flaw().map(|flaw| match flaw {
            callback::Flaw::Plain => (Severity::Warning, flaw.to_string()),
            callback::Flaw::NotBase64 | callback::Flaw::Short => (Severity::Rule, flaw.to_string()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_fit_for_its_purpose_or_breaks_a_rule() {
        let severity = |value: &str, purpose| flaw(value, purpose).map(|(severity, _)| severity);
        for (value, purpose) in [
            ("x", SecretPurpose::Intake),
            (" ", SecretPurpose::Intake),
            ("x", SecretPurpose::Callback),
            ("whsec_!!!!", SecretPurpose::Callback),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa_-", SecretPurpose::Callback),
            (" \n", SecretPurpose::BrazeKey),
            ("two words", SecretPurpose::BrazeKey),
        ] {
            assert_eq!(severity(value, purpose), Some(Severity::Rule), "{value:?} {purpose:?}");
        }
        for (value, purpose) in [
            ("sixteen letters!\n", SecretPurpose::Intake),
            (" whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", SecretPurpose::Callback),
            ("a-key\n", SecretPurpose::BrazeKey),
        ] {
            assert_eq!(severity(value, purpose), None, "{value:?} {purpose:?}");
        }
        assert_eq!(severity("sixteen letters!", SecretPurpose::Callback), Some(Severity::Warning));
    }
}
