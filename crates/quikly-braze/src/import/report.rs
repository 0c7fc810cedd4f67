//! What became of the rows. A report names reasons and lines, and no contacts.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::Scope;
use intake::rows::RowFault;
use serde_json::{Value, json};

use crate::console;

/// The lines that are named for each reason.
const LINES: usize = 5;

/// The reasons that are told apart. The others are counted together.
const MOST_REASONS: usize = 100;

const OTHERS: &str = "other reasons";

/// Why rows were refused.
#[derive(Debug, Default)]
pub(super) struct Reasons(BTreeMap<String, Reason>);

#[derive(Debug, Default)]
struct Reason {
    rows: u64,
    first_lines: Vec<u64>,
}

impl Reasons {
    /// What is wrong with a row.
    pub(super) fn text(faults: &[RowFault]) -> String {
        let texts: Vec<String> =
            faults.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
        texts.join("; ")
    }

    /// Counts a row under everything that is wrong with it.
    pub(super) fn add(&mut self, line: u64, faults: &[RowFault]) {
        for fault in faults {
            let mut text = Self::text(std::slice::from_ref(fault));
            if self.0.len() >= MOST_REASONS && !self.0.contains_key(&text) {
                OTHERS.clone_into(&mut text);
            }
            let reason = self.0.entry(text).or_default();
            reason.rows = reason.rows.saturating_add(1);
            if reason.first_lines.len() < LINES {
                reason.first_lines.push(line);
            }
        }
    }

    /// The reasons, those of most rows first.
    fn sorted(&self) -> Vec<(&String, &Reason)> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(_, reason)| std::cmp::Reverse(reason.rows));
        all
    }
}

/// Counts of rows.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) rows: u64,
    pub(super) stored: u64,
    pub(super) there: u64,
    pub(super) refused: u64,
    pub(super) reasons: Reasons,
}

impl Report {
    /// How far the import is.
    pub(super) fn progress(&self, since: Duration) -> String {
        format!("{} rows, {} a second", self.rows, rate(self.rows, since))
    }

    /// The outcome, for the audit log.
    pub(super) fn outcome(&self) -> String {
        format!(
            "{} rows: {} stored, {} there already, {} refused",
            self.rows, self.stored, self.there, self.refused
        )
    }

    /// Prints the report.
    pub(super) fn say(
        &self,
        scope: &Scope,
        (dry_run, as_json): (bool, bool),
        took: Duration,
        ends: Option<Timestamp>,
    ) {
        if as_json {
            console::say(&self.as_json(scope, dry_run, took, ends).to_string());
            return;
        }
        let stored = if dry_run { "would be stored" } else { "were stored" };
        console::say(&format!(
            "{scope}: of {} rows, {} {stored}, {} were there already, {} are refused ({} rows a second).",
            self.rows,
            self.stored,
            self.there,
            self.refused,
            rate(self.rows, took)
        ));
        for (text, reason) in self.reasons.sorted() {
            let lines: Vec<String> = reason.first_lines.iter().map(ToString::to_string).collect();
            let more = if reason.rows > lines.len() as u64 { ", …" } else { "" };
            console::say(&format!("{:>9}  {text} (lines {}{more})", reason.rows, lines.join(", ")));
        }
        if let Some(ends) = ends.filter(|_| !dry_run) {
            console::say(&format!(
                "They are processed with what live consumers leave of Braze's limits, the last of them at {ends} or later."
            ));
        }
    }

    fn as_json(&self, scope: &Scope, dry_run: bool, took: Duration, ends: Option<Timestamp>) -> Value {
        let reason = |(text, reason): (&String, &Reason)| json!({ "reason": text, "rows": reason.rows, "first_lines": reason.first_lines });
        let reasons: Vec<Value> = self.reasons.sorted().into_iter().map(reason).collect();
        json!({
            "scope": scope.as_str(),
            "dry_run": dry_run,
            "rows": self.rows,
            "stored": self.stored,
            "there_already": self.there,
            "refused": self.refused,
            "reasons": reasons,
            "rows_per_second": rate(self.rows, took),
            "last_due_at": ends.filter(|_| !dry_run).map(|ends| ends.to_string()),
        })
    }
}

fn rate(rows: u64, since: Duration) -> u64 {
    let rate = u128::from(rows).saturating_mul(1_000) / since.as_millis().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}
