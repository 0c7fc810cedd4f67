//! A participation: what a consumer asked for, and how far it has come.

use std::time::Duration;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::brand::{Brand, CreditMoment};
use crate::contact::{Contact, Email, Phone};
use crate::identity::{BrandId, Channel, ParticipationId, Scope};
use crate::ledger;
use crate::profile::ProfileRef;
use crate::reservation::Slot;

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
    /// That the consumer agreed to be sent messages; always there when they take part by number.
    pub consent: Option<Consent>,
    /// What the activation collected besides.
    pub attributes: Attributes,
    /// When it was accepted; the time of its custom event.
    pub accepted_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How far it is.
    pub state: State,
    /// When the consumer was credited.
    pub credited_at: Option<Timestamp>,
    /// When it is looked at at the latest. `None` exactly in end states.
    pub due_at: Option<Timestamp>,
    /// Attempts in a row that Braze did not answer usefully.
    pub failures: u32,
    /// A request slot booked for it, while it waits for one.
    pub slot: Option<Slot>,
    /// Counts saves; a save is conditional on it.
    pub version: u64,
}

/// A consumer's consent to be sent messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// When it was given.
    pub at: Timestamp,
    /// Which version of the text was agreed to, as the caller names it.
    pub text_id: Option<String>,
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventProgress {
    /// No attempt is open: none was made, or Braze surely did not take it.
    NotSent,
    /// An attempt began at this time and its outcome is not known.
    Attempted {
        /// When.
        at: Timestamp,
    },
    /// The event was seen on the profile.
    Recorded,
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

impl Participation {
    /// A participation by e-mail, accepted at `now`.
    #[must_use]
    pub fn by_email(
        id: ParticipationId,
        brand: &Brand,
        scope: &Scope,
        email: Email,
        attributes: Attributes,
        credit: CreditMoment,
        now: Timestamp,
    ) -> Self {
        let credited_at = ledger::on_receipt(credit, now);
        Self { credited_at, ..Self::accepted(id, brand, scope, Contact::Email(email), attributes, now) }
    }

    /// A participation by mobile number, accepted at `now` with the consumer's consent. It is credited once Braze says that the
    /// number is subscribed, and not before.
    #[must_use]
    pub fn by_phone(
        id: ParticipationId,
        brand: &Brand,
        scope: &Scope,
        contact: (Phone, Option<Email>),
        attributes: Attributes,
        consent: Consent,
        now: Timestamp,
    ) -> Self {
        let contact = Contact::Phone { phone: contact.0, email: contact.1 };
        Self { consent: Some(consent), ..Self::accepted(id, brand, scope, contact, attributes, now) }
    }

    fn accepted(
        id: ParticipationId,
        brand: &Brand,
        scope: &Scope,
        contact: Contact,
        attributes: Attributes,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            brand: brand.id.clone(),
            scope: scope.clone(),
            contact,
            consent: None,
            attributes,
            accepted_at: now,
            updated_at: now,
            state: State::Received,
            credited_at: None,
            due_at: Some(now + FIRST_LOOK),
            failures: 0,
            slot: None,
            version: 0,
        }
    }

    /// How the consumer takes part.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.contact.channel()
    }

    /// Puts it into `state` until `until`.
    pub fn wait(&mut self, state: State, until: Timestamp, now: Timestamp) {
        self.state = state;
        self.due_at = Some(until);
        self.updated_at = now;
    }

    /// Ends it.
    pub fn end(&mut self, outcome: Outcome, now: Timestamp) {
        self.credited_at = ledger::on_end(self, &outcome, now);
        self.state = match outcome {
            Outcome::Enrolled => State::Enrolled,
            Outcome::Credited => State::Credited,
            Outcome::Unverified => State::Unverified,
            Outcome::Expired => State::Expired,
            Outcome::Rejected { reason } => State::Rejected { reason },
            Outcome::Failed { reason } => State::Failed { reason },
        };
        self.due_at = None;
        self.slot = None;
        self.updated_at = now;
    }
}
