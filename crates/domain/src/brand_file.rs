//! Brand files: one strict TOML file for each brand. All faults of all files are found in one pass, and a
//! fault in one file does not affect another brand.

mod access;
mod activation;
mod answers;
mod claims;
mod consent;
mod duration;
mod finding;
mod incentive;
mod keys;
mod load;
mod named_pool;
mod opt_in;
mod pools;
mod read;
mod reading;
mod remains;
mod secrets;
mod section;
mod sms;
mod value;

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

/// A brand file that exists but has no usable text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableFile {
    /// The name under which it is reported.
    pub name: String,
    /// Why there is no text.
    pub why: String,
    /// What can still be read, to find out whose file it is; `None` if it is certainly not a brand's file.
    pub remains: Option<String>,
}

/// A brand file as it was found: with a text, or unreadable.
pub type Given = Result<BrandFile, UnreadableFile>;

/// A problem outside a brand file, with something that the file refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// How serious the problem is.
    pub severity: Severity,
    /// What is wrong. It never repeats a secret.
    pub message: String,
}

/// What a pool's file contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolFile {
    /// How many different codes the file has.
    pub count: u32,
    /// Doubts about the codes, if they were asked for. They never repeat a code.
    pub doubts: Vec<String>,
    /// The identity of the file on disk, if there is a disk: it is the same under every name.
    pub identity: Option<FileIdentity>,
}

/// A file's identity: its device, and its number on that device.
pub type FileIdentity = (u64, u64);

impl PoolFile {
    /// A file with as many codes as any brand may need.
    #[must_use]
    pub fn ample() -> Self {
        Self { count: u32::MAX, ..Self::default() }
    }
}

/// Resolves what brand files refer to. Each method says why something is not available.
pub trait Resolver {
    /// Checks that a secret exists and is fit for its purpose.
    ///
    /// # Errors
    /// What is wrong with the secret.
    fn secret(&self, secret: &SecretRef, purpose: SecretPurpose) -> Result<(), Doubt>;

    /// What a pool's file contains. Called only for plain file names, see [`Pool::flaw`].
    ///
    /// # Errors
    /// Why the file cannot be used.
    fn codes(&self, pool: &Pool) -> Result<PoolFile, Doubt>;

    /// The severity of a finding if a file uses loopback or private addresses; `None` if that is allowed.
    fn private_addresses(&self) -> Option<Severity> {
        None
    }

    /// The current time, if somebody reviews the files and wants to know about doubts, such as an activation
    /// that is over.
    fn reviewed_at(&self) -> Option<Timestamp> {
        None
    }
}

/// Assumes that everything a file refers to exists: for brands that are defined where they are used.
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

/// Reads brand files that must all be usable: brands that are defined where they are used. Rules for new
/// files do not apply to them.
///
/// # Errors
/// All findings in all files, in the order of the files and of their lines.
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
