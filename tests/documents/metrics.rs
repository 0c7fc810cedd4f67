//! Tests that docs/runbook.md lists every metric as the code describes it.

use std::fmt::Write;
use std::fs;

use metrics::{Metric, SaidBy, Unit};

use crate::markdown::root;

/// The rows of the table, made from the code's list.
fn rows() -> String {
    let mut rows = String::new();
    for metric in Metric::ALL {
        let of = metric.description();
        let unit = match of.unit {
            Unit::Count => "",
            Unit::Milliseconds => "ms",
            Unit::Percent => "%",
        };
        let label = if of.by_brand { "{brand}" } else { "" };
        let prometheus = of.prometheus.map_or_else(String::new, |name| format!("`{name}{label}`"));
        let name = if of.said_by == SaidBy::Serve { String::new() } else { format!("`{}`", metric.name()) };
        writeln!(rows, "| {name} | {unit} | {prometheus} | {} |", of.help).unwrap();
    }
    rows
}

#[test]
fn the_runbook_lists_every_metric_as_the_code_has_it() {
    let runbook = fs::read_to_string(root().join("docs/runbook.md")).unwrap();
    let table =
        format!("| name | unit | in Prometheus | what it tells |\n| --- | --- | --- | --- |\n{}\n", rows());
    assert!(runbook.contains(&table), "docs/runbook.md should have this table under Metrics:\n{table}");
}
