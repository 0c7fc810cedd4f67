//! `import`: stores the rows of a file as participations, behind consumers who are there now.

mod columns;
mod csv_rows;
mod pace;
mod rejects;
mod report;
mod source;
mod terms;

use std::time::Duration;

use anyhow::{Context, ensure};
use domain::accept::ImportTerms;
use domain::audit::AuditEntry;
use domain::brand::{Activation, Brand, Phase};
use domain::ids::Scope;
use domain::time::between;
use indicatif::ProgressBar;
use intake::rows::{RowFault, RowRules};
use ports::clock::SystemClock;
use ports::imports::{ImportedRow, RowOutcome};
use ports::store::MOST_ITEMS;
use ports::{Clock, Operations};

use crate::arguments::ImportArguments;
use crate::operator;
use crate::storage::Opened;

use pace::Pace;
use rejects::Rejects;
use report::{Reasons, Report};
use source::{FoundRow, Source};

pub(crate) async fn run(arguments: ImportArguments) -> anyhow::Result<()> {
    let scope = Scope::parse(&arguments.scope).context("--scope")?;
    let brands = terms::brands(&arguments).await?;
    let terms = brands.activation(&scope);
    let terms = terms.with_context(|| format!("no brand file in use has the activation `{scope}`"))?;
    let now = SystemClock.now();
    match terms.1.phase(now) {
        Phase::Open => {}
        Phase::Upcoming => anyhow::bail!("the activation opens at {}: import then", terms.1.opens),
        Phase::Closed => anyhow::bail!("the activation closed at {}", terms.1.closes),
    }
    let source = Source::open(&arguments, terms.1)?;
    let rejects =
        arguments.rejects.as_deref().map(|path| Rejects::create(path, source.format())).transpose()?;
    let who = operator::name(&arguments.operator);
    let storage = Opened::open(arguments.storage).await?;
    let id_key = storage.id_key().await?;
    let action = || AuditEntry::new(SystemClock.now(), &who, "import").about([scope.to_string()]);
    if !arguments.dry_run {
        storage.operations().note(&action().with("begins")).await?;
    }
    let mut importing = Importing {
        operations: storage.operations(),
        rules: RowRules { terms, id_key: &id_key },
        pace: Pace::new(terms, arguments.per_minute, now),
        with_incentives: arguments.with_incentives,
        with_callbacks: arguments.with_callbacks,
        dry_run: arguments.dry_run,
        rejects,
        report: Report::default(),
        unreported: 0,
    };
    let bar = source.bar();
    let done = importing.all(source, &bar).await;
    bar.finish_and_clear();
    let took = between(now, SystemClock.now());
    let Importing { report, pace, .. } = importing;
    if !arguments.dry_run {
        storage.operations().note(&action().with(report.outcome())).await?;
        storage.operations().make_durable().await?;
    }
    report.say(&scope, (arguments.dry_run, arguments.json), took, pace.ends());
    done
}

/// An import in progress.
struct Importing<'a> {
    operations: &'a dyn Operations,
    rules: RowRules<'a>,
    pace: Pace,
    with_incentives: bool,
    with_callbacks: bool,
    dry_run: bool,
    rejects: Option<Rejects>,
    report: Report,
    /// How many stored rows the store has not been told of, where it counts only what it is told.
    unreported: u64,
}

/// How often the progress is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(200);

impl Importing<'_> {
    async fn all(&mut self, mut source: Source, bar: &ProgressBar) -> anyhow::Result<()> {
        let began = SystemClock.now();
        let mut shown = began;
        let mut batch = Vec::with_capacity(MOST_ITEMS);
        while let Some(found) = source.next_row()? {
            self.report.rows += 1;
            match self.read(&found, batch.len()) {
                Ok(row) => batch.push((found.line, row)),
                Err(faults) => self.refuse(&found, &faults)?,
            }
            if batch.len() == MOST_ITEMS {
                self.store(&mut batch).await?;
            }
            let now = SystemClock.now();
            if between(shown, now) >= SHOWN_EVERY {
                shown = now;
                bar.set_position(source.position());
                bar.set_message(self.report.progress(between(began, now)));
            }
        }
        self.store(&mut batch).await?;
        ensure!(self.report.rows > 0, "the file has no rows, so nothing was stored");
        Ok(())
    }

    /// Reads a row, as the `ahead`th of those that are about to be stored.
    fn read(&self, found: &FoundRow, ahead: usize) -> Result<ImportedRow, Vec<RowFault>> {
        let import = ImportTerms {
            with_incentives: self.with_incentives,
            with_callbacks: self.with_callbacks,
            due_at: self.pace.due_at(ahead),
        };
        let now = SystemClock.now();
        match found.content() {
            Ok(source::Content::Json(line)) => self.rules.read_json(line, import, now),
            Ok(source::Content::Cells(members)) => self.rules.read(members, import, now),
            Err(fault) => Err(vec![fault]),
        }
    }

    fn refuse(&mut self, found: &FoundRow, faults: &[RowFault]) -> anyhow::Result<()> {
        self.report.refused += 1;
        self.report.reasons.add(found.line, faults);
        if let Some(rejects) = &mut self.rejects {
            rejects.write(found, &Reasons::text(faults))?;
        }
        Ok(())
    }

    /// Stores rows, as far as the activation has room for them.
    async fn store(&mut self, batch: &mut Vec<(u64, ImportedRow)>) -> anyhow::Result<()> {
        let (lines, mut rows): (Vec<u64>, Vec<ImportedRow>) = batch.drain(..).unzip();
        if rows.is_empty() {
            return Ok(());
        }
        self.keep_to_room(&lines, &mut rows).await?;
        let outcomes = match self.dry_run {
            true => self.operations.outcomes(&rows).await?,
            false => self
                .operations
                .import(&rows)
                .await
                .context("rows cannot be stored; run this again to go on")?,
        };
        let new = outcomes.iter().filter(|outcome| **outcome == RowOutcome::New).count();
        self.report.stored += new as u64;
        self.report.there += (outcomes.len() - new) as u64;
        self.unreported += new as u64;
        self.pace.passed(new);
        Ok(())
    }

    /// Refuses rows that are beyond the activation's `most_participations`.
    async fn keep_to_room(&mut self, lines: &[u64], rows: &mut Vec<ImportedRow>) -> anyhow::Result<()> {
        let activation = self.rules.terms.1;
        let Some(most) = activation.most_participations else { return Ok(()) };
        let told = if self.dry_run { 0 } else { self.unreported };
        let accepted = self.operations.accepted_in(&activation.scope, told).await?;
        let accepted = accepted.saturating_add(if self.dry_run { self.report.stored } else { 0 });
        self.unreported = 0;
        let mut room = u64::from(most.get()).saturating_sub(accepted);
        let outcomes = self.operations.outcomes(rows).await?;
        let fault = RowFault::new("scope", "has as many participations as its brand file allows");
        let mut kept = Vec::with_capacity(rows.len());
        for ((line, row), outcome) in lines.iter().zip(rows.drain(..)).zip(outcomes) {
            if outcome == RowOutcome::New && room == 0 {
                self.report.refused += 1;
                self.report.reasons.add(*line, std::slice::from_ref(&fault));
                continue;
            }
            room -= u64::from(outcome == RowOutcome::New);
            kept.push(row);
        }
        *rows = kept;
        Ok(())
    }
}

/// The terms of the activation.
type ActivationTerms<'a> = (&'a Brand, &'a Activation);
