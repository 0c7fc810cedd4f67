//! `person`: everything about one person: export, preview and erasure.

mod gathered;
mod page;
mod receipt;
mod told;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use domain::audit::AuditEntry;
use ports::Clock;
use ports::clock::SystemClock;
use ports::operations::ErasureReport;

use crate::arguments::{PersonCommand, PersonExport, PersonForget, PersonPreview};
use crate::console;
use crate::forget::NobodyFound;
use crate::operator;
use crate::storage::Opened;

use gathered::{Gathered, Sought};
use receipt::ErasureReceipt;
use told::ResultTimes;

pub(crate) async fn run(command: PersonCommand) -> anyhow::Result<()> {
    match command {
        PersonCommand::Export(arguments) => export(arguments).await,
        PersonCommand::Preview(arguments) => preview(arguments).await,
        PersonCommand::Forget(arguments) => forget(arguments).await,
    }
}

async fn export(arguments: PersonExport) -> anyhow::Result<()> {
    let sought = Sought::parse(&arguments.whom)?;
    let storage = Opened::open(arguments.storage).await?;
    let gathered = Gathered::about(&sought, &storage).await?;
    let now = SystemClock.now();
    let entry = AuditEntry::new(now, operator::name(&arguments.operator), "person export");
    storage.operations().note(&entry.about(gathered.ids()).with(gathered.in_figures())).await?;
    let told_at = result_times(&gathered, &storage).await?;
    let told = told::everything(&gathered, &told_at, (&sought, now));
    if let Some(path) = arguments.html.as_ref().filter(|_| !gathered.is_nobody()) {
        write_new(path, &page::page(&told)).with_context(|| format!("--html {}", path.display()))?;
    }
    console::say(&serde_json::to_string_pretty(&told).context("the export cannot be written")?);
    somebody(&gathered)
}

/// When Quikly was first told the results. The participations of one person are few.
async fn result_times(gathered: &Gathered, storage: &Opened) -> anyhow::Result<ResultTimes> {
    let mut times = ResultTimes::new();
    for record in gathered.records.iter().chain(&gathered.earlier) {
        let id = record.participation.id();
        let told_at = storage.inspection().inspect(id).await?.and_then(|inspected| inspected.told_at);
        times.extend(told_at.map(|at| (id, at)));
    }
    Ok(times)
}

async fn preview(arguments: PersonPreview) -> anyhow::Result<()> {
    let sought = Sought::parse(&arguments.whom)?;
    let storage = Opened::open(arguments.storage).await?;
    let gathered = Gathered::about(&sought, &storage).await?;
    let preview = ErasureReceipt::preview(&gathered, &sought, SystemClock.now());
    console::say(&if arguments.json { preview.as_json().to_string() } else { preview.as_text() });
    somebody(&gathered)
}

async fn forget(arguments: PersonForget) -> anyhow::Result<()> {
    let sought = Sought::parse(&arguments.whom)?;
    let storage = Opened::open(arguments.storage).await?;
    let id_key = storage.id_key().await?;
    let gathered = Gathered::about(&sought, &storage).await?;
    let now = SystemClock.now();
    let who = operator::name(&arguments.operator);
    let action = || AuditEntry::new(SystemClock.now(), &who, "person forget").about(gathered.ids());
    storage.operations().note(&action().with("begins")).await?;
    let mut erased = ErasureReport::default();
    for person in &gathered.persons {
        erased = together(erased, storage.operations().forget(person, &id_key, now).await?);
    }
    for id in gathered.only_by_profile() {
        let one = storage.operations().forget_participation(id, &id_key, now).await?;
        erased = together(erased, one);
    }
    let receipt = ErasureReceipt::of(&gathered, &sought, (&who, now), &erased);
    storage.operations().note(&action().with(receipt.in_figures())).await?;
    if let Some(path) = &arguments.receipt {
        let written = write_new(path, &format!("{:#}\n", receipt.as_json()));
        written.with_context(|| {
            format!("the person is erased, but the receipt {} cannot be written", path.display())
        })?;
    }
    console::say(&if arguments.json { receipt.as_json().to_string() } else { receipt.as_text() });
    anyhow::ensure!(
        !erased.remains,
        "copies may remain in the data file's log, because a reader holds it open: run this again, or restart `serve`"
    );
    if erased.is_nobody() { Err(NobodyFound.into()) } else { Ok(()) }
}

/// What two erasures erased. What cannot be read was found by both.
fn together(one: ErasureReport, other: ErasureReport) -> ErasureReport {
    let mut consents = one.consents;
    let new = other.consents.into_iter().filter(|consent| !consents.contains(consent));
    let new: Vec<_> = new.collect();
    consents.extend(new);
    ErasureReport {
        participations: one.participations.saturating_add(other.participations),
        profiles: one.profiles.saturating_add(other.profiles),
        unreadable: one.unreadable.max(other.unreadable),
        remains: one.remains || other.remains,
        earlier: one.earlier.max(other.earlier),
        consents,
    }
}

fn somebody(gathered: &Gathered) -> anyhow::Result<()> {
    if gathered.is_nobody() { Err(NobodyFound.into()) } else { Ok(()) }
}

/// Writes a file that did not exist, and that only its owner can read.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
