//! Brand files: one strict TOML file per brand. Every fault of every file is found in one go.

mod access;
mod activation;
mod fault;
mod incentive;
mod read;
mod section;
mod sms;

pub use fault::Fault;
pub use read::duration;

use crate::brand::{Brands, SecretRef};
use crate::incentive::Pool;
use read::{Reading, Taken};
use section::Source;

/// A brand file: its name for messages, and its text.
#[derive(Debug, Clone)]
pub struct BrandFile {
    /// The name under which faults are reported.
    pub name: String,
    /// The TOML text.
    pub text: String,
}

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

/// The one fault without a line.
const TOO_DEEP: &str = "tables or arrays are nested too deeply";

/// Reads all brand files.
///
/// # Errors
/// Every fault of every file, in the order of the files and of their lines.
pub fn read_all(files: &[BrandFile], surroundings: &dyn Surroundings) -> Result<Brands, Vec<Fault>> {
    let mut brands = Vec::new();
    let mut faults = Vec::new();
    let mut taken = Taken::default();
    for file in files {
        let source = Source::new(&file.name, &file.text);
        let (table, errors) = toml::de::DeTable::parse_recoverable(&file.text);
        for error in errors {
            // The parser does not say where a file got too deep for it.
            let message = if error.span().is_some() { error.message() } else { TOO_DEEP };
            source.fault(error.span().as_ref(), "", message);
        }
        let mut reading = Reading { source: &source, surroundings, taken: &mut taken, file: &file.name };
        brands.extend(read::brand(&table, &mut reading));
        faults.extend(source.into_faults());
    }
    if faults.is_empty() { Ok(Brands::new(brands)) } else { Err(faults) }
}

#[cfg(test)]
mod tests;
