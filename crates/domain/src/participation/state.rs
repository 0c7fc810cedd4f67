//! The states of a participation.

use crate::Timestamp;
use crate::award::{AwardStatus, Refusal};
use crate::participation::Way;
use crate::profile::ProfileRef;

/// The state of a participation.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The flow has not ended.
    Open(Open),
    /// The flow has ended.
    Ended(Outcome),
}

/// The state of an open flow. Each way has its own states.
#[derive(Debug, Clone, PartialEq)]
pub enum Open {
    /// Taking part by e-mail, or by an event that Braze reported.
    Enroll(EnrollState),
    /// Taking part by mobile number.
    Sms(SmsState),
}

/// The state of a participation by e-mail or event.
#[derive(Debug, Clone, PartialEq)]
pub enum EnrollState {
    /// The participation was accepted; nothing is known yet.
    Received,
    /// The profile is known, and is being written to.
    Enrolling {
        /// The profile to write to.
        target: Target,
        /// Whether the custom event may already have been sent.
        event: EventProgress,
    },
    /// By e-mail: the consumer was asked to confirm.
    AwaitingOptIn {
        /// The profile that was written to.
        target: Target,
        /// When the consumer was asked.
        since: Timestamp,
    },
}

/// The state of a participation by mobile number.
#[derive(Debug, Clone, PartialEq)]
pub enum SmsState {
    /// The participation was accepted; nothing is known yet.
    Received,
    /// The profile is known, and the number is being written to it.
    Enrolling {
        /// The profile to write to.
        target: Target,
        /// Whether the event that makes the brand ask may already have been sent with the number.
        event: EventProgress,
    },
    /// The profile was created or given the number, and Braze is building it.
    Settling {
        /// The profile that is being built.
        target: Target,
        /// When Braze has certainly built it.
        until: Timestamp,
    },
    /// The profile has the number, which is being subscribed, or the consumer is being asked to confirm.
    Subscribing {
        /// The profile with the number.
        target: Target,
        /// Whether the event that makes the brand ask may already have been sent.
        event: EventProgress,
    },
    /// We subscribed the number; Braze does not say so yet.
    AwaitingSubscription {
        /// The profile with the number.
        target: Target,
        /// When the number was subscribed.
        since: Timestamp,
        /// Whether the number was subscribed a second time.
        repeated: bool,
    },
    /// The consumer was asked to confirm.
    AwaitingOptIn {
        /// When the consumer was asked.
        since: Timestamp,
        /// The write that asked, until it is known to have done so.
        asked_by: Option<AskingWrite>,
    },
}

/// A write of a number that also makes the brand ask the consumer to confirm. Braze may have created the profile and
/// ignored the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskingWrite {
    /// The profile that was written to.
    pub target: Target,
    /// The time of the event that was sent with it.
    pub event_at: Timestamp,
}

/// How a participation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// By e-mail: Braze has the profile, attributes and event.
    Enrolled,
    /// By mobile number: Braze says that it is subscribed. By an event: Braze has what the event leaves on the profile.
    Credited,
    /// We subscribed the number, but Braze never said so.
    Unverified,
    /// The consumer did not confirm.
    Expired,
    /// The profile has another number than the consumer gave.
    Mismatch(Unanswered),
    /// Braze refuses this consumer for good, or the consumer was forgotten.
    Rejected {
        /// The reason, without contacts.
        reason: String,
    },
    /// The participation was given up.
    Failed {
        /// The reason, without contacts.
        reason: String,
    },
}

/// A wait for an answer that never comes, which unsigned callers see instead of a mismatch ([`crate::seen`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// When the wait seems to have begun.
    pub since: Timestamp,
    /// Whether the consumer seems to have been asked to confirm.
    pub double: bool,
    /// The award's status when the participation ended, if it has an award.
    pub status: Option<AwardStatus>,
    /// When the wait ended.
    pub ended_at: Option<Timestamp>,
}

/// The profile that a participation writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// How the profile is addressed.
    pub profile: ProfileRef,
    /// Whether the write may create the profile. A write to an existing profile never does.
    pub create: bool,
}

/// The progress of a custom event. Braze counts every event that it is sent, so an attempt is stored before
/// it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventProgress {
    /// No attempt is open: none was made, or Braze certainly did not accept it.
    #[default]
    NotSent,
    /// No attempt is open: Braze certainly did not accept the last one. The event keeps its time.
    NotTaken {
        /// The event's time.
        time: Timestamp,
    },
    /// An attempt began, and its outcome is not known.
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
    /// The event's time, once it has one: however often the event is sent, it is the same event.
    #[must_use]
    pub fn time(self) -> Option<Timestamp> {
        match self {
            Self::NotTaken { time } | Self::Attempted { time, .. } => Some(time),
            Self::NotSent | Self::Recorded => None,
        }
    }

    /// Whether there was an attempt whose outcome is not known.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            Self::Attempted { .. } => true,
            Self::NotSent | Self::NotTaken { .. } | Self::Recorded => false,
        }
    }
}

impl State {
    /// The public name of a participation's state from its acceptance on.
    pub const RECEIVED: &'static str = "received";

    /// How roll-ups name the end of a participation that was open when its consumer was forgotten.
    pub const FORGOTTEN: &'static str = "forgotten";

    /// The state's public name.
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
            | Self::Open(Open::Sms(
                SmsState::Enrolling { event, .. } | SmsState::Subscribing { event, .. },
            )) => event.is_open(),
            Self::Open(Open::Enroll(EnrollState::Received | EnrollState::AwaitingOptIn { .. }))
            | Self::Open(Open::Sms(
                SmsState::Received
                | SmsState::Settling { .. }
                | SmsState::AwaitingSubscription { .. }
                | SmsState::AwaitingOptIn { .. },
            ))
            | Self::Ended(_) => false,
        }
    }

    /// Whether the flow has ended.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// The wait that unsigned callers see, if there is one.
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
            (Self::Open(Open::Enroll(EnrollState::AwaitingOptIn { .. })), Way::Event { .. }) => false,
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
    /// The state's public name.
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
            Self::Enroll(EnrollState::AwaitingOptIn { .. }) | Self::Sms(SmsState::AwaitingOptIn { .. }) => {
                "awaiting_opt_in"
            }
        }
    }
}

impl Outcome {
    /// The outcome's public name.
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

    /// Why it is not a success.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Mismatch(_) => Some(Refusal::PhoneMismatch.reason()),
            Self::Rejected { reason } | Self::Failed { reason } => Some(reason),
            Self::Enrolled | Self::Credited | Self::Unverified | Self::Expired => None,
        }
    }

    /// Whether it earns the credit, if the credit was not earned before.
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

    /// Whether a participation by this way can end like this.
    fn suits(&self, way: &Way) -> bool {
        match (self, way) {
            (Self::Rejected { .. } | Self::Failed { .. }, _)
            | (Self::Enrolled | Self::Expired, Way::Email { .. })
            | (Self::Credited, Way::Sms { .. } | Way::Event { .. })
            | (Self::Unverified | Self::Expired | Self::Mismatch(_), Way::Sms { .. })
            // The original way is no longer known.
            | (Self::Enrolled | Self::Credited | Self::Unverified | Self::Expired, Way::Forgotten(_)) => true,
            (Self::Enrolled, Way::Sms { .. } | Way::Event { .. })
            | (Self::Credited, Way::Email { .. })
            | (Self::Unverified, Way::Email { .. } | Way::Event { .. })
            | (Self::Expired, Way::Event { .. })
            | (Self::Mismatch(_), Way::Email { .. } | Way::Event { .. } | Way::Forgotten(_)) => false,
        }
    }
}
