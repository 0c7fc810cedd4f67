//! The next step of a participation: [`crate::decide::decide`] returns it, and
//! [`super::Participation::apply`] takes it.

use super::parts::Parts;
use super::{Open, Outcome, Shown};
use crate::Timestamp;
use crate::attributes::Attributes;
use crate::award::Resolution;
use crate::consent::{ConsentProgress, ConsentWrite};
use crate::contact::{Email, Phone};
use crate::ids::{Channel, SubscriptionGroup};
use crate::profile::{Alias, FoundProfile, ProfileRef};

/// The next step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Find something out.
    Ask(Question),
    /// Give Braze a command.
    Tell {
        /// The participation's state meanwhile. It must be saved *before* a command that cannot be repeated.
        state: Open,
        /// The command.
        command: Command,
    },
    /// Have the ledger credit the award, or release what was reserved for it. Repeating this is harmless.
    Resolve(Resolution),
    /// Write the reward to the profile, after the flow has ended.
    Show {
        /// How much the profile shows meanwhile. It must be saved *before* a write that cannot be repeated.
        shown: Shown,
        /// The write.
        write: ProfileWrite,
    },
    /// Show nothing before `until`.
    Defer {
        /// How much of the reward the profile shows.
        shown: Shown,
        /// When to process the participation again.
        until: Timestamp,
    },
    /// The reward cannot be written before `until`: no profile carries the consumer's address or number.
    NoProfile {
        /// When to look again.
        until: Timestamp,
    },
    /// These parts cannot be shown: Braze refuses them for good, or has not accepted them for too long. This is reported.
    GiveUp(Parts),
    /// End the wait that unsigned callers see, and decide again.
    StopWaiting,
    /// Record whether Braze has the consent in a channel, and decide again.
    Consent(Channel, ConsentProgress),
    /// Nothing is left to do, unless another participation changes this one's award.
    Rest,
    /// Do nothing before `until`.
    Wait {
        /// The participation's state while it waits.
        state: Open,
        /// When to process the participation again.
        until: Timestamp,
    },
    /// The activation does not allow this way of taking part, or no longer does. It may allow it again later.
    NotOffered(&'static str),
    /// The flow has ended. Decide again, since the reward is still to be shown.
    Done(Outcome),
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Does our store have a hint about the contact's profile?
    ProfileHint,
    /// Does Braze still have the profile that our store remembers? Many are asked for in one request.
    Confirm(ProfileRef),
    /// Does Braze show the profile yet that was just written? Many are asked for in one request. The question is put
    /// only if there are requests to spare, and else the answer is that it does not.
    Built(ProfileRef),
    /// May this participation create the contact's profile?
    Claim,
    /// Which Braze profile has this alias? Many are asked for in one request.
    FindAlias(Alias),
    /// Which Braze profiles have the consumer's address, or, without one, the number?
    FindProfile,
    /// Is the consumer subscribed to this group: the number, or, of a consumer who takes part by e-mail, the address?
    Subscription(SubscriptionGroup),
    /// Which of these groups is the consumer unsubscribed from, or subscribed to?
    ConsentGroups {
        /// The channel of the groups.
        channel: Channel,
        /// The groups.
        groups: Vec<SubscriptionGroup>,
    },
    /// Does the profile have the event, logged no earlier than `since`?
    EventRecorded {
        /// The profile.
        profile: ProfileRef,
        /// The event's name.
        event: String,
        /// The earliest time.
        since: Timestamp,
    },
}

/// A command to Braze.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a command is made, matched and gone")]
pub enum Command {
    /// Write attributes and event to one profile, in one request.
    Write(ProfileWrite),
    /// Subscribe the number to this group.
    Subscribe {
        /// The group.
        group: SubscriptionGroup,
        /// Whether Braze first asks the consumer to confirm.
        double_opt_in: bool,
    },
}

/// A write to one profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileWrite {
    /// The profile.
    pub profile: ProfileRef,
    /// Whether the write creates the profile if there is none.
    pub create: bool,
    /// The address to set.
    pub email: Option<Email>,
    /// The subscription of the number.
    pub subscribe: Option<NumberSubscription>,
    /// The custom event to log.
    pub event: Option<ProfileEvent>,
    /// Whether the attributes show the reward.
    pub shows_reward: bool,
    /// Attributes to set.
    pub attributes: Attributes,
    /// The number to set.
    pub phone: Option<Phone>,
    /// Whether the number is removed from the profile, which is not the consumer's.
    pub takes_number: bool,
    /// The consent that the write carries, or its withdrawal.
    pub consent: Option<ConsentWrite>,
}

impl ProfileWrite {
    /// Sets attributes of an existing profile and writes nothing else.
    #[must_use]
    pub fn of(profile: ProfileRef, attributes: Attributes) -> Self {
        Self {
            profile,
            create: false,
            email: None,
            phone: None,
            subscribe: None,
            attributes,
            event: None,
            shows_reward: false,
            takes_number: false,
            consent: None,
        }
    }

    /// Leaves out the attributes that the profile showed when it was looked up, since Braze counts each one
    /// written, changed or not. Returns how many. Our attributes contain neither operators nor `null`, so an
    /// equal value would change nothing.
    pub fn leave_out_unchanged(&mut self, found: &[FoundProfile]) -> usize {
        let profile = found.iter().find(|found| found.reference().as_ref() == Some(&self.profile));
        let Some(profile) = profile else { return 0 };
        let before = self.attributes.len();
        self.attributes = self.attributes.not_among(&profile.attributes);
        before - self.attributes.len()
    }

    /// Joins this and a later write into one object, if that has the same effect: both are to the same
    /// profile, log no events, carry no consent, and differ only in attributes, of which the later ones count.
    #[must_use]
    pub fn joined(&self, later: &Self) -> Option<Self> {
        let same = self.profile == later.profile
            && !(self.takes_number || later.takes_number)
            && self.create == later.create
            && (&self.email, &self.phone, &self.subscribe) == (&later.email, &later.phone, &later.subscribe);
        let counted = self.event.is_some() || later.event.is_some();
        let consented = self.consent.is_some() || later.consent.is_some();
        (same && !counted && !consented).then(|| Self {
            attributes: self.attributes.beneath(&later.attributes),
            shows_reward: self.shows_reward || later.shows_reward,
            ..self.clone()
        })
    }

    /// Whether repeating the write is harmless. An event is not, since Braze counts events, and neither is a consent, since
    /// the consumer may unsubscribe meanwhile.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.event.is_none() && !self.consent.as_ref().is_some_and(ConsentWrite::subscribes)
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let sets = self.email.is_some() || self.phone.is_some() || self.subscribe.is_some();
        let sets = sets || self.takes_number || self.consent.is_some();
        !self.create && !sets && self.attributes.is_empty() && self.event.is_none()
    }
}

/// A subscription of a number that is written together with its profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberSubscription {
    /// The group to subscribe the number to.
    pub group: SubscriptionGroup,
    /// Whether Braze first asks the consumer to confirm.
    pub double_opt_in: bool,
}

/// The outcome of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Braze accepted it.
    Done,
    /// Braze refused it for good.
    Refused {
        /// The reason, redacted.
        reason: String,
    },
    /// It was certainly not done, and is to be tried again at this moment.
    NotDone {
        /// When to try again.
        retry_at: Timestamp,
    },
    /// It is not known whether it was done. It must not be tried again before this moment.
    Unknown {
        /// When it may be tried again.
        retry_at: Timestamp,
    },
}

/// A custom event.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileEvent {
    /// Its name.
    pub name: String,
    /// When it happened.
    pub time: Timestamp,
    /// The scope of its activation.
    pub scope: String,
    /// Further properties.
    pub properties: Attributes,
}

impl Command {
    /// Whether repeating the command is harmless. An event is not, since Braze counts events.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Write(write) => write.is_repeatable(),
            Self::Subscribe { .. } => true,
        }
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
