//! Participations that were being processed when something panicked.

use std::collections::HashSet;

use domain::ids::ParticipationId;
use parking_lot::{Mutex, MutexGuard};

/// The most participations that are remembered as suspects.
const MOST_SUSPECTS: usize = 100_000;

/// Participations that were being processed when something panicked. Each is then processed alone, after the
/// others, until that succeeds, so that one of them cannot hold up its whole brand.
#[derive(Default)]
pub(crate) struct Suspects(Mutex<HashSet<ParticipationId>>);

impl Suspects {
    /// Groups participations: the others together, and each suspect alone.
    pub(crate) fn apart(&self, ids: &[ParticipationId]) -> Vec<Vec<ParticipationId>> {
        let suspects = self.lock();
        let (alone, together): (Vec<_>, Vec<_>) = ids.iter().partition(|id| suspects.contains(id));
        let alone = alone.into_iter().map(|id| vec![id]);
        std::iter::once(together).filter(|together| !together.is_empty()).chain(alone).collect()
    }

    pub(crate) fn add(&self, ids: &[ParticipationId]) {
        let mut suspects = self.lock();
        let room = MOST_SUSPECTS.saturating_sub(suspects.len());
        suspects.extend(ids.iter().take(room));
    }

    pub(crate) fn clear(&self, ids: &[ParticipationId]) {
        let mut suspects = self.lock();
        for id in ids {
            suspects.remove(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ParticipationId>> {
        self.0.lock()
    }
}
