//! One line of metrics an invocation, in CloudWatch's Embedded Metric Format: counts and durations, no ids and no contacts.

use std::io::{Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace that the template's alarms and dashboard read.
const NAMESPACE: &str = "quikly-braze";

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Time, in milliseconds.
    Milliseconds,
    /// A share, 0 to 100.
    Percent,
}

/// One figure of an invocation.
pub type Figure = (&'static str, Unit, u64);

/// Says the figures of a function.
#[derive(Debug)]
pub struct Metrics {
    environment: String,
    function: &'static str,
    cold: AtomicBool,
}

impl Metrics {
    /// The metrics of a function in an environment.
    #[must_use]
    pub fn of(environment: String, function: &'static str) -> Self {
        Self { environment, function, cold: AtomicBool::new(true) }
    }

    /// Says an invocation's figures on the standard output, where Lambda takes them from.
    pub fn say(&self, now: Timestamp, figures: &[Figure]) {
        let line = self.line(now, figures);
        // Nobody is there to be told.
        let _lost = writeln!(stdout().lock(), "{line}");
    }

    /// The first of a process is a cold start. The function is a field and not a dimension: each would be billed as a metric of its own.
    fn line(&self, now: Timestamp, figures: &[Figure]) -> Value {
        let cold = self.cold.swap(false, Ordering::Relaxed);
        let start = ("ColdStart", Unit::Count, u64::from(cold));
        let figures: Vec<&Figure> = std::iter::once(&start).chain(figures).collect();
        let metric = |(name, unit, _): &&Figure| json!({ "Name": name, "Unit": format!("{unit:?}") });
        let described = json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Environment"]],
                "Metrics": figures.iter().map(metric).collect::<Vec<_>>(),
            }],
        });
        let mut line = Map::new();
        line.insert("_aws".to_owned(), described);
        line.insert("Environment".to_owned(), json!(self.environment));
        line.insert("Function".to_owned(), json!(self.function));
        line.extend(figures.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_describes_its_figures_and_names_the_cold_start() {
        let metrics = Metrics::of("dev".to_owned(), "rewarder");
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let line = metrics.line(now, &[("Credited", Unit::Count, 3), ("PollLag", Unit::Milliseconds, 40)]);
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_800_000_000_000_u64,
                    "CloudWatchMetrics": [{
                        "Namespace": "quikly-braze",
                        "Dimensions": [["Environment"]],
                        "Metrics": [
                            { "Name": "ColdStart", "Unit": "Count" },
                            { "Name": "Credited", "Unit": "Count" },
                            { "Name": "PollLag", "Unit": "Milliseconds" },
                        ],
                    }],
                },
                "Environment": "dev",
                "Function": "rewarder",
                "ColdStart": 1,
                "Credited": 3,
                "PollLag": 40,
            })
        );
        assert_eq!(metrics.line(now, &[])["ColdStart"], 0);
    }
}
