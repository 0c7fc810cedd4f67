//! The states of a participation.

use crate::Timestamp;
use crate::award::{AwardStatus, Refusal};
use crate::participation::Way;
use crate::profile::ProfileRef;

/// How far a participation is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Its flow is under way.
    Open(Open),
    /// Its flow is over.
    Ended(Outcome),
}

/// How far a flow is that is under way. Each way has states of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Open {
    /// By e-mail, or by an event that Braze told us of.
    Enroll(EnrollState),
    /// By mobile number.
    Sms(SmsState),
}

/// How far an e-mail participation or an event is.
#[derive(Debug, Clone, PartialEq)]
pub enum EnrollState {
    /// Accepted; nothing is known yet.
    Received,
    /// The profile is known; it is being written to.
    Enrolling {
        /// Which profile.
        target: Target,
        /// Whether the custom event may already have been sent.
        event: EventProgress,
    },
}

/// How far a participation by mobile number is.
#[derive(Debug, Clone, PartialEq)]
pub enum SmsState {
    /// Accepted; nothing is known yet.
    Received,
    /// The profile is known; the number is being written to it.
    Enrolling {
        /// Which profile.
        target: Target,
    },
    /// The profile was created or given the number; Braze is building it.
    Settling {
        /// Which profile.
        target: Target,
        /// Until when.
        until: Timestamp,
    },
    /// The profile carries the number; it is being subscribed, or asked to confirm.
    Subscribing {
        /// Which profile.
        target: Target,
        /// Whether the event that makes the brand ask may already have been sent.
        event: EventProgress,
    },
    /// Subscribed by us; Braze does not say so yet.
    AwaitingSubscription {
        /// Which profile.
        target: Target,
        /// Since when.
        since: Timestamp,
        /// Whether the number was subscribed by a request of its own.
        explicitly: bool,
    },
    /// Asked to confirm.
    AwaitingOptIn {
        /// Since when.
        since: Timestamp,
    },
}

/// How a participation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// By e-mail: Braze has the profile, attributes and event.
    Enrolled,
    /// By mobile number: Braze says that it is subscribed. By an event: Braze has what the event leaves on the profile.
    Credited,
    /// Subscribed by us, and Braze never said so.
    Unverified,
    /// The consumer did not confirm.
    Expired,
    /// The profile carries another number than the consumer gave.
    Mismatch(Unanswered),
    /// Braze refuses this consumer for good, or the consumer was forgotten.
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

/// A wait for an answer that never comes: what callers that do not sign are shown in place of a mismatch ([`crate::seen`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// Since when it seems to be waited for.
    pub since: Timestamp,
    /// Whether the consumer seems to have been asked to confirm.
    pub double: bool,
    /// How the award stood when the participation ended, where it has one.
    pub status: Option<AwardStatus>,
    /// When the wait was over.
    pub ended_at: Option<Timestamp>,
}

/// The profile a participation writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// How it is addressed.
    pub profile: ProfileRef,
    /// Whether the write creates it. Writes to existing profiles never do.
    pub create: bool,
}

/// Braze counts every event it is sent, so an attempt is written down before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventProgress {
    /// No attempt is open: none was made, or Braze surely did not take it.
    #[default]
    NotSent,
    /// No attempt is open: Braze surely did not take the last one. The event keeps its time.
    NotTaken {
        /// The event's time.
        time: Timestamp,
    },
    /// An attempt began and its outcome is not known.
    Attempted {
        /// When it began.
        at: Timestamp,
        /// The event's time: that of the first attempt, or when it happened.
        time: Timestamp,
    },
    /// The event was seen on the profile.
    Recorded,
}

impl EventProgress {
    /// The event's time, once it was given one: however often the event is sent, it is the same event.
    #[must_use]
    pub fn time(self) -> Option<Timestamp> {
        match self {
            Self::NotTaken { time } | Self::Attempted { time, .. } => Some(time),
            Self::NotSent | Self::Recorded => None,
        }
    }

    /// Whether an attempt was made whose outcome is not known.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            Self::Attempted { .. } => true,
            Self::NotSent | Self::NotTaken { .. } | Self::Recorded => false,
        }
    }
}

impl State {
    /// The name that a participation's state has from its acceptance on, as seen from outside.
    pub const RECEIVED: &'static str = "received";

    /// The state's name as seen from outside.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open(open) => open.name(),
            Self::Ended(outcome) => outcome.name(),
        }
    }

    /// Why it ended without success.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Open(_) => None,
            Self::Ended(outcome) => outcome.reason(),
        }
    }

    /// Whether an event may have been sent without its outcome being known.
    #[must_use]
    pub fn has_open_attempt(&self) -> bool {
        match self {
            Self::Open(Open::Enroll(EnrollState::Enrolling { event, .. }))
            | Self::Open(Open::Sms(SmsState::Subscribing { event, .. })) => event.is_open(),
            Self::Open(Open::Enroll(EnrollState::Received))
            | Self::Open(Open::Sms(
                SmsState::Received
                | SmsState::Enrolling { .. }
                | SmsState::Settling { .. }
                | SmsState::AwaitingSubscription { .. }
                | SmsState::AwaitingOptIn { .. },
            ))
            | Self::Ended(_) => false,
        }
    }

    /// Whether its flow is over.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// The wait that callers without a signature are shown, where there is one.
    #[must_use]
    pub fn unanswered(&self) -> Option<&Unanswered> {
        match self {
            Self::Ended(Outcome::Mismatch(wait)) => Some(wait),
            Self::Ended(_) | Self::Open(_) => None,
        }
    }

    /// Whether a participation by this way can be in this state.
    pub(super) fn suits(&self, way: &Way) -> bool {
        match (self, way) {
            (Self::Open(Open::Enroll(_)), Way::Email { .. } | Way::Event { .. })
            | (Self::Open(Open::Sms(_)), Way::Sms { .. }) => true,
            (Self::Open(_), Way::Email { .. } | Way::Sms { .. } | Way::Event { .. } | Way::Forgotten(_)) => {
                false
            }
            (Self::Ended(outcome), way) => outcome.suits(way),
        }
    }
}

impl Open {
    /// The state's name as seen from outside.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Enroll(EnrollState::Received) | Self::Sms(SmsState::Received) => State::RECEIVED,
            Self::Enroll(EnrollState::Enrolling { .. }) | Self::Sms(SmsState::Enrolling { .. }) => {
                "enrolling"
            }
            Self::Sms(SmsState::Settling { .. }) => "settling",
            Self::Sms(SmsState::Subscribing { .. }) => "subscribing",
            Self::Sms(SmsState::AwaitingSubscription { .. }) => "awaiting_subscription",
            Self::Sms(SmsState::AwaitingOptIn { .. }) => "awaiting_opt_in",
        }
    }
}

impl Outcome {
    /// The outcome's name as seen from outside.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::Credited => "credited",
            Self::Unverified => "unverified",
            Self::Expired => "expired",
            Self::Mismatch(_) | Self::Rejected { .. } => "rejected",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why it is no success.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Mismatch(_) => Some(Refusal::PhoneMismatch.reason()),
            Self::Rejected { reason } | Self::Failed { reason } => Some(reason),
            Self::Enrolled | Self::Credited | Self::Unverified | Self::Expired => None,
        }
    }

    /// Whether it earns the credit, where the credit was not earned before.
    #[must_use]
    pub fn earns(&self) -> bool {
        match self {
            Self::Enrolled | Self::Credited => true,
            Self::Unverified
            | Self::Expired
            | Self::Mismatch(_)
            | Self::Rejected { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Whether a participation by this way can end so.
    fn suits(&self, way: &Way) -> bool {
        match (self, way) {
            (Self::Rejected { .. } | Self::Failed { .. }, _)
            | (Self::Enrolled, Way::Email { .. })
            | (Self::Credited, Way::Sms { .. } | Way::Event { .. })
            | (Self::Unverified | Self::Expired | Self::Mismatch(_), Way::Sms { .. })
            // What it was is not known any more.
            | (Self::Enrolled | Self::Credited | Self::Unverified | Self::Expired, Way::Forgotten(_)) => true,
            (Self::Enrolled, Way::Sms { .. } | Way::Event { .. })
            | (Self::Credited, Way::Email { .. })
            | (Self::Unverified | Self::Expired, Way::Email { .. } | Way::Event { .. })
            | (Self::Mismatch(_), Way::Email { .. } | Way::Event { .. } | Way::Forgotten(_)) => false,
        }
    }
}
