//! The states of a participation.

use crate::Timestamp;
use crate::profile::ProfileRef;

/// How far a participation is; each state holds what is only true in it.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Accepted, nothing known yet.
    Received,
    /// The profile is known; it is being written to.
    Enrolling {
        /// Which profile.
        target: Target,
        /// Whether the custom event may already have been sent.
        event: EventProgress,
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
    /// Braze has taken everything.
    Enrolled,
    /// Braze says that the number is subscribed.
    Credited,
    /// Subscribed by us, and Braze never said so.
    Unverified,
    /// The consumer did not confirm.
    Expired,
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
}

impl State {
    /// The state's name as seen from outside.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Enrolling { .. } => "enrolling",
            Self::Settling { .. } => "settling",
            Self::Subscribing { .. } => "subscribing",
            Self::AwaitingSubscription { .. } => "awaiting_subscription",
            Self::AwaitingOptIn { .. } => "awaiting_opt_in",
            Self::Enrolled => "enrolled",
            Self::Credited => "credited",
            Self::Unverified => "unverified",
            Self::Expired => "expired",
            Self::Rejected { .. } => "rejected",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why it ended without success.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Rejected { reason } | Self::Failed { reason } => Some(reason),
            Self::Received
            | Self::Enrolling { .. }
            | Self::Settling { .. }
            | Self::Subscribing { .. }
            | Self::AwaitingSubscription { .. }
            | Self::AwaitingOptIn { .. }
            | Self::Enrolled
            | Self::Credited
            | Self::Unverified
            | Self::Expired => None,
        }
    }

    /// Whether an event may have been sent without its outcome being known.
    #[must_use]
    pub fn has_open_attempt(&self) -> bool {
        match self {
            Self::Enrolling { event, .. } | Self::Subscribing { event, .. } => {
                matches!(event, EventProgress::Attempted { .. })
            }
            Self::Received
            | Self::Settling { .. }
            | Self::AwaitingSubscription { .. }
            | Self::AwaitingOptIn { .. }
            | Self::Enrolled
            | Self::Credited
            | Self::Unverified
            | Self::Expired
            | Self::Rejected { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_end(&self) -> bool {
        match self {
            Self::Enrolled
            | Self::Credited
            | Self::Unverified
            | Self::Expired
            | Self::Rejected { .. }
            | Self::Failed { .. } => true,
            Self::Received
            | Self::Enrolling { .. }
            | Self::Settling { .. }
            | Self::Subscribing { .. }
            | Self::AwaitingSubscription { .. }
            | Self::AwaitingOptIn { .. } => false,
        }
    }
}
