//! One line of metrics for each invocation, in CloudWatch's Embedded Metric Format.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::Timestamp;
use serde_json::{Map, Value, json};

use crate::counters::Figures;
use crate::list::{Metric, SaidBy, Unit};

/// The namespace that the template's alarms and dashboard read.
const NAMESPACE: &str = "quikly-braze";

/// The most brands that a line names, because CloudWatch limits the length of a line. The metrics count all brands.
const MOST_BRANDS: usize = 200;

/// Makes a function's lines.
#[derive(Debug)]
pub struct MetricsLine {
    environment: String,
    function: &'static str,
    said_by: &'static [SaidBy],
    cold: AtomicBool,
}

impl MetricsLine {
    /// The lines of a function in an environment, with the metrics that it publishes.
    #[must_use]
    pub fn of(environment: String, function: &'static str, said_by: &'static [SaidBy]) -> Self {
        Self { environment, function, said_by, cold: AtomicBool::new(true) }
    }

    /// The line of an invocation. The first line of a process reports a cold start.
    ///
    /// Function and brands are properties, not dimensions: CloudWatch bills each value of a dimension as a metric of its own.
    pub fn make(&self, now: Timestamp, figures: &Figures) -> Value {
        let cold = self.cold.swap(false, Ordering::Relaxed);
        let value = |metric| match metric {
            Metric::ColdStart => Some(u64::from(cold)),
            // Processes that sent no request publish no share, so that the average covers only those that did.
            Metric::ThrottledShare => (100_u64.saturating_mul(figures.of(Metric::BrazeThrottled)))
                .checked_div(figures.of(Metric::BrazeCalls)),
            metric => Some(figures.of(metric)),
        };
        let said: Vec<(Metric, u64)> =
            self.metrics().filter_map(|metric| Some((metric, value(metric)?))).collect();
        let described = |(metric, _): &(Metric, u64)| json!({ "Name": metric.name(), "Unit": unit(*metric) });
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Environment"]],
                    "Metrics": said.iter().map(described).collect::<Vec<_>>(),
                }],
            }),
        );
        line.insert("Environment".to_owned(), json!(self.environment));
        line.insert("Function".to_owned(), json!(self.function));
        line.extend(said.iter().map(|(metric, value)| (metric.name().to_owned(), json!(value))));
        let brands = self.brands(figures);
        if !brands.is_empty() {
            line.insert("Brands".to_owned(), Value::Object(brands));
        }
        Value::Object(line)
    }

    /// What was counted for each brand.
    fn brands(&self, figures: &Figures) -> Map<String, Value> {
        let of = |brand| -> Map<String, Value> {
            let figures = self.metrics().map(|metric| (metric, figures.of_brand(metric, brand)));
            let counted = figures.filter(|(_, value)| *value > 0);
            counted.map(|(metric, value)| (metric.name().to_owned(), json!(value))).collect()
        };
        let brands = figures.brands().map(|brand| (brand.as_str().to_owned(), of(brand)));
        let counted = brands.filter(|(_, figures)| !figures.is_empty()).take(MOST_BRANDS);
        counted.map(|(brand, figures)| (brand, Value::Object(figures))).collect()
    }

    fn metrics(&self) -> impl Iterator<Item = Metric> {
        let is_ours = |metric: &Metric| {
            let said_by = metric.description().said_by;
            said_by == SaidBy::Each || self.said_by.contains(&said_by)
        };
        Metric::ALL.into_iter().filter(is_ours)
    }
}

/// The name of a unit in CloudWatch.
const fn unit(metric: Metric) -> &'static str {
    match metric.description().unit {
        Unit::Count => "Count",
        Unit::Milliseconds => "Milliseconds",
        Unit::Percent => "Percent",
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::BrandId;

    use super::*;
    use crate::counters::Counters;

    const TICK: &[SaidBy] = &[SaidBy::Workers, SaidBy::Senders, SaidBy::Tick];

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    /// The metric names of a line and their units.
    fn described(line: &Value) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        metrics.iter().map(|metric| (text(&metric["Name"]), text(&metric["Unit"]))).collect()
    }

    fn busy(brands: usize) -> Figures {
        let counters = Counters::default();
        for number in 0..brands {
            counters.count(Metric::BrazeCalls, Some(&BrandId::parse(&format!("brand-{number}")).unwrap()), 1);
        }
        counters.take()
    }

    #[test]
    fn the_line_of_an_invocation_has_one_dimension_and_the_brands_as_a_property() {
        let (counters, line) =
            (Counters::default(), MetricsLine::of("dev".to_owned(), "api", &[SaidBy::Workers]));
        let (acme, other) = (BrandId::parse("acme").unwrap(), BrandId::parse("other").unwrap());
        counters.count(Metric::Credited, Some(&acme), 3);
        counters.count(Metric::Ended, Some(&acme), 3);
        counters.count(Metric::Ended, Some(&other), 1);
        let line = line.make(now(), &counters.take());
        assert_eq!(line["_aws"]["Timestamp"], 1_800_000_000_000_u64);
        let metrics = &line["_aws"]["CloudWatchMetrics"];
        assert_eq!((&metrics[0]["Namespace"], &metrics[1]), (&json!("quikly-braze"), &Value::Null));
        assert_eq!(metrics[0]["Dimensions"], json!([["Environment"]]));
        assert_eq!((&line["Environment"], &line["Function"]), (&json!("dev"), &json!("api")));
        assert_eq!((&line["Ended"], &line["Credited"], &line["Deferred"]), (&json!(4), &json!(3), &json!(0)));
        assert_eq!(line["Brands"], json!({ "acme": { "Credited": 3, "Ended": 3 }, "other": { "Ended": 1 } }));
    }

    /// The template's alarms and dashboard, and those of users, read these names.
    #[test]
    fn names_and_units_in_cloudwatch_never_change() {
        let line = MetricsLine::of("dev".to_owned(), "opt-in-poller", TICK).make(now(), &busy(1));
        let count = |name: &str| (name.to_owned(), "Count".to_owned());
        let other = |name: &str, unit: &str| (name.to_owned(), unit.to_owned());
        let expected = [
            count("ColdStart"),
            count("Ended"),
            count("Credited"),
            count("Deferred"),
            count("LookUpsWaiting"),
            other("LookUpBacklog", "Milliseconds"),
            count("RewardsUnplaced"),
            count("AttributesSaved"),
            count("KeysRefused"),
            count("Panics"),
            count("BrazeUnanswered"),
            count("BrazeCalls"),
            count("BrazeThrottled"),
            count("BrazeFailed"),
            count("CallsNotKept"),
            other("ThrottledShare", "Percent"),
            count("Due"),
            other("PollLag", "Milliseconds"),
            count("BrandsRefused"),
        ];
        assert_eq!(described(&line), expected);
        let line = MetricsLine::of("dev".to_owned(), "participation-api", &[SaidBy::Intake]);
        let expected = ["ColdStart", "Accepted", "Refused", "Failed"].map(count);
        assert_eq!(described(&line.make(now(), &Figures::default())), expected);
    }

    #[test]
    fn the_first_line_is_a_cold_start_and_no_other_is() {
        let line = MetricsLine::of("dev".to_owned(), "opt-in-poller", TICK);
        let cold = || line.make(now(), &Figures::default())["ColdStart"].clone();
        assert_eq!((cold(), cold()), (json!(1), json!(0)));
    }

    #[test]
    fn the_share_of_429s_is_published_only_after_requests_were_sent() {
        let (counters, line) =
            (Counters::default(), MetricsLine::of("dev".to_owned(), "opt-in-poller", TICK));
        assert_eq!(line.make(now(), &counters.take())["ThrottledShare"], Value::Null);
        let acme = BrandId::parse("acme").unwrap();
        counters.count(Metric::BrazeCalls, Some(&acme), 8);
        counters.count(Metric::BrazeThrottled, Some(&acme), 2);
        assert_eq!(line.make(now(), &counters.take())["ThrottledShare"], 25);
    }

    #[test]
    fn a_line_names_a_limited_number_of_brands_and_counts_all() {
        let line =
            MetricsLine::of("dev".to_owned(), "opt-in-poller", TICK).make(now(), &busy(MOST_BRANDS + 50));
        assert_eq!(line["Brands"].as_object().unwrap().len(), MOST_BRANDS);
        assert_eq!(line["BrazeCalls"], MOST_BRANDS + 50);
    }
}
