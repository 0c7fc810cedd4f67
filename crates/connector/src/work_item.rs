//! One participation while it is being looked at.

use std::time::Duration;

use domain::Timestamp;
use domain::decide::{Facts, Step};
use domain::ids::ParticipationId;
use domain::participation::Participation;
use domain::profile::ProfileHint;
use domain::time::later;
use ports::Chance;

use crate::retry::back_off;

/// A participation, what has been learned of it so far, and what our store should remember of its profile.
pub(crate) struct WorkItem {
    pub(crate) participation: Participation,
    pub(crate) facts: Facts,
    pub(crate) learned: Option<ProfileHint>,
    /// Whether its flow ended in this look.
    pub(crate) ended: bool,
    /// How often it was decided in this look.
    pub(crate) turns: usize,
}

impl WorkItem {
    pub(crate) fn new(participation: Participation) -> Self {
        Self { participation, facts: Facts::default(), learned: None, ended: false, turns: 0 }
    }

    /// Takes a step. After a command, what was read before it is stale; and what was learned on the way of writing is of the flow's last
    /// write, and not of what follows its end.
    pub(crate) fn apply(&mut self, step: &Step, now: Timestamp) {
        self.participation.apply(step, now);
        match step {
            Step::Tell { .. } | Step::Show { .. } => self.facts.before_a_command(),
            Step::Done(_) => {
                self.facts.before_a_command();
                self.ended = true;
            }
            Step::Ask(_)
            | Step::Resolve(_)
            | Step::Defer { .. }
            | Step::StopWaiting
            | Step::Rest
            | Step::Wait { .. }
            | Step::NotOffered(_) => {}
        }
    }

    /// Its award, as long as it was changed by somebody else's participation and not looked at since.
    pub(crate) fn changed_award(&self) -> Option<ParticipationId> {
        self.facts.award.as_ref().and_then(|award| award.due_at).map(|_| self.participation.id())
    }

    /// The same, once it is put off.
    pub(crate) fn rest_until(mut self, until: Timestamp, now: Timestamp) -> Self {
        self.participation.put_off(until, now);
        self
    }

    /// Counts a failure, and puts it off for as long as Braze asked, or longer each time.
    pub(crate) fn rest_after_failure(
        mut self,
        asked: Option<Duration>,
        chance: &dyn Chance,
        now: Timestamp,
    ) -> Self {
        self.participation.failed();
        let wait = back_off(self.participation.failures(), asked, chance);
        self.participation.put_off(later(now, wait), now);
        self
    }
}

/// What a look came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stepped {
    /// Participations that ended.
    pub ended: usize,
    /// Participations that wait for a later look.
    pub waiting: usize,
    /// Participations somebody else is at, or that are not due.
    pub left_alone: usize,
}

impl Stepped {
    pub(crate) fn add(&mut self, other: Self) {
        self.ended += other.ended;
        self.waiting += other.waiting;
        self.left_alone += other.left_alone;
    }
}

/// Cases after a group was performed.
#[derive(Default)]
pub(crate) struct Performed {
    /// Something was learned: they are decided again.
    pub(crate) active: Vec<WorkItem>,
    /// They were put off.
    pub(crate) resting: Vec<WorkItem>,
}

impl Performed {
    pub(crate) fn goes_on(active: Vec<WorkItem>) -> Self {
        Self { active, resting: Vec::new() }
    }

    pub(crate) fn rests(resting: Vec<WorkItem>) -> Self {
        Self { active: Vec::new(), resting }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.active.extend(other.active);
        self.resting.extend(other.resting);
    }
}
