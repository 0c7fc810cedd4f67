//! `brands push`: brand files and their codes, to where the functions on AWS find them.

use std::path::Path;

use anyhow::{Context, ensure};
use aws::dynamo::{BrandTable, Dynamo, Tables};
use domain::brand::{Brands, SecretRef};
use domain::brand_file::BrandFile;
use ports::Ledger;

use crate::arguments::Push;
use crate::brand_directory::Reviewing;
use crate::code_files::CodeFiles;
use crate::{brand_directory, console};

/// Nothing is put unless every file is right.
pub(crate) async fn push(arguments: Push) -> anyhow::Result<()> {
    let Push { brands: directory, environment, allow_private } = arguments;
    let brands =
        brand_directory::all_usable(brand_directory::read(&directory, Reviewing::strictly(allow_private))?)?;
    let misplaced = misplaced_secrets(&brands, &environment);
    ensure!(
        misplaced.is_empty(),
        "{} secret(s) that the functions could not read:\n{}",
        misplaced.len(),
        misplaced.join("\n")
    );
    let codes = CodeFiles::in_directory(&directory).all(&brands)?;
    let config = aws::environment().await;
    let ledgers = Dynamo::new(&config, Tables::of(&environment));
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
    let files = named(brand_directory::files(&directory)?.into_iter().flatten().collect());
    let pushed = BrandTable::new(&config, &environment).push(&files).await.context("the brand table")?;
    console::say(&format!(
        "{} written, {} removed, {} unchanged; the functions see it within a minute",
        pushed.written, pushed.removed, pushed.unchanged
    ));
    Ok(())
}

/// A parameter's path says which functions may read it: `intake/`, `braze/`, `callback/`. What lies elsewhere nobody can read, and a
/// key that lies under `intake/` the public's functions could.
fn misplaced_secrets(brands: &Brands, environment: &str) -> Vec<String> {
    let mut misplaced = Vec::new();
    for brand in brands.iter() {
        let secrets = [
            ("braze.api_key", "braze", Some(&brand.braze.api_key)),
            ("intake.signing_secret", "intake", brand.intake.signing_secret.as_ref()),
            ("callback.secret", "callback", brand.callback.as_ref().map(|callback| &callback.secret)),
        ];
        for (field, room, secret) in secrets {
            let path = format!("/quikly-braze/{environment}/{room}/");
            let in_place =
                |secret: &&SecretRef| !matches!(secret, SecretRef::Ssm(name) if name.starts_with(&path));
            if let Some(secret) = secret.filter(in_place) {
                misplaced.push(format!(
                    "  {}: {field}: is {secret}; it has to be an SSM parameter under {path}",
                    brand.id
                ));
            }
        }
    }
    misplaced
}

/// By their names alone: where they lay on this machine is nobody's business.
fn named(files: Vec<BrandFile>) -> Vec<BrandFile> {
    let name = |path: &str| Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    files.into_iter().map(|file| BrandFile { name: name(&file.name).unwrap_or_default(), ..file }).collect()
}
