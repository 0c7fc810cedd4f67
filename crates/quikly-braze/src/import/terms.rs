//! The brand files that an import goes by.

use anyhow::{Context, ensure};
use aws::dynamo::BrandTable;
use domain::brand::Brands;
use domain::brand_file::{AssumePresent, Strictness, read_each};

use crate::arguments::ImportArguments;
use crate::brand_directory::{BrandDirectory, Reviewing};

/// The brands in use: those of the directory, or those of the environment. Secrets are not read.
pub(super) async fn brands(arguments: &ImportArguments) -> anyhow::Result<Brands> {
    if let Some(path) = &arguments.brands {
        let directory = BrandDirectory::new(path.clone(), Reviewing::for_any_place(true));
        let (loaded, _codes) = directory.load(&directory.files()?, None);
        return Ok(loaded.brands);
    }
    let name = arguments.storage.environment.as_deref().context("--brands is missing")?;
    let table = BrandTable::new(&aws::environment().await, name);
    let files = table.read().await.context("the brand table")?;
    ensure!(!files.is_empty(), "the environment has no brand files: push them first");
    Ok(read_each(&files, &AssumePresent, Strictness::Lenient, None).brands)
}
