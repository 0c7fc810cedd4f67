//! Which milestones of a participation are in the roll-ups.

use super::Participation;

/// Which milestones of a participation are in the roll-ups ([`crate::rollup`]) already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountedMilestones {
    /// The acceptance.
    pub accepted: bool,
    /// The credit.
    pub credited: bool,
    /// The reward, or that there is none.
    pub prize: bool,
    /// The end of the flow.
    pub ended: bool,
    /// That everything is on the profile.
    pub on_profile: bool,
}

impl Participation {
    /// Which of its milestones are in the roll-ups; `None` if an earlier version stored it, which kept no roll-ups.
    #[must_use]
    pub fn counted(&self) -> Option<CountedMilestones> {
        self.0.counted
    }

    /// Records which of its milestones are in the roll-ups.
    pub(crate) fn has_counted(&mut self, counted: CountedMilestones) {
        self.0.counted = Some(counted);
    }
}
