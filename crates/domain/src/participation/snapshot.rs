//! All stored values of a participation, as plain values.

use std::time::Duration;

use thiserror::Error;

use super::{
    CountedMilestones, EnrollState, HeldUp, Open, Outcome, Participation, ReadBack, Replaced, Shown,
    SmsState, State, Timeline, Unplaced, Way,
};
use crate::Timestamp;
use crate::attributes::Attributes;
use crate::award::Participant;
use crate::ids::{BrandId, ParticipationId, RepeatKey, Scope};
use crate::profile::ProfileRef;
use crate::reservation::Slot;
use crate::time::later;
use crate::unknown::UnknownFields;

/// How long a new participation is left to its queue message before the tick processes it.
pub const FIRST_LOOK: Duration = Duration::from_secs(60);

/// The values of a participation. [`Participation::restore`] makes one from them if they are consistent.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// See [`Participation::id`].
    pub id: ParticipationId,
    /// See [`Participation::brand`].
    pub brand: BrandId,
    /// See [`Participation::scope`].
    pub scope: Scope,
    /// See [`Participation::way`].
    pub way: Way,
    /// See [`Participation::attributes`].
    pub attributes: Attributes,
    /// See [`Participation::accepted_at`].
    pub accepted_at: Timestamp,
    /// See [`Participation::updated_at`].
    pub updated_at: Timestamp,
    /// See [`Participation::state`].
    pub state: State,
    /// See [`Participation::earned_at`].
    pub earned_at: Option<Timestamp>,
    /// See [`Participation::has_award`].
    pub has_award: bool,
    /// See [`Participation::shown`].
    pub shown: Shown,
    /// See [`Participation::shown_at`].
    pub shown_at: Option<Timestamp>,
    /// See [`Participation::read_back`].
    pub read_back: Option<ReadBack>,
    /// See [`Participation::unplaced`].
    pub unplaced: Unplaced,
    /// See [`Participation::has_unreported_consent`].
    pub unreported_consent: bool,
    /// See [`Participation::due_at`].
    pub due_at: Option<Timestamp>,
    /// See [`Participation::keep_until`].
    pub keep_until: Timestamp,
    /// See [`Participation::failures`].
    pub failures: u32,
    /// Why it waits, if a request to Braze failed or had to wait. See [`Participation::waits`].
    pub held_up: Option<HeldUp>,
    /// See [`Participation::timeline`].
    pub timeline: Timeline,
    /// See [`Participation::slot`].
    pub slot: Option<Slot>,
    /// See [`Participation::has_no_such_alias`].
    pub no_such_alias: bool,
    /// See [`Participation::repeat_key`].
    pub repeat_key: Option<RepeatKey>,
    /// See [`Participation::who`].
    pub who: Participant,
    /// See [`Participation::replaced`].
    pub replaced: Option<Replaced>,
    /// The profile that got the number from us, as long as the consumer has not confirmed.
    pub gave_number_to: Option<ProfileRef>,
    /// See [`Participation::without_terms_since`].
    pub without_terms_since: Option<Timestamp>,
    /// See [`Participation::counted`].
    pub counted: Option<CountedMilestones>,
    /// See [`Participation::is_imported`].
    pub imported: bool,
    /// See [`Participation::version`].
    pub version: u64,
    /// Fields that only a newer version knows.
    pub unknown: UnknownFields,
}

/// Values that no participation can have together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Impossible {
    /// The state belongs to another way.
    #[error("a participation by {way} cannot be {state}")]
    State {
        /// The channel's name.
        way: &'static str,
        /// The state's name.
        state: &'static str,
    },
    /// A participation by number earns its credit when Braze says that the number is subscribed, and its flow
    /// ends then. This one is still open.
    #[error("a participation by number has earned its credit, but is {state}")]
    EarnedEarly {
        /// The state's name.
        state: &'static str,
    },
    /// A participation by number has no consent.
    #[error("a participation by number whose consumer refused consent")]
    WithoutConsent,
    /// The flow is open, but the participation is never due.
    #[error("a participation that is {state} is never due")]
    NeverDue {
        /// The state's name.
        state: &'static str,
    },
}

impl Snapshot {
    /// The initial values of a participation that is accepted now; the second time is until when it is kept.
    #[must_use]
    pub fn accepted(
        id: ParticipationId,
        (brand, scope): (BrandId, Scope),
        way: Way,
        (now, keep_until): (Timestamp, Timestamp),
        has_award: bool,
    ) -> Self {
        let state = match &way {
            Way::Sms { .. } => Open::Sms(SmsState::Received),
            Way::Email { .. } | Way::Event { .. } | Way::Forgotten(_) => Open::Enroll(EnrollState::Received),
        };
        Self {
            id,
            brand,
            scope,
            way,
            attributes: Attributes::default(),
            accepted_at: now,
            updated_at: now,
            state: State::Open(state),
            earned_at: None,
            has_award,
            shown: Shown::default(),
            shown_at: None,
            read_back: None,
            unplaced: Unplaced::default(),
            unreported_consent: false,
            due_at: Some(later(now, FIRST_LOOK)),
            keep_until,
            failures: 0,
            held_up: None,
            timeline: Timeline::default(),
            slot: None,
            no_such_alias: false,
            repeat_key: None,
            who: Participant::default(),
            replaced: None,
            gave_number_to: None,
            without_terms_since: None,
            counted: Some(CountedMilestones::default()),
            imported: false,
            version: 0,
            unknown: UnknownFields::default(),
        }
    }

    fn check(&self) -> Result<(), Impossible> {
        let state = self.state.name();
        if !self.state.suits(&self.way) {
            return Err(Impossible::State { way: self.way.channel().name(), state });
        }
        if !self.state.is_end() && self.due_at.is_none() {
            return Err(Impossible::NeverDue { state });
        }
        match &self.way {
            Way::Sms { consent, .. } if !consent.given => Err(Impossible::WithoutConsent),
            Way::Sms { .. } if self.earned_at.is_some() && !self.has_ended(&Outcome::Credited) => {
                Err(Impossible::EarnedEarly { state })
            }
            Way::Sms { .. } | Way::Email { .. } | Way::Event { .. } | Way::Forgotten(_) => Ok(()),
        }
    }

    fn has_ended(&self, outcome: &Outcome) -> bool {
        matches!(&self.state, State::Ended(ended) if ended == outcome)
    }
}

impl Participation {
    /// Makes a participation with these values.
    ///
    /// # Errors
    /// If no participation can have them together.
    pub fn restore(snapshot: Snapshot) -> Result<Self, Impossible> {
        snapshot.check()?;
        Ok(Self(snapshot))
    }

    /// Whether it came from a file. Then it stands behind the participations of consumers who are there now.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        self.0.imported
    }

    /// The values.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.0
    }

    /// Returns the values, to be changed and restored.
    #[must_use]
    pub fn into_snapshot(self) -> Snapshot {
        self.0
    }
}
