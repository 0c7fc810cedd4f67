//! The parts of a write to a profile that are worth reading back.

use crate::Timestamp;

/// Parts of what a participation writes to a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    /// The attributes of the flow.
    pub flow: bool,
    /// The event of the flow.
    pub flow_event: bool,
    /// The attributes that show the reward.
    pub reward: bool,
    /// The reward's event, with its time.
    pub event: Option<Timestamp>,
    /// The consent. It is read back, and never written again.
    pub consent: bool,
}

impl Parts {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    pub(super) fn and(self, others: Self) -> Self {
        Self {
            flow: self.flow || others.flow,
            flow_event: self.flow_event || others.flow_event,
            reward: self.reward || others.reward,
            event: others.event.or(self.event),
            consent: self.consent || others.consent,
        }
    }
}
