//! The metrics page in Prometheus's text format, version 0.0.4.

use std::collections::BTreeSet;
use std::fmt::Write;

use domain::ids::BrandId;

use crate::counters::Figures;
use crate::list::{Description, Metric, MetricKind, Unit};

/// The content type of the page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The page. Each of the `brands` in use has all its figures, even if nothing was counted yet.
#[must_use]
pub fn page<'a>(figures: &'a Figures, brands: impl IntoIterator<Item = &'a BrandId>) -> String {
    let brands: BTreeSet<&BrandId> = brands.into_iter().chain(figures.brands()).collect();
    let mut page = String::new();
    for metric in Metric::ALL {
        let Description { prometheus, kind, unit, by_brand, help, .. } = metric.description();
        let Some(name) = prometheus else { continue };
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
        };
        line(&mut page, &format!("# HELP {name} {help}"));
        line(&mut page, &format!("# TYPE {name} {kind}"));
        if by_brand {
            for brand in &brands {
                let value = shown(figures.of_brand(metric, brand), unit);
                // A brand's id has no character that needs escaping.
                line(&mut page, &format!("{name}{{brand=\"{brand}\"}} {value}"));
            }
        } else {
            line(&mut page, &format!("{name} {}", shown(figures.of(metric), unit)));
        }
    }
    page
}

fn line(page: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _never = writeln!(page, "{line}");
}

/// Formats a figure. Prometheus shows times in seconds.
fn shown(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Count | Unit::Percent => value.to_string(),
        Unit::Milliseconds => format!("{}.{:03}", value / 1_000, value % 1_000),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::Timestamp;

    use super::*;
    use crate::counters::Counters;

    fn brand(id: &str) -> BrandId {
        BrandId::parse(id).unwrap()
    }

    /// Parses a page as Prometheus does: each sample with its labels, and the type of each name.
    fn parsed(page: &str) -> (BTreeMap<String, f64>, BTreeMap<String, String>) {
        let (mut samples, mut types) = (BTreeMap::new(), BTreeMap::new());
        assert!(page.ends_with('\n'));
        for line in page.lines() {
            if let Some(described) = line.strip_prefix("# TYPE ") {
                let (name, kind) = described.split_once(' ').unwrap();
                assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} has two types");
            } else if let Some(described) = line.strip_prefix("# HELP ") {
                assert!(described.split_once(' ').is_some_and(|(_, help)| !help.is_empty()), "{line}");
            } else {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
                assert!(types.contains_key(name), "{name} has no type");
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                let label = labels.strip_prefix("brand=\"").and_then(|label| label.strip_suffix("\"}"));
                assert!(labels.is_empty() || label.is_some_and(|label| label.chars().all(plain)), "{line}");
                let value = value.parse().unwrap();
                assert!(samples.insert(sample.to_owned(), value).is_none(), "{sample} occurs twice");
            }
        }
        (samples, types)
    }

    #[test]
    fn the_page_parses_and_has_every_figure_of_every_brand() {
        let brands = [brand("acme"), brand("other.uk")];
        let (samples, types) = parsed(&page(&Figures::default(), &brands));
        for metric in Metric::ALL {
            let Description { prometheus, kind, by_brand, .. } = metric.description();
            let Some(name) = prometheus else { continue };
            let kind = if kind == MetricKind::Counter { "counter" } else { "gauge" };
            assert_eq!(types.get(name).map(String::as_str), Some(kind));
            let expected = if by_brand {
                brands.each_ref().map(|brand| format!("{name}{{brand=\"{brand}\"}}")).to_vec()
            } else {
                vec![name.to_owned()]
            };
            for sample in expected {
                assert_eq!(samples.get(&sample), Some(&0.0), "{sample}");
            }
        }
    }

    #[test]
    fn counts_are_whole_and_times_are_in_seconds() {
        let (counters, acme) = (Counters::default(), brand("acme"));
        counters.count(Metric::Ended, Some(&acme), 12);
        counters.set(Metric::PollLag, None, 61_005);
        let page = page(&counters.all(Timestamp::UNIX_EPOCH), []);
        let (samples, _) = parsed(&page);
        assert_eq!(samples["quikly_braze_participations_ended_total{brand=\"acme\"}"], 12.0);
        assert!(page.contains("\nquikly_braze_tick_lag_seconds 61.005\n"), "{page}");
    }
}
