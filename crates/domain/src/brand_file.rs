//! Brand files: one strict TOML file per brand. Every fault of every file is found in one go.

mod fault;
mod read;
mod section;
mod sms;

use std::collections::BTreeMap;

pub use fault::Fault;
pub use read::duration;

use crate::brand::{Brands, SecretRef};
use section::Source;

/// A brand file: its name for messages, and its text.
#[derive(Debug, Clone)]
pub struct BrandFile {
    /// The name under which faults are reported.
    pub name: String,
    /// The TOML text.
    pub text: String,
}

/// Says why a secret cannot be had; `Ok` when it can.
pub type SecretCheck<'a> = &'a dyn Fn(&SecretRef) -> Result<(), String>;

/// Reads all brand files. `secret_is_there` is asked about every secret that they name.
///
/// # Errors
/// Every fault of every file, in the order of the files and of their lines.
pub fn read_all(files: &[BrandFile], secret_is_there: SecretCheck<'_>) -> Result<Brands, Vec<Fault>> {
    let mut brands = Vec::new();
    let mut faults = Vec::new();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let mut scopes: BTreeMap<String, String> = BTreeMap::new();
    for file in files {
        let source = Source::new(&file.name, &file.text);
        let (table, errors) = toml::de::DeTable::parse_recoverable(&file.text);
        for error in errors {
            source.fault(error.span().as_ref(), "", error.message());
        }
        brands.extend(read::brand(&source, &table, secret_is_there, &mut ids, &mut scopes, &file.name));
        faults.extend(source.into_faults());
    }
    if faults.is_empty() { Ok(Brands::new(brands)) } else { Err(faults) }
}

#[cfg(test)]
mod tests;
