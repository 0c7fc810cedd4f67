//! `report`: how an activation goes, or went.

mod as_json;
mod as_text;
mod words;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use domain::ids::{IncentiveId, Scope};
use ports::Clock;
use ports::clock::SystemClock;
use reports::activation::{ActivationReport, page};

use crate::arguments::ReportArguments;
use crate::storage::Opened;
use crate::{brand_terms, console};

pub(crate) async fn run(arguments: ReportArguments) -> anyhow::Result<()> {
    let scope = Scope::parse(&arguments.scope).context("SCOPE is an activation's scope id")?;
    let language = arguments.language.chosen;
    let brands =
        brand_terms::brands(arguments.brands.as_deref(), arguments.storage.environment.as_deref()).await?;
    let activation = brands.activation(&scope).map(|(_, activation)| activation);
    let configured: Vec<IncentiveId> =
        activation.map(|activation| activation.incentives.keys().cloned().collect()).unwrap_or_default();
    let figures = Opened::open(arguments.storage).await?.reports().activation(&scope, &configured).await?;
    let report = ActivationReport::new(&scope, &figures, activation, SystemClock.now());
    let report = report.with_context(|| {
        format!("nobody took part in {scope}; is the scope spelled as in the brand file?")
    })?;
    match &arguments.html {
        Some(path) => write(path, &page::page(&report, language, env!("CARGO_PKG_VERSION"))),
        None if arguments.json => {
            console::say(&as_json::report(&report).to_string());
            Ok(())
        }
        None => {
            console::say(as_text::report(&report, language).trim_end());
            Ok(())
        }
    }
}

/// Writes the page. It replaces an earlier one, and contains no contact.
fn write(path: &Path, page: &str) -> anyhow::Result<()> {
    if path == Path::new("-") {
        console::say(page.trim_end());
        return Ok(());
    }
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(path);
    let written = file.and_then(|mut file| file.write_all(page.as_bytes()));
    written.with_context(|| format!("the report cannot be written to {}", path.display()))?;
    console::say(&format!("{} bytes are in {}; open it in a browser", page.len(), path.display()));
    Ok(())
}
