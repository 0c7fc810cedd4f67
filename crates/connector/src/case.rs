//! One participation while it is being looked at.

use domain::Timestamp;
use domain::decide::Facts;
use domain::participation::{Participation, State};
use domain::profile::KnownProfile;

/// A participation, what has been learned of it so far, and what our store should remember of its profile.
pub(crate) struct Case {
    pub(crate) participation: Participation,
    pub(crate) facts: Facts,
    pub(crate) learned: Option<KnownProfile>,
}

impl Case {
    pub(crate) fn new(participation: Participation) -> Self {
        Self { participation, facts: Facts::default(), learned: None }
    }

    /// Puts it off until `until`, as it is.
    pub(crate) fn put_off(&mut self, until: Timestamp, now: Timestamp) {
        let state: State = self.participation.state.clone();
        self.participation.wait(state, until, now);
    }

    /// Braze answered usefully: the count of failures begins anew.
    pub(crate) fn answered(&mut self) {
        self.participation.failures = 0;
        self.participation.slot = None;
    }

    /// Braze did not answer usefully.
    pub(crate) fn failed(&mut self) {
        self.participation.failures = self.participation.failures.saturating_add(1);
        self.participation.slot = None;
    }
}
