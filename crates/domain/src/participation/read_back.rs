//! Which of a participation's writes are still to be read back. Braze answers with success to a write whose profile was
//! merged or deleted a moment ago, and the write has no effect.

use std::time::Duration;

use super::parts::Parts;
use super::step::ProfileWrite;
use super::{Code, EventProgress, Open, Participation, Shown, State};
use crate::Timestamp;
use crate::consent::ConsentWrite;
use crate::profile::ProfileRef;
use crate::time::between;

/// A reward or event that was missing this many times is given up.
pub const MOST_MISSING: u32 = 3;

/// An earlier write that is younger than this is read back together with the next one: a long outage may have kept it from
/// being read back.
const TOGETHER_WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// What is known of a reward or an event that Braze accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadBack {
    /// It is read back once Braze has applied it.
    Due(SentParts),
    /// The profile did not show it, or there was no profile, so it is written again.
    Missing {
        /// What was missing.
        parts: Parts,
        /// How many times in a row.
        times: u32,
    },
}

/// What was given up: it was missing [`MOST_MISSING`] times, or Braze does not accept it. It stays given up, whatever is
/// written later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unplaced {
    /// The reward, with its event.
    pub reward: Option<GivenUp>,
    /// The event of the flow.
    pub flow_event: Option<GivenUp>,
}

/// That something was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp {
    /// When it was given up.
    pub since: Timestamp,
    /// Whether that was reported.
    pub reported: bool,
}

impl Unplaced {
    /// Whether nothing was given up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The parts of it that are not reported. The report comes in a round of its own, so that a report which is repeated
    /// after a crash says the same.
    #[must_use]
    pub fn unreported(self) -> Self {
        let unreported = |given_up: &GivenUp| !given_up.reported;
        Self { reward: self.reward.filter(unreported), flow_event: self.flow_event.filter(unreported) }
    }

    /// Gives these parts up at `now`. What was given up before stays as it is.
    fn add(&mut self, parts: Parts, now: Timestamp) {
        let given_up = GivenUp { since: now, reported: false };
        if parts.reward || parts.event.is_some() {
            self.reward.get_or_insert(given_up);
        }
        if parts.flow_event {
            self.flow_event.get_or_insert(given_up);
        }
    }
}

/// What was written, where, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentParts {
    /// The profile that was addressed.
    pub profile: ProfileRef,
    /// Braze's own id of that profile, if it was addressed by alias and looked up before the write.
    pub braze_id: Option<String>,
    /// When Braze accepted the last write.
    pub at: Timestamp,
    /// What was written.
    pub parts: Parts,
    /// How many times in a row this was missing before.
    pub missing_before: u32,
}

impl Participation {
    /// What is known of the reward and the events that Braze accepted; `None` if nothing is to be read back.
    #[must_use]
    pub fn read_back(&self) -> Option<&ReadBack> {
        self.0.read_back.as_ref()
    }

    /// What is to be read back.
    #[must_use]
    pub fn sent(&self) -> Option<&SentParts> {
        match &self.0.read_back {
            Some(ReadBack::Due(sent)) => Some(sent),
            Some(ReadBack::Missing { .. }) | None => None,
        }
    }

    /// What was missing and is to be written again.
    #[must_use]
    pub fn missing(&self) -> Option<Parts> {
        match &self.0.read_back {
            Some(ReadBack::Missing { parts, .. }) => Some(*parts),
            Some(ReadBack::Due(_)) | None => None,
        }
    }

    /// Whether a consent that Braze accepted is to be looked for on the consumer's profile.
    #[must_use]
    pub fn looks_for_consent(&self) -> bool {
        self.missing().is_some_and(|missing| missing.consent)
    }

    /// The consent was looked for.
    pub(super) fn looked_for_consent(&mut self) {
        if let Some(ReadBack::Missing { parts, .. }) = &mut self.0.read_back {
            parts.consent = false;
            if parts.is_empty() {
                self.0.read_back = None;
            }
        }
    }

    /// What was given up, because no profile showed it or Braze does not accept it.
    #[must_use]
    pub fn unplaced(&self) -> Unplaced {
        self.0.unplaced
    }

    /// Everything that was given up is reported.
    pub fn reported(&mut self) {
        for given_up in [&mut self.0.unplaced.reward, &mut self.0.unplaced.flow_event].into_iter().flatten() {
            given_up.reported = true;
        }
    }

    /// Braze has accepted a write at `now`, so the profile shows its content unless it was merged or deleted. After the
    /// end of the flow, the event is the reward's, unless the flow's own was missing. `braze_id` is Braze's id of the
    /// profile, if it was looked up.
    ///
    /// Returns whether the write is to be read back.
    pub fn shows(&mut self, write: &ProfileWrite, braze_id: Option<&str>, now: Timestamp) -> bool {
        let parts = self.parts_of(write);
        let shown = &mut self.0.shown;
        shown.attributes |= write.shows_reward;
        if write.shows_reward {
            self.0.shown_at.get_or_insert(now);
        }
        let shown = &mut self.0.shown;
        if self.0.state.is_end() && write.event.is_some() {
            match &mut shown.flow_event {
                Some(progress) => *progress = EventProgress::Recorded,
                None => shown.event = EventProgress::Recorded,
            }
        }
        // Braze chooses a profile by address or number, and may choose another one the next time.
        let named = !matches!(write.profile, ProfileRef::Email(_) | ProfileRef::Phone(_));
        if named && !parts.is_empty() {
            self.is_to_be_read_back(write, parts, braze_id, now);
        }
        named && !parts.is_empty()
    }

    /// The parts that a write contains and that are worth reading back: rewards, events and consents, and what was written
    /// with them.
    fn parts_of(&self, write: &ProfileWrite) -> Parts {
        let consent = write.consent.as_ref().is_some_and(ConsentWrite::subscribes);
        Parts { consent, ..self.parts_beside_consent(write) }
    }

    fn parts_beside_consent(&self, write: &ProfileWrite) -> Parts {
        let event = write.event.as_ref().map(|event| event.time);
        let (counts, reward) = (write.shows_reward || event.is_some(), write.shows_reward);
        match &self.0.state {
            State::Open(Open::Enroll(_)) => {
                Parts { flow: counts, flow_event: event.is_some(), reward, ..Parts::default() }
            }
            // Its subscription and its event are verified before the flow ends.
            State::Open(Open::Sms(_)) => Parts::default(),
            State::Ended(_) => {
                let flow = counts && self.missing().is_some_and(|missing| missing.flow);
                let again = self.0.shown.flow_event.is_some();
                let flow_event = again && event.is_some();
                Parts { flow, flow_event, reward, event: event.filter(|_| !again), consent: false }
            }
        }
    }

    fn is_to_be_read_back(
        &mut self,
        write: &ProfileWrite,
        parts: Parts,
        braze_id: Option<&str>,
        now: Timestamp,
    ) {
        let (earlier, missing_before) = match &self.0.read_back {
            Some(ReadBack::Due(sent)) if between(sent.at, now) < TOGETHER_WITHIN => {
                (sent.parts, sent.missing_before)
            }
            Some(ReadBack::Missing { times, .. }) => (Parts::default(), *times),
            Some(ReadBack::Due(_)) | None => (Parts::default(), 0),
        };
        // A merge moves aliases, and no other identifier. Most records stay below 1 KB without it.
        let braze_id = braze_id.filter(|_| matches!(write.profile, ProfileRef::Alias(_)));
        self.0.read_back = Some(ReadBack::Due(SentParts {
            profile: write.profile.clone(),
            braze_id: braze_id.map(str::to_owned),
            at: now,
            parts: earlier.and(parts),
            missing_before,
        }));
    }

    /// The profile does not show these parts of what was sent: they are written again at once, or given up.
    ///
    /// # Panics
    /// If nothing is to be read back.
    #[expect(clippy::expect_used, reason = "the caller has read back what was sent")]
    pub fn found_missing(&mut self, parts: Parts, now: Timestamp) {
        let sent = self.sent().expect("something was sent").clone();
        self.happens(Code::Missing, now);
        self.lacks(parts, &sent, now);
        self.0.failures = 0;
        self.put_off(now, now);
    }

    /// These parts are missing, of what was sent or beside it.
    pub(super) fn lacks(&mut self, parts: Parts, sent: &SentParts, now: Timestamp) {
        self.count_missing(parts, sent.missing_before, now);
        if self.missing().is_none() {
            return;
        }
        let attempted = |time| EventProgress::Attempted { at: sent.at, time };
        let accepted_at = self.0.accepted_at;
        let shown = &mut self.0.shown;
        shown.attributes &= !parts.reward;
        if let Some(time) = parts.event {
            shown.event = attempted(time);
        }
        if parts.flow_event {
            shown.flow_event = Some(attempted(accepted_at));
        }
    }

    /// Counts that something was missing, and gives it up after [`MOST_MISSING`] times.
    pub(super) fn count_missing(&mut self, parts: Parts, before: u32, now: Timestamp) {
        let times = before.saturating_add(1);
        self.0.updated_at = now;
        if times < MOST_MISSING {
            self.0.read_back = Some(ReadBack::Missing { parts, times });
        } else {
            self.give_up(parts, now);
        }
    }

    /// Braze does not accept these parts. That is due to be reported.
    pub(super) fn give_up_showing(&mut self, parts: Parts, now: Timestamp) {
        self.give_up(parts, now);
        self.0.failures = 0;
        self.put_off(now, now);
    }

    fn give_up(&mut self, parts: Parts, now: Timestamp) {
        self.0.unplaced.add(parts, now);
        self.0.read_back = None;
        self.0.shown.flow_event = None;
        if parts.reward || parts.event.is_some() {
            self.0.shown = Shown::ALL;
        }
        if parts.consent {
            self.loses_consents(now);
        }
    }
}

#[cfg(test)]
#[path = "read_back_tests.rs"]
mod tests;
