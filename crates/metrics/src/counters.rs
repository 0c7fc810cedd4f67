//! The figures of a process.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::BrandId;
use domain::time::between;
use parking_lot::{Mutex, MutexGuard};

use crate::list::{self, Metric, MetricKind};

/// One figure for each metric.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row([u64; Metric::ALL.len()]);

impl Default for Row {
    fn default() -> Self {
        Self([0; Metric::ALL.len()])
    }
}

impl Row {
    fn get(&self, metric: Metric) -> u64 {
        self.0.get(metric as usize).copied().unwrap_or_default()
    }

    fn change(&mut self, metric: Metric, change: impl FnOnce(u64) -> u64) {
        if let Some(figure) = self.0.get_mut(metric as usize) {
            *figure = change(*figure);
        }
    }
}

/// The figure of each metric, for the process and for each brand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    process: Row,
    brands: BTreeMap<BrandId, Row>,
}

impl Figures {
    /// The figure for all brands together.
    ///
    /// ```
    /// # use domain::ids::BrandId;
    /// # use metrics::{Counters, Metric};
    /// let counters = Counters::default();
    /// let brand = BrandId::parse("acme").unwrap();
    /// counters.count(Metric::Ended, Some(&brand), 2);
    /// assert_eq!(counters.take().of(Metric::Ended), 2);
    /// assert_eq!(counters.take().of(Metric::Ended), 0, "nothing was counted since");
    /// ```
    #[must_use]
    pub fn of(&self, metric: Metric) -> u64 {
        let figures = self.brands.values().chain([&self.process]).map(|row| row.get(metric));
        if metric.adds_up() {
            figures.fold(0, u64::saturating_add)
        } else {
            figures.max().unwrap_or_default()
        }
    }

    /// The figure for one brand.
    #[must_use]
    pub fn of_brand(&self, metric: Metric, brand: &BrandId) -> u64 {
        self.brands.get(brand).map_or(0, |row| row.get(metric))
    }

    /// The brands for which something was counted.
    pub fn brands(&self) -> impl Iterator<Item = &BrandId> {
        self.brands.keys()
    }

    /// Logs the workers' figures in one line, unless all of them are 0.
    pub fn log(&self) {
        list::log_figures(|metric| self.of(metric));
    }

    fn row(&mut self, brand: Option<&BrandId>) -> &mut Row {
        match brand {
            Some(brand) => self.brands.entry(brand.clone()).or_default(),
            None => &mut self.process,
        }
    }
}

#[derive(Debug, Default)]
struct KeptFigures {
    /// The figures since the process began. A gauge has its last value.
    all: Figures,
    /// The figures since they were last taken. A gauge has its highest value.
    since: Figures,
    /// When each brand's last booked request slot begins.
    booked_until: BTreeMap<BrandId, Timestamp>,
}

/// Counts the work of a process.
#[derive(Debug, Default)]
pub struct Counters(Mutex<KeptFigures>);

impl Counters {
    /// Adds to a counter.
    pub fn count(&self, metric: Metric, brand: Option<&BrandId>, count: u64) {
        debug_assert_eq!(metric.description().kind, MetricKind::Counter, "{metric:?}");
        debug_assert_eq!(metric.description().by_brand, brand.is_some(), "{metric:?}");
        let mut kept = self.lock();
        kept.all.row(brand).change(metric, |figure| figure.saturating_add(count));
        kept.since.row(brand).change(metric, |figure| figure.saturating_add(count));
    }

    /// Sets a gauge.
    pub fn set(&self, metric: Metric, brand: Option<&BrandId>, value: u64) {
        debug_assert_eq!(metric.description().kind, MetricKind::Gauge, "{metric:?}");
        debug_assert_eq!(metric.description().by_brand, brand.is_some(), "{metric:?}");
        let mut kept = self.lock();
        kept.all.row(brand).change(metric, |_| value);
        kept.since.row(brand).change(metric, |figure| figure.max(value));
    }

    /// Records that a look-up waits for its request slot, which begins at `until`.
    pub fn look_up_waits(&self, brand: &BrandId, until: Timestamp, now: Timestamp) {
        self.count(Metric::LookUpsWaiting, Some(brand), 1);
        let left = milliseconds(between(now, until));
        let mut kept = self.lock();
        kept.since.row(Some(brand)).change(Metric::LookUpBacklog, |figure| figure.max(left));
        let booked = kept.booked_until.entry(brand.clone()).or_insert(until);
        *booked = until.max(*booked);
    }

    /// Counts the answer to an HTTP request: a POST that was accepted, or any request that was refused or failed.
    pub fn answered(&self, posted: bool, status: u16) {
        let metric = match status {
            200..300 if posted => Metric::Accepted,
            400..500 => Metric::Refused,
            500..600 => Metric::Failed,
            _ => return,
        };
        self.count(metric, None, 1);
    }

    /// The figures since the last call.
    pub fn take(&self) -> Figures {
        mem::take(&mut self.lock().since)
    }

    /// The figures since the process began, with gauges as they are at `now`.
    #[must_use]
    pub fn all(&self, now: Timestamp) -> Figures {
        let mut kept = self.lock();
        kept.booked_until.retain(|_, until| *until > now);
        let mut all = kept.all.clone();
        for (brand, until) in &kept.booked_until {
            let left = milliseconds(between(now, *until));
            all.row(Some(brand)).change(Metric::LookUpBacklog, |_| left);
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, KeptFigures> {
        self.0.lock()
    }
}

/// A duration as a figure in [`Milliseconds`](crate::Unit::Milliseconds).
#[must_use]
pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brand(id: &str) -> BrandId {
        BrandId::parse(id).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn taken_counts_start_again_and_stay_in_the_total() {
        let counters = Counters::default();
        counters.count(Metric::Ended, Some(&brand("acme")), 2);
        assert_eq!(counters.take().of(Metric::Ended), 2);
        counters.count(Metric::Ended, Some(&brand("other")), 1);
        let taken = counters.take();
        assert_eq!((taken.of(Metric::Ended), taken.of_brand(Metric::Ended, &brand("acme"))), (1, 0));
        assert_eq!(counters.take(), Figures::default());
        assert_eq!(counters.all(at(0)).of(Metric::Ended), 3);
    }

    #[test]
    fn a_gauge_is_taken_at_its_highest_and_shown_as_it_was_set_last() {
        let counters = Counters::default();
        counters.set(Metric::BrazeUnanswered, Some(&brand("acme")), 1);
        counters.set(Metric::BrazeUnanswered, Some(&brand("acme")), 0);
        assert_eq!(counters.all(at(0)).of(Metric::BrazeUnanswered), 0);
        assert_eq!(counters.take().of(Metric::BrazeUnanswered), 1);
    }

    #[test]
    fn brands_counts_add_up_and_the_longest_time_stands_for_all() {
        let counters = Counters::default();
        for (id, slot) in [("acme", 30), ("other", 20)] {
            counters.look_up_waits(&brand(id), at(slot), at(0));
        }
        let taken = counters.take();
        assert_eq!((taken.of(Metric::LookUpsWaiting), taken.of(Metric::LookUpBacklog)), (2, 30_000));
    }

    #[test]
    fn the_backlog_shrinks_as_its_slots_draw_near() {
        let counters = Counters::default();
        counters.look_up_waits(&brand("acme"), at(30), at(0));
        counters.look_up_waits(&brand("acme"), at(10), at(0));
        let backlog = |now| counters.all(at(now)).of_brand(Metric::LookUpBacklog, &brand("acme"));
        assert_eq!((backlog(0), backlog(20), backlog(40)), (30_000, 10_000, 0));
    }

    #[test]
    fn an_answer_counts_as_accepted_refused_or_failed_and_a_read_as_nothing() {
        let counters = Counters::default();
        for (posted, status) in [(true, 202), (false, 200), (true, 422), (false, 404), (true, 503)] {
            counters.answered(posted, status);
        }
        let taken = counters.take();
        let counted = [Metric::Accepted, Metric::Refused, Metric::Failed].map(|metric| taken.of(metric));
        assert_eq!(counted, [1, 2, 1]);
    }
}
