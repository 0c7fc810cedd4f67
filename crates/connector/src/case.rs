//! One participation while it is being looked at.

use domain::Timestamp;
use domain::decide::{Facts, ProfileWrite};
use domain::identity::ParticipationId;
use domain::participation::{EventProgress, Outcome, Participation, State};
use domain::profile::KnownProfile;

/// A participation, what has been learned of it so far, and what our store should remember of its profile.
pub(crate) struct Case {
    pub(crate) participation: Participation,
    pub(crate) facts: Facts,
    pub(crate) learned: Option<KnownProfile>,
    /// Whether its flow ended in this look.
    pub(crate) ended: bool,
}

impl Case {
    pub(crate) fn new(participation: Participation) -> Self {
        Self { participation, facts: Facts::default(), learned: None, ended: false }
    }

    /// Ends its flow. What was learned on the way of writing is of the flow's last write, and not of what follows.
    pub(crate) fn end(&mut self, outcome: Outcome, now: Timestamp) {
        self.participation.end(outcome, now);
        if let Some(wait) = &mut self.participation.unanswered {
            wait.standing = self.facts.award.as_ref().map(|award| award.standing.clone());
        }
        self.facts.before_a_command();
        self.ended = true;
    }

    /// Its award, as long as it was changed by somebody else's participation and not looked at since.
    pub(crate) fn changed_award(&self) -> Option<ParticipationId> {
        self.facts.award.as_ref().and_then(|award| award.due_at).map(|_| self.participation.id)
    }

    /// Puts it off until `until`, as it is.
    pub(crate) fn put_off(&mut self, until: Timestamp, now: Timestamp) {
        let state: State = self.participation.state.clone();
        self.participation.wait(state, until, now);
    }

    /// Braze has taken a write: the profile shows what was in it. After the end of the flow, the event is the reward's.
    pub(crate) fn shows(&mut self, write: &ProfileWrite) {
        let participation = &mut self.participation;
        participation.shown.attributes |= write.shows_reward;
        if participation.state.is_end() && write.event.is_some() {
            participation.shown.event = EventProgress::Recorded;
        }
    }

    /// Braze answered usefully: the count of failures begins anew.
    pub(crate) fn answered(&mut self) {
        self.participation.failures = 0;
    }

    /// Braze did not answer usefully.
    pub(crate) fn failed(&mut self) {
        self.participation.failures = self.participation.failures.saturating_add(1);
    }
}
