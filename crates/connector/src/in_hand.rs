//! What is being looked at in this process is not looked at twice. Between processes the store's versions decide.

use std::collections::HashSet;

use domain::ids::ParticipationId;
use parking_lot::{Mutex, MutexGuard};

/// Participations in hand.
#[derive(Default)]
pub(crate) struct InHand(Mutex<HashSet<ParticipationId>>);

impl InHand {
    /// Takes those that nobody has.
    pub(crate) fn take(&self, ids: &[ParticipationId]) -> Hold<'_> {
        let mut in_hand = self.lock();
        let ids = ids.iter().copied().filter(|id| in_hand.insert(*id)).collect();
        Hold { in_hand: self, ids }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ParticipationId>> {
        self.0.lock()
    }
}

/// Participations in hand, let go when dropped: also when the look at them panics.
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
