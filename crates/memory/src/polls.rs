//! Polled participations as a process has read them before, which it may keep for later polls as on DynamoDB.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::ids::ParticipationId;
use domain::participation::Participation;
use domain::time::between;
use ports::store::{Due, Glimpse, OLDEST_GLIMPSE, Saved};

use crate::MemoryState;

/// A participation as it was read.
#[derive(Clone)]
struct AsRead {
    read_at: Timestamp,
    glimpse: Glimpse,
}

/// What was read of participations.
#[derive(Default)]
pub(crate) struct Polls {
    /// Those that were due last.
    shown: BTreeMap<ParticipationId, AsRead>,
    /// Those that are kept for their next poll, and when it is.
    kept: BTreeMap<ParticipationId, (Timestamp, AsRead)>,
}

impl Polls {
    /// Shows what is kept instead of what was just read. A wait that another process has saved is shown as it is now.
    pub(crate) fn show(&mut self, due: Vec<Due>, (now, until): (Timestamp, Timestamp)) -> Vec<Due> {
        let mut due: BTreeMap<ParticipationId, Due> = due.into_iter().map(|due| (due.id, due)).collect();
        let mut shown = BTreeMap::new();
        self.kept.retain(|_, (_, kept)| between(kept.read_at, now) <= OLDEST_GLIMPSE);
        let (over, waiting) = std::mem::take(&mut self.kept)
            .into_iter()
            .partition(|(id, (due_at, _))| *due_at <= until || due.contains_key(id));
        self.kept = waiting;
        for (id, (due_at, kept)) in over {
            let brand = kept.glimpse.participation.brand().clone();
            let one = due.entry(id).or_insert(Due { id, brand, due_at, glimpse: None });
            if one.due_at == due_at {
                one.glimpse = Some(Box::new(kept.glimpse.clone()));
                shown.insert(id, kept);
            }
        }
        for one in due.values() {
            if let Some(glimpse) = &one.glimpse {
                shown.entry(one.id).or_insert_with(|| AsRead { read_at: now, glimpse: (**glimpse).clone() });
            }
        }
        self.shown = shown;
        due.into_values().collect()
    }
}

impl MemoryState {
    /// Is called when participations were put off. What was read of them may be kept, and then nobody notices that others have saved them.
    pub(crate) fn keep_glimpses(&mut self, put_off: &[Participation], saved: Vec<Saved>) -> Vec<Saved> {
        let keep = |(participation, saved): (&Participation, Saved)| {
            let id = participation.id();
            let (Some(shown), Some(due_at)) =
                (self.due_index.polls.shown.remove(&id), participation.due_at())
            else {
                return saved;
            };
            if !self.fate.keeps_glimpse() {
                return saved;
            }
            let stored = self.participations.get(&id).filter(|_| saved == Saved::Saved);
            let participation = stored.unwrap_or(participation).clone();
            let glimpse = Glimpse { participation, award: shown.glimpse.award };
            self.due_index.polls.kept.insert(id, (due_at, AsRead { read_at: shown.read_at, glimpse }));
            Saved::Saved
        };
        put_off.iter().zip(saved).map(keep).collect()
    }
}
