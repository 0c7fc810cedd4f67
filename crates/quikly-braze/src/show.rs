//! `show`: everything that is known of one participation, and first of all the answer why it has a reward or not.

mod as_json;
mod as_text;

use anyhow::Context;
use aws::dynamo::BrandTable;
use domain::brand::{Brands, SecretRef};
use domain::brand_file::{Doubt, Given, PoolFile, Resolver, SecretPurpose, Severity, Strictness, read_each};
use domain::ids::ParticipationId;
use domain::incentive::Pool;
use ports::Clock;
use ports::clock::SystemClock;
use ports::inspection::Inspected;
use reports::answer::{Answer, Facts, Sibling, answer};
use reports::language::Language;

use crate::arguments::Show;
use crate::brand_directory::{BrandDirectory, Reviewing};
use crate::console;
use crate::storage::Opened;

/// What `show` prints.
struct Shown<'a> {
    inspected: &'a Inspected,
    answer: Answer,
    /// Whether contacts and codes are shown in full.
    revealed: bool,
    /// Whether the brand file is known.
    has_terms: bool,
}

pub(crate) async fn run(arguments: Show) -> anyhow::Result<()> {
    let id =
        ParticipationId::parse(&arguments.id).context("ID is a participation's id: 32 hexadecimal digits")?;
    let language = Language::named(&arguments.lang).context("--lang is en or fr")?;
    let files = brand_files(&arguments).await?;
    let inspected = Opened::open(arguments.storage).await?.inspection().inspect(id).await?;
    let inspected =
        inspected.with_context(|| format!("there is no participation {id}; is the id complete?"))?;
    let brands = brands(&files);
    let activation = brands.activation(inspected.participation.scope()).map(|(_, activation)| activation);
    let siblings: Vec<Sibling> = inspected
        .siblings
        .iter()
        .map(|(award, channel)| Sibling { award: award.clone(), channel: *channel })
        .collect();
    let facts = Facts {
        award: inspected.award.as_ref(),
        siblings: &siblings,
        counts: inspected.counts.as_ref(),
        waiting_ahead: inspected.waiting_ahead,
        last_place_at: inspected.last_place_at,
        ..Facts::of(&inspected.participation, SystemClock.now())
    };
    let facts = activation.map_or(facts, |activation| facts.under(activation));
    let shown = Shown {
        inspected: &inspected,
        answer: answer(&facts),
        revealed: arguments.reveal,
        has_terms: activation.is_some(),
    };
    if arguments.json {
        console::say(&as_json::shown(&shown).to_string());
    } else {
        console::say(as_text::shown(&shown, language).trim_end());
    }
    Ok(())
}

/// The brand files that the answer may use: a directory's, or the environment's own.
async fn brand_files(arguments: &Show) -> anyhow::Result<Vec<Given>> {
    if let Some(directory) = &arguments.brands {
        return BrandDirectory::new(directory.clone(), Reviewing::for_any_place(true)).files();
    }
    match &arguments.storage.environment {
        Some(name) => Ok(BrandTable::new(&aws::environment().await, name).read().await?),
        None => Ok(Vec::new()),
    }
}

/// The brands of files that were checked where they are used. Of a file that cannot be read, the answer knows nothing.
fn brands(files: &[Given]) -> Brands {
    read_each(files, &UsedElsewhere, Strictness::Lenient, None).brands
}

/// Finds nothing wrong with what is elsewhere: secrets, codes and addresses.
struct UsedElsewhere;

impl Resolver for UsedElsewhere {
    fn secret(&self, _secret: &SecretRef, _purpose: SecretPurpose) -> Result<(), Doubt> {
        Ok(())
    }

    fn codes(&self, _pool: &Pool) -> Result<PoolFile, Doubt> {
        Ok(PoolFile::ample())
    }

    fn private_addresses(&self) -> Option<Severity> {
        None
    }
}
