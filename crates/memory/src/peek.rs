//! Direct views of what is stored, for tests. They never fail, and they throw no dice.

use domain::award::Award;
use domain::ids::{ParticipationId, Scope};
use domain::participation::Participation;
use domain::rollup::Rollup;

use crate::Memory;

impl Memory {
    /// A participation as it is stored.
    #[must_use]
    pub fn stored(&self, id: ParticipationId) -> Option<Participation> {
        self.lock().participations.get(&id).cloned()
    }

    /// An award as it is stored.
    #[must_use]
    pub fn stored_award(&self, id: ParticipationId) -> Option<Award> {
        self.lock().ledgers.awards.get(&id).cloned()
    }

    /// Whether lines are entered later than they are stored.
    #[must_use]
    pub fn enters_later(&self) -> bool {
        self.lock().ledgers.enters_later
    }

    /// Whether nothing is due, now or later, everything was read back, and every callback was delivered or given up.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let state = self.lock();
        state.participations.values().all(|participation| participation.due_at().is_none())
            && state.ledgers.awards.values().all(|award| award.due_at.is_none())
            && state.read_backs.is_empty()
            && state.ledgers.nothing_to_deliver()
    }

    /// The roll-ups of an activation.
    #[must_use]
    pub fn stored_rollup(&self, scope: &Scope) -> Rollup {
        let mut rollup = Rollup::default();
        for (key, count) in self.lock().rollup.iter().filter(|(key, _)| key.scope == *scope) {
            rollup.add(key.clone(), count);
        }
        rollup
    }
}
