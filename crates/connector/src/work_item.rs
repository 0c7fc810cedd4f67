//! One participation while it is processed.

use std::time::Duration;

use domain::Timestamp;
use domain::award::Award;
use domain::decide::{Facts, Step};
use domain::ids::ParticipationId;
use domain::participation::{Cause, Participation};
use domain::profile::ProfileHint;
use domain::rollup::Rollup;
use domain::time::later;
use ports::Chance;
use ports::store::{Glimpse, WithLine};

use crate::retry::back_off;

/// A participation, the facts learned about it so far, and the profile hint that our store should keep.
pub(crate) struct WorkItem {
    pub(crate) participation: Participation,
    pub(crate) facts: Facts,
    pub(crate) learned: Option<ProfileHint>,
    /// Whether its award is credited, and its line is stored only when the participation is saved.
    pub(crate) line_is_unsaved: bool,
    /// Whether it wrote something in this run that is to be read back.
    pub(crate) to_read_back: bool,
    /// Whether its reward or its event was given up in an earlier run, and this is to be reported.
    pub(crate) unreported: bool,
    /// Whether it was found in an earlier run that a consent is not written, and this is to be reported.
    pub(crate) lost_consent: bool,
    /// Whether its flow ended in this run.
    pub(crate) ended: bool,
    /// How many times it was decided in this run.
    pub(crate) turns: usize,
    /// The participation as it was read, if it is only looked at and not due.
    pub(crate) looked_at: Option<Participation>,
    /// The participation as it was read, if it is polled.
    polled: Option<Participation>,
    /// Whether it was only glimpsed, so that others may have changed it before.
    pub(crate) is_glimpsed: bool,
}

impl WorkItem {
    pub(crate) fn new(participation: Participation) -> Self {
        Self {
            unreported: !participation.unplaced().unreported().is_empty(),
            lost_consent: participation.has_unreported_consent(),
            participation,
            facts: Facts::default(),
            learned: None,
            line_is_unsaved: false,
            to_read_back: false,
            ended: false,
            turns: 0,
            looked_at: None,
            polled: None,
            is_glimpsed: false,
        }
    }

    /// A participation with its line.
    pub(crate) fn with_line((participation, award): WithLine) -> Self {
        let mut item = Self::new(participation);
        item.facts.award = award.filter(|_| item.participation.has_award());
        item
    }

    /// A participation as the tick has found it.
    pub(crate) fn glimpsed(Glimpse { participation, award }: Glimpse) -> Self {
        Self { is_glimpsed: true, ..Self::with_line((participation, award)) }
    }

    /// Remembers a participation that is polled as it was read.
    pub(crate) fn mark_polled(&mut self) {
        self.polled = Some(self.participation.clone());
    }

    /// Whether it was polled, and nothing came of it but the time of the next poll.
    pub(crate) fn is_polled_again(&self) -> bool {
        let (Some(read), Some(due)) = (&self.polled, self.participation.due_at()) else { return false };
        if self.line_is_unsaved {
            return false;
        }
        let mut put_off = read.clone();
        put_off.put_off(due, self.participation.updated_at());
        !self.participation.has_changed_since(&put_off)
    }

    /// Marks it as one that is only looked at.
    pub(crate) fn mark_looked_at(&mut self) {
        self.looked_at = Some(self.participation.clone());
    }

    /// Whether it was only looked at, and nothing came of it.
    pub(crate) fn is_unchanged(&self) -> bool {
        let read = self.looked_at.as_ref().filter(|_| !self.line_is_unsaved);
        read.is_some_and(|read| !self.participation.has_changed_since(read))
    }

    /// The line that is to be stored with the participation.
    pub(crate) fn unsaved_line(&self) -> Option<&Award> {
        self.facts.award.as_ref().filter(|_| self.line_is_unsaved)
    }

    /// Takes back what happened to a participation that is only looked at.
    pub(crate) fn undone(mut self) -> Self {
        if let Some(read) = &self.looked_at {
            self.participation = read.clone();
        }
        self
    }

    /// Applies a step. After a command, the facts that were read before it are stale. Facts about a write
    /// belong to the flow's last write, and not to what follows its end.
    pub(crate) fn apply(&mut self, step: &Step, now: Timestamp) {
        self.participation.apply(step, now);
        if matches!(step, Step::Tell { .. } | Step::Show { .. } | Step::Done(_)) {
            self.facts.before_a_command();
        }
        self.ended |= matches!(step, Step::Done(_));
    }

    /// Marks what a participation of an earlier version had reached as counted.
    pub(crate) fn counts_from_here(&mut self, now: Timestamp) {
        self.participation.counts_from_here(self.facts.award.as_ref(), now);
    }

    /// The figures of the milestones that it has reached, to be stored with it.
    pub(crate) fn rollup(&mut self, now: Timestamp) -> Rollup {
        self.participation.rollup(self.facts.award.as_ref(), now)
    }

    /// Its id, if another participation changed its award and it was not processed since.
    pub(crate) fn changed_award(&self) -> Option<ParticipationId> {
        self.facts.award.as_ref().and_then(|award| award.due_at).map(|_| self.participation.id())
    }

    /// Puts the participation off until a request can be sent, and returns it.
    pub(crate) fn rest_until(mut self, (cause, until): (Cause, Timestamp), now: Timestamp) -> Self {
        self.participation.held_up(cause, now);
        self.participation.put_off(until, now);
        self
    }

    /// Counts a failure for this cause and puts the participation off: for as long as Braze asked, or else longer
    /// after each failure.
    pub(crate) fn rest_after_failure(
        mut self,
        (cause, asked): (Cause, Option<Duration>),
        chance: &dyn Chance,
        now: Timestamp,
    ) -> Self {
        self.participation.failed(cause, now);
        let wait = back_off(self.participation.failures(), asked, chance);
        self.participation.put_off(later(now, wait), now);
        self
    }
}

/// The result of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stepped {
    /// How many participations ended.
    pub ended: usize,
    /// How many participations wait to be processed later.
    pub waiting: usize,
    /// How many participations were left alone: others process them, or they are not due.
    pub left_alone: usize,
}

impl Stepped {
    pub(crate) fn add(&mut self, other: Self) {
        self.ended += other.ended;
        self.waiting += other.waiting;
        self.left_alone += other.left_alone;
    }
}

/// The work items after a group was performed.
#[derive(Default)]
pub(crate) struct Performed {
    /// Items that learned something and are decided again.
    pub(crate) active: Vec<WorkItem>,
    /// Items that were put off.
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
