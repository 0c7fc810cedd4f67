//! `brands push`: stores brand files and their codes where the functions on AWS read them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};
use aws::dynamo::{BrandTable, Dynamo, Tables};
use domain::brand::{Brand, SecretRef};
use domain::brand_file::{
    AssumePresent, BrandFile, FileStanding, Given, Loaded, LoadedFile, Strictness, read_each,
};
use domain::ids::BrandId;
use serde_json::json;

use crate::arguments::Push;
use crate::brand_directory::{BrandDirectory, Reviewing};
use crate::console;

/// Pushes every file that is correct. A file with faults is reported, and the earlier version of its brand stays in use.
pub(crate) async fn push(arguments: Push) -> anyhow::Result<()> {
    let Push { brands: path, environment, allow_private, json } = arguments;
    let directory = BrandDirectory::new(path, Reviewing::strictly(allow_private));
    let config = aws::environment().await;
    let table = BrandTable::new(&config, &environment);
    let files = named(directory.files()?);
    let there = table.read().await.context("the brand table")?;
    let before = read_each(&there, &AssumePresent, Strictness::Lenient, None);
    let (loaded, codes) = directory.load(&files, Some(&before));
    let mut sorted = sort(&loaded, files, &environment);
    if !json {
        sorted.doubts.iter().for_each(|doubt| console::say(doubt));
    }
    let mut stocks = Vec::new();
    let codes = codes.into_codes(sorted.right.iter().map(|right| right.brand))?;
    let ledgers = Dynamo::new(&config, Tables::of(&environment));
    for (brand, pool, codes) in codes {
        let file = pool.file();
        let bar = console::progress(format!("{brand}: {file}"), codes.len());
        let imported =
            ledgers.import_codes_with(&brand, &pool, &codes, |done| bar.set_position(done as u64)).await;
        bar.finish_and_clear();
        let stock = imported.context("the codes cannot be imported; push again to continue")?;
        let in_pool = usize::try_from(stock.codes).unwrap_or(usize::MAX);
        if !json {
            console::say(&format!("{brand}: {file} has {} codes, {} given out", stock.codes, stock.given));
        }
        stocks.push(
            json!({ "brand": brand.as_str(), "file": file, "codes": stock.codes, "given": stock.given }),
        );
        if in_pool < codes.len() {
            sorted.refuse(&brand, &elsewhere(file, codes.len(), in_pool));
        }
    }
    let right: Vec<BrandFile> = sorted.right.into_iter().map(|right| right.file).collect();
    let left = sorted.refused.iter().flat_map(|file| pushed_before(&before, file)).collect();
    let pushed = table.push_over(&there, &right, &left).await.context("the brand table")?;
    if json {
        let refused: Vec<&str> = sorted.refused.iter().map(|file| file.name.as_str()).collect();
        let said = json!({
            "written": pushed.written, "removed": pushed.removed, "unchanged": pushed.unchanged,
            "codes": stocks, "findings": sorted.doubts, "refused": refused,
        });
        console::say(&said.to_string());
    } else {
        console::say(&format!(
            "{} written, {} removed, {} unchanged; the functions see it within a minute",
            pushed.written, pushed.removed, pushed.unchanged
        ));
    }
    ensure!(
        sorted.refused.is_empty(),
        "{} file(s) were not pushed; their earlier versions stay in use:{}",
        sorted.refused.len(),
        sorted.why
    );
    Ok(())
}

/// Why a brand that names this code file is not pushed: its winners would get no code.
fn elsewhere(file: &str, codes: usize, there: usize) -> String {
    format!(
        "codes \"{file}\": has {codes} codes, but only {there} can be given out under this name: the brand has imported the others \
         under another file name, and gives them out only under that name. Keep that name, or use new codes"
    )
}

/// The files of a directory, sorted into those that are correct, with their brands, and those that are refused, with the reasons.
struct Sorted<'a> {
    right: Vec<Right<'a>>,
    refused: Vec<&'a LoadedFile>,
    why: String,
    /// What is doubtful in correct files.
    doubts: Vec<String>,
}

struct Right<'a> {
    loaded: &'a LoadedFile,
    brand: &'a Brand,
    file: BrandFile,
}

impl Sorted<'_> {
    /// Moves a brand's files from the correct ones to the refused ones.
    fn refuse(&mut self, brand: &BrandId, why: &str) {
        let refused = self.right.extract_if(.., |right| right.brand.id == *brand).map(|right| right.loaded);
        for file in refused {
            self.why.push_str(&format!("\n  {}: {why}", file.name));
            self.refused.push(file);
        }
    }
}

fn sort<'a>(loaded: &'a Loaded, files: Vec<Given>, environment: &str) -> Sorted<'a> {
    let mut sorted =
        Sorted { right: Vec::new(), refused: Vec::new(), why: String::new(), doubts: Vec::new() };
    for (file, given) in loaded.files.iter().zip(files) {
        let used = file.standing == FileStanding::Used;
        let brand = file.brand.as_ref().and_then(|id| loaded.brands.brand(id)).filter(|_| used);
        let misplaced = brand.map(|brand| misplaced_secrets(brand, environment)).unwrap_or_default();
        match (brand, given) {
            (Some(brand), Ok(given)) if misplaced.is_empty() => {
                sorted.doubts.extend(file.findings.iter().map(ToString::to_string));
                sorted.right.push(Right { loaded: file, brand, file: given });
            }
            _ => {
                let findings = file.findings.iter().map(|finding| format!("\n  {finding}"));
                sorted.why.extend(findings.chain(misplaced.into_iter().map(|line| format!("\n  {line}"))));
                sorted.refused.push(file);
            }
        }
    }
    sorted
}

/// The files in the table that may belong to the same brand as a refused file.
fn pushed_before(before: &Loaded, refused: &LoadedFile) -> BTreeSet<String> {
    let same = |file: &&LoadedFile| {
        let unknown = refused.brand.is_none() || file.brand.is_none();
        unknown || file.name == refused.name || file.brand == refused.brand
    };
    before.files.iter().filter(same).map(|file| file.name.clone()).collect()
}

/// A parameter's path determines which functions may read it: `intake/`, `braze/`, `callback/`. No function can read a secret under
/// another path, and the public functions could read a key under `intake/`.
fn misplaced_secrets(brand: &Brand, environment: &str) -> Vec<String> {
    let secrets = [
        ("braze.api_key", "braze", Some(&brand.braze.api_key)),
        ("intake.signing_secret", "intake", brand.intake.signing_secret.as_ref()),
        ("callback.secret", "callback", brand.callback.as_ref().map(|callback| &callback.secret)),
    ];
    let mut misplaced = Vec::new();
    for (field, room, secret) in secrets {
        let path = format!("/quikly-braze/{environment}/{room}/");
        let in_place =
            |secret: &&SecretRef| !matches!(secret, SecretRef::Ssm(name) if name.starts_with(&path));
        if let Some(secret) = secret.filter(in_place) {
            misplaced.push(format!(
                "{}: {field}: is {secret}; it must be an SSM parameter under {path}",
                brand.id
            ));
        }
    }
    misplaced
}

/// The files by their names alone. Their paths on this machine are not published.
fn named(mut files: Vec<Given>) -> Vec<Given> {
    for file in &mut files {
        let name = match file {
            Ok(file) => &mut file.name,
            Err(unreadable) => &mut unreadable.name,
        };
        if let Some(base) = Path::new(name.as_str()).file_name() {
            *name = base.to_string_lossy().into_owned();
        }
    }
    files
}
