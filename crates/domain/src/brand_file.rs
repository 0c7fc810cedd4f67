//! Brand files: one strict TOML file per brand. Every fault of every file is found in one go, and one file's faults are no other
//! file's.

mod access;
mod activation;
mod claims;
mod duration;
mod finding;
mod incentive;
mod keys;
mod load;
mod pools;
mod read;
mod remains;
mod secrets;
mod section;
mod sms;

pub use duration::duration;
pub use finding::{Finding, Severity};
pub use keys::{TABLES, Table};
pub use load::{FileStanding, Loaded, LoadedFile, Strictness, read_each};
pub use secrets::SecretPurpose;

use crate::Timestamp;
use crate::brand::{Brands, SecretRef};
use crate::incentive::Pool;

/// A brand file: its name for messages, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrandFile {
    /// The name under which findings are reported.
    pub name: String,
    /// The TOML text.
    pub text: String,
}

/// A brand file that there is, and that has no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableFile {
    /// The name under which it is reported.
    pub name: String,
    /// Why there is no text.
    pub why: String,
    /// What can be made out of it, to know whose file it is; `None` where it surely is no brand's.
    pub remains: Option<String>,
}

/// A brand file as it was found.
pub type Given = Result<BrandFile, UnreadableFile>;

/// What is wrong with something outside of a brand file that the file refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong. Never repeats a secret.
    pub message: String,
}

/// What a pool's file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolFile {
    /// How many different codes.
    pub count: u32,
    /// What is doubtful about them, where somebody wants to know. Never repeats a code.
    pub doubts: Vec<String>,
    /// Which file it is, where there are files: the same under every name.
    pub identity: Option<FileIdentity>,
}

/// A file by its device and its number there.
pub type FileIdentity = (u64, u64);

impl PoolFile {
    /// As many codes as any brand may need.
    #[must_use]
    pub fn ample() -> Self {
        Self { count: u32::MAX, ..Self::default() }
    }
}

/// What brand files refer to outside of themselves. Each method says why something cannot be had.
pub trait Resolver {
    /// Whether a secret is there, and fit for its purpose.
    ///
    /// # Errors
    /// Says what is wrong with it.
    fn secret(&self, secret: &SecretRef, purpose: SecretPurpose) -> Result<(), Doubt>;

    /// What a pool's file holds. It is asked for plain names only, see [`Pool::flaw`].
    ///
    /// # Errors
    /// Says why it cannot be used.
    fn codes(&self, pool: &Pool) -> Result<PoolFile, Doubt>;

    /// How it is taken when a file has us speak to loopback or to private addresses; `None` where that is allowed.
    fn private_addresses(&self) -> Option<Severity> {
        None
    }

    /// The time, where somebody is at hand who wants to know what is doubtful about a file, such as that it is over.
    fn reviewed_at(&self) -> Option<Timestamp> {
        None
    }
}

/// Takes everything for granted: for brands that are made up where they are used.
#[derive(Debug, Clone, Copy, Default)]
pub struct AssumePresent;

impl Resolver for AssumePresent {
    fn secret(&self, _secret: &SecretRef, _purpose: SecretPurpose) -> Result<(), Doubt> {
        Ok(())
    }

    fn codes(&self, _pool: &Pool) -> Result<PoolFile, Doubt> {
        Ok(PoolFile::ample())
    }
}

/// Reads brand files that must all be usable: brands that are made up where they are used. Rules do not apply to them.
///
/// # Errors
/// Everything that was found in every file, in the order of the files and of their lines.
///
/// # Examples
///
/// ```
/// use domain::brand_file::{AssumePresent, BrandFile, read_all};
/// use domain::ids::Scope;
///
/// let text = r#"
///     id = "acme"
///     [braze]
///     endpoint = "https://rest.iad-03.braze.com"
///     api_key = { env = "ACME_BRAZE_API_KEY" }
///     [[activation]]
///     scope = "acme-spring"
///     opens = 2026-11-01T00:00:00Z
///     closes = 2026-12-01T00:00:00Z
///     [activation.email]
///     event = "quikly_participated"
/// "#;
/// let file = |text: &str| BrandFile { name: "acme.toml".into(), text: text.into() };
///
/// let brands = read_all(&[file(text)], &AssumePresent).unwrap();
/// let (brand, _activation) = brands.activation(&Scope::parse("acme-spring").unwrap()).unwrap();
/// assert_eq!(brand.id.as_str(), "acme");
///
/// let findings = read_all(&[file(&text.replace("closes", "ends"))], &AssumePresent).unwrap_err();
/// assert!(findings.iter().any(|finding| finding.to_string() == "acme.toml:9: activation[0].ends: is not a known key"));
/// ```
pub fn read_all(files: &[BrandFile], surroundings: &dyn Resolver) -> Result<Brands, Vec<Finding>> {
    let files: Vec<Given> = files.iter().cloned().map(Ok).collect();
    let loaded = read_each(&files, surroundings, Strictness::Lenient, None);
    let usable = loaded.files.iter().all(|file| file.standing == FileStanding::Used);
    if usable { Ok(loaded.brands) } else { Err(loaded.into_findings()) }
}

#[cfg(test)]
mod tests;
