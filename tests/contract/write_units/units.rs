//! What calls cost, as DynamoDB bills them.

use serde_json::{Value, json};
use testkit::fault_proxy::Call;

use super::counted::CountedActivation;
use crate::dynamo_api::call;

/// Units for each participation: write units, if nothing else is said.
pub(super) struct Units {
    /// Those written for it alone.
    pub(super) own: f64,
    /// Those for lists of participations that wait for the same minute.
    pub(super) lists: f64,
    /// Those for the figures that reports show, one or two for each batch that is saved.
    pub(super) figures: f64,
    /// Those for the record of calls to Braze.
    pub(super) calls: f64,
    /// Those for the limits of a batch.
    pub(super) limits: f64,
    /// The read units for each participation.
    pub(super) read: f64,
}

impl CountedActivation {
    /// What a flow cost for each participation, as a row of the table in `docs/costs.md`.
    pub(super) fn row(&self, flow: &str, calls: &[Call]) -> Units {
        self.row_of(self.together, flow, calls)
    }

    /// The same for so many participations.
    #[expect(clippy::print_stdout, reason = "the figures are what the tests are for")]
    pub(super) fn row_of(&self, participations: usize, flow: &str, calls: &[Call]) -> Units {
        let each = |units: f64| units / participations as f64;
        let counts = self.proxy.take_counts();
        let of_key = |key: &str| {
            let key = format!("{}-ledgers {key}", self.prefix);
            let written = counts.write_units.iter().filter(|(name, _)| name.starts_with(&key));
            written.fold(0.0, |sum, (_, units)| sum + units)
        };
        let (lists, figures) = (of_key("due-lists"), of_key("rollups of "));
        let recorded = of_key("calls of ");
        let limits = |call: &&Call| call.resource.ends_with("-limits");
        let written = |wanted: &dyn Fn(&&Call) -> bool| {
            f64::from(
                u32::try_from(calls.iter().filter(wanted).map(|call| call.write_units).sum::<u64>()).unwrap(),
            )
        };
        let own = written(&|call| !limits(call)) - lists - figures - recorded;
        // The tick's own queries for what is due are shared by all.
        let polled = |call: &&Call| call.action.ends_with("Query");
        let read: f64 = calls.iter().filter(|call| !polled(call)).map(|call| call.read_units).sum();
        let (figures, calls, limits) = (each(figures), each(recorded), each(written(&limits)));
        let units = Units { own: each(own), lists: each(lists), figures, calls, limits, read: each(read) };
        let Units { own, lists, .. } = &units;
        println!(
            "| {flow} | {own:.1} | {lists:.2} | {figures:.2} | {calls:.2} | {limits:.2} | {:.1} |",
            units.read
        );
        units
    }

    /// The size of the largest item of a table, as DynamoDB counts it.
    pub(super) async fn largest_item(&self, table: &str) -> usize {
        let found = call("Scan", &json!({ "TableName": format!("{}-{table}", self.prefix) })).await;
        let size = |value: &Value| {
            value.as_object().and_then(|value| value.values().next()?.as_str()).map_or(0, str::len)
        };
        let item = |item: &Value| {
            item.as_object().unwrap().iter().map(|(name, value)| name.len() + size(value)).sum::<usize>()
        };
        found["Items"].as_array().unwrap().iter().map(item).max().unwrap()
    }
}
