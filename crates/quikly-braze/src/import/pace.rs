//! When imported participations become due: evenly, so that what is due never hides what else is due.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::Timestamp;
use domain::brand::Identity;
use domain::time::later;

use super::ActivationTerms;

/// The most that become due in a minute without being asked for.
const MOST: u32 = 60_000;

/// A steady pace.
pub(super) struct Pace {
    per_minute: NonZeroU32,
    begins: Timestamp,
    passed: u64,
}

impl Pace {
    pub(super) fn new(
        (brand, activation): ActivationTerms<'_>,
        wished: Option<NonZeroU32>,
        begins: Timestamp,
    ) -> Self {
        let limits = &brand.braze.limits;
        let looks_up = activation.sms.is_some() || brand.braze.identity == Identity::Alias;
        let allowed = if looks_up {
            limits.export_ids_per_minute.get() / 5 * 4
        } else {
            limits.track_objects.get().saturating_mul(limits.track_per_3s.get()).saturating_mul(16)
        };
        let allowed = NonZeroU32::new(allowed.min(MOST)).unwrap_or(NonZeroU32::MIN);
        Self { per_minute: wished.unwrap_or(allowed), begins, passed: 0 }
    }

    /// When the row becomes due that is this many behind those that passed.
    pub(super) fn due_at(&self, ahead: usize) -> Timestamp {
        let count = self.passed.saturating_add(ahead as u64);
        let minutes = u128::from(count).saturating_mul(60_000) / u128::from(self.per_minute.get());
        later(self.begins, Duration::from_millis(u64::try_from(minutes).unwrap_or(u64::MAX)))
    }

    /// Records that so many rows were stored.
    pub(super) fn passed(&mut self, rows: usize) {
        self.passed = self.passed.saturating_add(rows as u64);
    }

    /// When the last row is due, if there is one.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        (self.passed > 0).then(|| self.due_at(0))
    }
}
