//! Brand files: one strict TOML file per brand. Every fault of every file is found in one go, and one file's faults are no other
//! file's.

mod access;
mod activation;
mod claims;
mod duration;
mod finding;
mod incentive;
mod load;
mod read;
mod remains;
mod section;
mod sms;

pub use duration::duration;
pub use finding::{Finding, Severity};
pub use load::{Loaded, LoadedFile, Standing, Strictness, read_each};

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
pub struct Unreadable {
    /// The name under which it is reported.
    pub name: String,
    /// Why there is no text.
    pub why: String,
    /// What can be made out of it, to know whose file it is; `None` where it surely is no brand's.
    pub remains: Option<String>,
}

/// A brand file as it was found.
pub type Given = Result<BrandFile, Unreadable>;

/// What brand files refer to outside of themselves. Each method says why something cannot be had.
pub trait Surroundings {
    /// Whether a secret is there.
    ///
    /// # Errors
    /// Says that it is not.
    fn secret(&self, secret: &SecretRef) -> Result<(), String>;

    /// How many different codes a pool's file holds.
    ///
    /// # Errors
    /// Says why it cannot be used.
    fn codes(&self, pool: &Pool) -> Result<u32, String>;
}

/// Takes everything for granted: for brands that are made up where they are used.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllThere;

impl Surroundings for AllThere {
    fn secret(&self, _secret: &SecretRef) -> Result<(), String> {
        Ok(())
    }

    fn codes(&self, _pool: &Pool) -> Result<u32, String> {
        Ok(u32::MAX)
    }
}

/// Reads brand files that must all be usable: brands that are made up where they are used. Rules do not apply to them.
///
/// # Errors
/// Everything that was found in every file, in the order of the files and of their lines.
pub fn read_all(files: &[BrandFile], surroundings: &dyn Surroundings) -> Result<Brands, Vec<Finding>> {
    let files: Vec<Given> = files.iter().cloned().map(Ok).collect();
    let loaded = read_each(&files, surroundings, Strictness::Lenient, None);
    let usable = loaded.files.iter().all(|file| file.standing == Standing::Used);
    if usable { Ok(loaded.brands) } else { Err(loaded.into_findings()) }
}

#[cfg(test)]
mod tests;
