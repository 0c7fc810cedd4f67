//! The index of due participations, as far as it lags behind the store.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::ParticipationId;
use domain::participation::Participation;
use domain::time::later;
use ports::store::{Due, Glimpse};

use crate::polls::Polls;
use crate::{Memory, MemoryState};

/// The longest that an index takes to show a write.
const LONGEST_LAG: Duration = Duration::from_secs(2);

/// The entries that are out of date.
#[derive(Default)]
pub(crate) struct DueIndex {
    out_of_date: HashMap<ParticipationId, OldEntry>,
    pub(crate) polls: Polls,
}

struct OldEntry {
    until: Timestamp,
    /// What the index shows; `None` is no entry.
    shown: Option<Participation>,
}

impl Memory {
    /// Keeps the index's entry of this participation as it is now for this long, whatever happens to the participation.
    pub fn find_as_it_is_now(&self, id: ParticipationId, time: Duration) {
        let until = later(self.clock.now(), time);
        let mut state = self.lock();
        let shown = state.participations.get(&id).cloned();
        state.due_index.out_of_date.insert(id, OldEntry { until, shown });
    }
}

impl MemoryState {
    /// Is called before a participation is written. A fault can keep its entry in the index as it is for a while.
    pub(crate) fn entry_lags(&mut self, id: ParticipationId, now: Timestamp) {
        let Some(share) = self.fate.strikes_in_part("indexes that lagged", |faults| faults.index_lags) else {
            return;
        };
        let shown = self.participations.get(&id).cloned();
        let until = later(now, LONGEST_LAG.mul_f64(share));
        let entry = self.due_index.out_of_date.entry(id).or_insert(OldEntry { until, shown: shown.clone() });
        if entry.until < now {
            entry.shown = shown;
        }
        entry.until = entry.until.max(until);
    }

    /// The entries of the index that are due by `until`, each with the participation as it was when the entry was made.
    pub(crate) fn indexed(&mut self, now: Timestamp, until: Timestamp) -> Vec<Due> {
        self.due_index.out_of_date.retain(|_, entry| entry.until > now);
        let old = &self.due_index.out_of_date;
        let current = self.participations.values().filter(|one| !old.contains_key(&one.id()));
        let shown = current.chain(old.values().filter_map(|entry| entry.shown.as_ref()));
        let is_due = |one: &&Participation| one.due_at().is_some_and(|due_at| due_at <= until);
        let due = shown.filter(is_due).filter_map(|one| self.due_of(one)).collect();
        match self.fate.may_keep_glimpses() {
            true => self.due_index.polls.show(due, (now, until)),
            false => due,
        }
    }

    fn due_of(&self, shown: &Participation) -> Option<Due> {
        let (id, due_at) = (shown.id(), shown.due_at()?);
        let glimpse =
            || Glimpse { participation: shown.clone(), award: self.ledgers.awards.get(&id).cloned() };
        let glimpse = (!self.damaged.contains(&id)).then(|| Box::new(glimpse()));
        Some(Due { id, brand: shown.brand().clone(), due_at, glimpse })
    }
}
