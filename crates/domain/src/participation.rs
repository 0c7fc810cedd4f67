//! A participation: what a consumer asked for, and how far it has come.

mod retry;
mod state;

pub use state::{EventProgress, State, Target};

use std::time::Duration;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::award::{Refusal, Standing};
use crate::contact::Contact;
use crate::ids::{BrandId, Channel, ContactKey, ParticipationId, RepeatKey, Scope};
use crate::profile::ProfileRef;
use crate::reservation::Slot;
use crate::unknown::UnknownFields;

/// How long a new participation is left to its queue message before the tick looks at it.
pub const FIRST_LOOK: Duration = Duration::from_secs(60);

/// A consumer taking part in an activation.
#[derive(Debug, Clone, PartialEq)]
pub struct Participation {
    /// Stable for the same consumer, activation and channel.
    pub id: ParticipationId,
    /// Whose activation it is.
    pub brand: BrandId,
    /// Which activation.
    pub scope: Scope,
    /// How the consumer can be reached.
    pub contact: Contact,
    /// What Braze told us of, when it was that which made the consumer take part.
    pub event: Option<BrazeEvent>,
    /// What the consumer said about being sent messages; always a yes when they take part by number.
    pub consent: Option<Consent>,
    /// What the activation collected besides.
    pub attributes: Attributes,
    /// When it was accepted; the time of its custom event.
    pub accepted_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How far it is.
    pub state: State,
    /// When the consumer earned the credit.
    pub credited_at: Option<Timestamp>,
    /// Whether something hangs on the credit: then the credit is a line in a ledger ([`crate::award::Award`]).
    pub has_award: bool,
    /// How far the profile shows the reward.
    pub shown: Shown,
    /// When it is looked at at the latest. `None` when there is nothing left to do.
    pub due_at: Option<Timestamp>,
    /// Once it has ended, it is deleted then: the brand's retention after the activation has closed.
    pub keep_until: Timestamp,
    /// Attempts in a row that Braze did not answer usefully.
    pub failures: u32,
    /// A request slot booked for it, while it waits for one.
    pub slot: Option<Slot>,
    /// Braze has no profile under the alias that we would create.
    pub no_such_alias: bool,
    /// What callers that do not sign are shown in place of a mismatch.
    pub unanswered: Option<Unanswered>,
    /// What the `Idempotency-Key` of the request that created it is known by: whoever repeats it created this.
    pub repeat_key: Option<RepeatKey>,
    /// Of somebody who was forgotten: keyed hashes of the contacts.
    pub proof: Vec<ContactKey>,
    /// Since when it lacks the terms it was accepted under: its brand, activation or way is not configured any more.
    pub without_terms_since: Option<Timestamp>,
    /// Counts saves; a save is conditional on it.
    pub version: u64,
    /// What a newer version keeps of it.
    pub unknown: UnknownFields,
}

/// What Braze told us of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrazeEvent {
    /// The event's name.
    pub name: String,
    /// The profile, where Braze named it.
    pub profile: Option<ProfileRef>,
    /// When Braze sent what the consumer answered to, where it says so.
    pub sent_at: Option<Timestamp>,
}

/// How far a profile shows what was won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Whether Braze has taken the attributes.
    pub attributes: bool,
    /// Whether the custom event may already have been sent.
    pub event: EventProgress,
}

/// What a consumer said when asked for consent to be sent messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Whether they said yes.
    pub given: bool,
    /// When they said it.
    pub at: Timestamp,
    /// Which version of the text was put to them, as the caller names it.
    pub text_id: Option<String>,
}

/// A wait for an answer that never comes ([`crate::seen`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// Since when it seems to be waited for.
    pub since: Timestamp,
    /// Whether the consumer seems to have been asked to confirm.
    pub double: bool,
    /// How the award stood when the participation ended, where it has one.
    pub standing: Option<Standing>,
    /// When the wait was over.
    pub ended_at: Option<Timestamp>,
}

/// How a participation ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Braze has the profile, attributes and event.
    Enrolled,
    /// Braze says that the number is subscribed.
    Credited,
    /// Subscribed by us, and Braze never said so.
    Unverified,
    /// The consumer did not confirm.
    Expired,
    /// The profile carries another number than the consumer gave.
    Mismatch {
        /// Whether the consumer would have been asked to confirm.
        double: bool,
    },
    /// Braze refuses this consumer for good.
    Rejected {
        /// Why, without contacts.
        reason: String,
    },
    /// Given up.
    Failed {
        /// Why, without contacts.
        reason: String,
    },
}

impl Participation {
    /// How the consumer takes part.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match &self.event {
            Some(_) => Channel::Event,
            None => self.contact.channel(),
        }
    }

    /// Puts it into `state` until `until`.
    pub fn wait(&mut self, state: State, until: Timestamp, now: Timestamp) {
        self.state = state;
        self.due_at = Some(until);
        self.updated_at = now;
    }

    /// Nothing is left to do.
    pub fn rest(&mut self) {
        self.due_at = None;
        self.slot = None;
    }

    /// Ends the wait that callers without a signature are shown.
    pub fn stop_waiting(&mut self, now: Timestamp) {
        if let Some(wait) = &mut self.unanswered {
            wait.ended_at = Some(now);
        }
        self.updated_at = now;
    }

    /// Ends it.
    pub fn end(&mut self, outcome: Outcome, now: Timestamp) {
        self.credited_at = on_end(self, &outcome, now);
        if let Outcome::Mismatch { double } = outcome {
            self.unanswered = Some(Unanswered { since: now, double, standing: None, ended_at: None });
        }
        self.state = match outcome {
            Outcome::Enrolled => State::Enrolled,
            Outcome::Credited => State::Credited,
            Outcome::Unverified => State::Unverified,
            Outcome::Expired => State::Expired,
            Outcome::Mismatch { .. } => {
                State::Rejected { reason: Refusal::PhoneMismatch.reason().to_owned() }
            }
            Outcome::Rejected { reason } => State::Rejected { reason },
            Outcome::Failed { reason } => State::Failed { reason },
        };
        self.due_at = None;
        self.slot = None;
        self.updated_at = now;
    }
}

/// The credit a participation has once it ends: what was given stays given, and enrollment gives what receipt did not.
fn on_end(participation: &Participation, outcome: &Outcome, now: Timestamp) -> Option<Timestamp> {
    participation.credited_at.or(match outcome {
        Outcome::Enrolled | Outcome::Credited => Some(now),
        Outcome::Unverified
        | Outcome::Expired
        | Outcome::Mismatch { .. }
        | Outcome::Rejected { .. }
        | Outcome::Failed { .. } => None,
    })
}
