//! What a change in a ledger has led to.

use crate::award::Award;
use crate::callback::Callback;
use crate::ids::ParticipationId;

/// The result of resolving awards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The requested awards with their current status.
    pub awards: Vec<Award>,
    /// Participations that were credited before and have a reward now.
    pub moved_up: Vec<ParticipationId>,
    /// The callbacks that are to be sent.
    pub callbacks: Vec<Callback>,
    /// Pools that have just come down to a tenth of their codes, or to none, with the number of codes left.
    pub low: Vec<(String, u32)>,
    /// Pools that had no code for a credited participation.
    pub owed: Vec<String>,
}

impl Resolved {
    /// Adds the result of another transaction in the same ledger.
    pub fn add(&mut self, more: Self) {
        self.awards.extend(more.awards);
        self.moved_up.extend(more.moved_up);
        self.low.extend(more.low);
        self.owed.extend(more.owed);
        self.callbacks.extend(more.callbacks);
    }
}
