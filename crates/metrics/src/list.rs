//! The list of metrics. This is the only place that has their names.

/// How a figure changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows while the process lives.
    Counter,
    /// It is a current value, which rises and falls.
    Gauge,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A time in milliseconds. Prometheus shows it in seconds.
    Milliseconds,
    /// A share, from 0 to 100.
    Percent,
}

/// Which functions publish a metric on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidBy {
    /// Every function.
    Each,
    /// Functions that take HTTP requests.
    Intake,
    /// Functions that process participations. `serve` logs these figures once a minute.
    Workers,
    /// The same functions, if they sent requests to Braze.
    Senders,
    /// The function that runs once a minute.
    Tick,
    /// No function: only `serve` knows the figure.
    Serve,
}

/// The description of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// Which functions publish it.
    pub said_by: SaidBy,
    /// How the figure changes.
    pub kind: MetricKind,
    /// Its unit.
    pub unit: Unit,
    /// Whether each brand has a figure of its own.
    pub by_brand: bool,
    /// Its name in Prometheus; `None` where Prometheus computes it itself.
    pub prometheus: Option<&'static str>,
    /// The help text, without a full stop.
    pub help: &'static str,
}

/// Values of `by_brand`: the figure belongs to the process, or to each brand.
const PROCESS: bool = false;
const BRAND: bool = true;

macro_rules! metrics {
    ($($name:ident($said_by:ident, $kind:ident, $unit:ident, $by_brand:ident, $prometheus:expr, $help:literal),)*) => {
        /// A metric. Its name here is its name in CloudWatch and in the log of `serve`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $(#[doc = $help] $name,)*
        }

        impl Metric {
            /// Every metric, in the order in which they are shown.
            pub const ALL: [Self; [$(Self::$name),*].len()] = [$(Self::$name),*];

            /// Its name in CloudWatch and in the log.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// Its description.
            #[must_use]
            pub const fn description(self) -> Description {
                match self {
                    $(Self::$name => Description {
                        said_by: SaidBy::$said_by,
                        kind: MetricKind::$kind,
                        unit: Unit::$unit,
                        by_brand: $by_brand,
                        prometheus: $prometheus,
                        help: $help,
                    },)*
                }
            }
        }

        /// Logs the workers' figures in one line, unless all of them are 0.
        pub(crate) fn log_figures(of: impl Fn(Metric) -> u64) {
            let logged = |metric: Metric| (metric.description().said_by == SaidBy::Workers).then(|| of(metric));
            if Metric::ALL.into_iter().filter_map(logged).all(|figure| figure == 0) {
                return;
            }
            tracing::info!(
                event = "serve.tally",
                $($name = logged(Metric::$name),)*
                "These are the figures since the last line."
            );
        }
    };
}

metrics! {
    ColdStart(Each, Counter, Count, PROCESS, None, "processes that were started"),
    Accepted(Intake, Counter, Count, PROCESS, Some("quikly_braze_requests_accepted_total"), "POSTs that were accepted"),
    Refused(Intake, Counter, Count, PROCESS, Some("quikly_braze_requests_refused_total"), "requests that were answered with 4xx"),
    Failed(Intake, Counter, Count, PROCESS, Some("quikly_braze_requests_failed_total"), "requests that were answered with 5xx"),
    Ended(Workers, Counter, Count, BRAND, Some("quikly_braze_participations_ended_total"), "participations that ended"),
    Credited(Workers, Counter, Count, BRAND, Some("quikly_braze_participations_credited_total"), "participations that ended with a credit"),
    Deferred(Workers, Counter, Count, BRAND, Some("quikly_braze_participations_deferred_total"), "times that a participation was put off"),
    LookUpsWaiting(Workers, Counter, Count, BRAND, Some("quikly_braze_look_ups_deferred_total"), "look-ups that were put off until their request slot"),
    LookUpBacklog(Workers, Gauge, Milliseconds, BRAND, Some("quikly_braze_look_up_backlog_seconds"), "how far ahead request slots are booked"),
    RewardsUnplaced(Workers, Counter, Count, BRAND, Some("quikly_braze_rewards_unplaced_total"), "rewards and events that were given up, since no profile showed them after three writes"),
    AttributesSaved(Workers, Counter, Count, BRAND, Some("quikly_braze_attributes_saved_total"), "attributes that were not sent, since the profile shows them already. Each may cost the brand a data point"),
    KeysRefused(Workers, Counter, Count, BRAND, Some("quikly_braze_keys_refused_total"), "requests to Braze whose key was refused"),
    Panics(Workers, Counter, Count, BRAND, Some("quikly_braze_panics_total"), "panics during the work for a brand"),
    BrazeUnanswered(Workers, Gauge, Count, BRAND, Some("quikly_braze_braze_unanswered"), "1 for a brand whose workspace does not answer, otherwise 0. In CloudWatch, how many brands that are"),
    BrazeCalls(Workers, Counter, Count, BRAND, Some("quikly_braze_braze_requests_sent_total"), "requests to Braze"),
    BrazeThrottled(Workers, Counter, Count, BRAND, Some("quikly_braze_braze_requests_throttled_total"), "requests to Braze that were answered with 429"),
    BrazeFailed(Workers, Counter, Count, BRAND, Some("quikly_braze_braze_requests_failed_total"), "requests to Braze that were answered with 5xx, or not at all"),
    CallsNotKept(Workers, Counter, Count, BRAND, Some("quikly_braze_braze_calls_not_kept_total"), "requests to Braze of which no record is kept, since the store did not take it in time"),
    ThrottledShare(Senders, Gauge, Percent, PROCESS, None, "the share of requests to Braze that were answered with 429"),
    Due(Tick, Gauge, Count, PROCESS, Some("quikly_braze_participations_due"), "participations that the last tick found due"),
    PollLag(Tick, Gauge, Milliseconds, PROCESS, Some("quikly_braze_tick_lag_seconds"), "how long the oldest participation that the last tick found had been due"),
    BrandsRefused(Tick, Gauge, Count, PROCESS, Some("quikly_braze_brand_files_refused"), "brand files that cannot be used as they are"),
    Waiting(Serve, Gauge, Count, BRAND, Some("quikly_braze_participations_waiting"), "participations that wait for a request to Braze or its answer"),
}

impl Metric {
    /// Whether the figures of two brands are added. Otherwise the larger one stands for both.
    pub(crate) const fn adds_up(self) -> bool {
        matches!(self.description().unit, Unit::Count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::{self, Write};
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct CapturedLines(Arc<Mutex<Vec<u8>>>);

    impl Write for CapturedLines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(of: impl Fn(Metric) -> u64) -> String {
        let lines = CapturedLines::default();
        let to = lines.clone();
        let log = tracing_subscriber::fmt().with_writer(move || to.clone()).with_ansi(false).finish();
        tracing::subscriber::with_default(log, || log_figures(of));
        String::from_utf8(lines.0.lock().clone()).unwrap()
    }

    #[test]
    fn the_log_has_every_figure_of_the_workers_and_no_other_by_its_name_in_cloudwatch() {
        let line = logged(|metric| if metric == Metric::Ended { 7 } else { 0 });
        let figures = "event=\"serve.tally\" Ended=7 Credited=0 Deferred=0 LookUpsWaiting=0 LookUpBacklog=0 RewardsUnplaced=0 AttributesSaved=0 \
                       KeysRefused=0 Panics=0 BrazeUnanswered=0 BrazeCalls=0 BrazeThrottled=0 BrazeFailed=0 CallsNotKept=0\n";
        assert!(line.ends_with(figures), "{line}");
    }

    #[test]
    fn nothing_is_logged_where_nothing_was_done() {
        assert_eq!(logged(|metric| u64::from(metric == Metric::Waiting)), "");
    }

    #[test]
    fn every_metric_is_at_its_index_and_no_name_occurs_twice() {
        let names: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        let prometheus: Vec<&str> =
            Metric::ALL.iter().filter_map(|metric| metric.description().prometheus).collect();
        assert_eq!(names.len(), Metric::ALL.len());
        assert_eq!(prometheus.iter().collect::<BTreeSet<_>>().len(), prometheus.len());
        for (index, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, index);
        }
    }

    #[test]
    fn names_in_prometheus_are_well_formed_and_end_as_their_kind_and_unit_require() {
        for metric in Metric::ALL {
            let Description { kind, unit, prometheus, .. } = metric.description();
            let Some(name) = prometheus else { continue };
            assert!(name.starts_with("quikly_braze_"), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
            assert_eq!(name.ends_with("_total"), kind == MetricKind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), unit == Unit::Milliseconds, "{name}");
        }
    }

    #[test]
    fn every_sentence_of_help_fits_a_line_of_the_page_and_a_cell_of_a_table() {
        for metric in Metric::ALL {
            let help = metric.description().help;
            assert!(!help.is_empty() && !help.contains(['\n', '\\', '|']) && !help.ends_with('.'), "{help}");
        }
    }
}
