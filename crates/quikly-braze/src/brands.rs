//! `brands push`: brand files and their codes, to where the functions on AWS find them.

use std::path::Path;

use anyhow::Context;
use aws::dynamo::{BrandTable, Dynamo, KEPT_FOR, Tables};
use domain::brand_file::BrandFile;
use ports::Ledger;

use crate::arguments::Push;
use crate::code_files::CodeFiles;
use crate::{brand_directory, console};

/// Nothing is put unless every file is right.
pub(crate) async fn push(arguments: Push) -> anyhow::Result<()> {
    let Push { brands: directory, environment } = arguments;
    let brands = brand_directory::read(&directory)?
        .map_err(|faults| anyhow::anyhow!(brand_directory::all_of(&faults)))?;
    let codes = CodeFiles::in_directory(&directory).all(&brands)?;
    let config = aws::environment().await;
    let ledgers = Dynamo::new(&config, Tables::of(&environment), KEPT_FOR);
    for (brand, pool, codes) in codes {
        let stock =
            ledgers.import_codes(&brand, &pool, &codes).await.context("the codes cannot be imported")?;
        console::say(&format!(
            "{brand}: {} has {} codes, {} given out",
            pool.file(),
            stock.codes,
            stock.given
        ));
    }
    let files = named(brand_directory::files(&directory)?);
    let pushed = BrandTable::new(&config, &environment).push(&files).await.context("the brand table")?;
    console::say(&format!(
        "{} written, {} removed, {} unchanged; the functions see it within a minute",
        pushed.written, pushed.removed, pushed.unchanged
    ));
    Ok(())
}

/// By their names alone: where they lay on this machine is nobody's business.
fn named(files: Vec<BrandFile>) -> Vec<BrandFile> {
    let name = |path: &str| Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    files.into_iter().map(|file| BrandFile { name: name(&file.name).unwrap_or_default(), ..file }).collect()
}
