//! Keeps this process from processing a participation twice at once. Between processes, the versions in the
//! store decide.

use std::collections::HashSet;

use domain::ids::ParticipationId;
use parking_lot::{Mutex, MutexGuard};

/// The participations that are being processed.
#[derive(Default)]
pub(crate) struct InHand(Mutex<HashSet<ParticipationId>>);

impl InHand {
    /// Takes those that are not being processed yet.
    pub(crate) fn take(&self, ids: &[ParticipationId]) -> Hold<'_> {
        let mut in_hand = self.lock();
        let ids = ids.iter().copied().filter(|id| in_hand.insert(*id)).collect();
        Hold { in_hand: self, ids }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ParticipationId>> {
        self.0.lock()
    }
}

/// Participations that are being processed. They are let go when this is dropped, even if processing panics.
pub(crate) struct Hold<'a> {
    in_hand: &'a InHand,
    pub(crate) ids: Vec<ParticipationId>,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut in_hand = self.in_hand.lock();
        for id in &self.ids {
            in_hand.remove(id);
        }
    }
}
