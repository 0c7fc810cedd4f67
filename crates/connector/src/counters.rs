//! What a connector did, for metrics.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::work_item::WorkItem;

/// What was done since somebody last asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Participations whose flow ended.
    pub ended: u64,
    /// Those of them that ended with a credit.
    pub credited: u64,
    /// Participations put off to a later look.
    pub deferred: u64,
    /// Look-ups put off because Braze takes no more of them for now.
    pub look_ups_waiting: u64,
    /// How far off the last slot is that was booked for a look-up.
    pub look_up_backlog: Duration,
    /// Attributes not sent because the profile shows them already: so many data points the brand keeps, if its contract counts them.
    pub attributes_saved: u64,
    /// Requests that Braze answered by refusing the key.
    pub keys_refused: u64,
    /// Panics while something was done for a brand.
    pub panics: u64,
    /// Brands whose workspace does not answer.
    pub braze_unanswered: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Tally>);

impl Counters {
    pub(crate) fn ended(&self, item: &WorkItem) {
        let credited = item.participation.earned_at().is_some()
            || item.facts.award.as_ref().is_some_and(|award| award.credited_at.is_some());
        self.change(|tally| {
            tally.ended += 1;
            tally.credited += u64::from(credited);
        });
    }

    pub(crate) fn deferred(&self) {
        self.change(|tally| tally.deferred += 1);
    }

    pub(crate) fn look_up_waits(&self, left: Duration) {
        self.change(|tally| {
            tally.look_ups_waiting += 1;
            tally.look_up_backlog = tally.look_up_backlog.max(left);
        });
    }

    pub(crate) fn attributes_saved(&self, count: usize) {
        self.change(|tally| tally.attributes_saved += u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(crate) fn key_refused(&self) {
        self.change(|tally| tally.keys_refused += 1);
    }

    pub(crate) fn panicked(&self) {
        self.change(|tally| tally.panics += 1);
    }

    pub(crate) fn unanswered(&self, brands: u64) {
        self.change(|tally| tally.braze_unanswered = tally.braze_unanswered.max(brands));
    }

    pub(crate) fn take(&self) -> Tally {
        std::mem::take(&mut *self.lock())
    }

    fn change(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
