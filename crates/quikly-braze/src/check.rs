//! `check`: validates brand files.

use std::path::Path;

use crate::{brand_directory, console};

/// Validates a directory; the error lists every fault.
pub(crate) fn run(directory: &Path) -> anyhow::Result<()> {
    let brands = brand_directory::read(directory)?
        .map_err(|faults| anyhow::anyhow!(brand_directory::all_of(&faults)))?;
    for brand in brands.iter() {
        console::say(&format!("{}: {} activation(s), ok", brand.id, brand.activations.len()));
    }
    Ok(())
}
