//! The index of due participations, as far as it lags behind the store.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::ParticipationId;
use domain::participation::Participation;
use domain::time::later;
use ports::store::Due;

use crate::MemoryState;

/// The longest that an index takes to show a write.
const LONGEST_LAG: Duration = Duration::from_secs(2);

/// The entries that are out of date.
#[derive(Default)]
pub(crate) struct DueIndex {
    out_of_date: HashMap<ParticipationId, OldEntry>,
}

struct OldEntry {
    until: Timestamp,
    /// What the index shows; `None` is no entry.
    due: Option<Due>,
}

pub(crate) fn due_of(participation: &Participation) -> Option<Due> {
    let due_at = participation.due_at()?;
    Some(Due { id: participation.id(), brand: participation.brand().clone(), due_at })
}

impl MemoryState {
    /// Is called before a participation is written. A fault can keep its entry in the index as it is for a while.
    pub(crate) fn entry_lags(&mut self, id: ParticipationId, now: Timestamp) {
        let Some(share) = self.fate.strikes_in_part("indexes that lagged", |faults| faults.index_lags) else {
            return;
        };
        let due = self.participations.get(&id).and_then(due_of);
        let until = later(now, LONGEST_LAG.mul_f64(share));
        let entry = self.due_index.out_of_date.entry(id).or_insert(OldEntry { until, due: due.clone() });
        if entry.until < now {
            entry.due = due;
        }
        entry.until = entry.until.max(until);
    }

    /// The due times that the index shows.
    pub(crate) fn indexed(&mut self, now: Timestamp) -> Vec<Due> {
        let old = &mut self.due_index.out_of_date;
        old.retain(|_, entry| entry.until > now);
        let current =
            self.participations.values().filter(|one| !old.contains_key(&one.id())).filter_map(due_of);
        current.chain(old.values().filter_map(|entry| entry.due.clone())).collect()
    }
}
