//! What happens next to a participation: what [`crate::decide::decide`] says and [`super::Participation::apply`] takes.

use super::{Open, Outcome, Shown};
use crate::Timestamp;
use crate::attributes::Attributes;
use crate::award::Resolution;
use crate::contact::{Email, Phone};
use crate::ids::SubscriptionGroup;
use crate::profile::{Alias, FoundProfile, ProfileRef};

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Find something out.
    Ask(Question),
    /// Have Braze do something.
    Tell {
        /// What the participation is while this is under way. It must be saved *before* a command that cannot be repeated.
        state: Open,
        /// What to do.
        command: Command,
    },
    /// Have the ledger say what the participation has won, or take back what was kept for it. Doing it twice is doing it once.
    Resolve(Resolution),
    /// Have the profile show what was won, the flow being over.
    Show {
        /// How far that is while it is under way. It must be saved *before* a write that cannot be repeated.
        shown: Shown,
        /// What to write.
        write: ProfileWrite,
    },
    /// Nothing to show before `until`.
    Defer {
        /// How far the profile shows what was won.
        shown: Shown,
        /// When to look again.
        until: Timestamp,
    },
    /// The wait that callers without a signature are shown is over. Ask again.
    StopWaiting,
    /// Nothing is left to do, unless somebody else's participation changes this one's award.
    Rest,
    /// Nothing to do before `until`.
    Wait {
        /// What the participation is while it waits.
        state: Open,
        /// When to look again.
        until: Timestamp,
    },
    /// The activation does not take participations of this way any more, if it ever did. Whether that is for good, only time tells.
    NotOffered(&'static str),
    /// The flow is over. Ask again: what was won is still to be shown.
    Done(Outcome),
}

/// Something to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Does our store know the contact's profile?
    ProfileHint,
    /// May this participation create the contact's profile?
    Claim,
    /// Which Braze profile has this alias? Many are asked for in a request.
    FindAlias(Alias),
    /// Which Braze profiles have the consumer's address, or, without one, the number?
    FindProfile,
    /// Is the number subscribed to this group?
    Subscription(SubscriptionGroup),
    /// Does the profile carry the event, logged no earlier than `since`?
    EventRecorded {
        /// The profile.
        profile: ProfileRef,
        /// The event's name.
        event: String,
        /// Its time.
        since: Timestamp,
    },
}

/// Something for Braze to do.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a command is made, matched and gone")]
pub enum Command {
    /// Attributes and event to one profile, in one request.
    Write(ProfileWrite),
    /// The number to this group.
    Subscribe {
        /// Which group.
        group: SubscriptionGroup,
        /// Whether Braze asks the consumer first.
        double_opt_in: bool,
    },
}

/// What is written to one profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileWrite {
    /// Which profile.
    pub profile: ProfileRef,
    /// Whether the write creates the profile if there is none.
    pub create: bool,
    /// The address to set.
    pub email: Option<Email>,
    /// The number to set.
    pub phone: Option<Phone>,
    /// The group to subscribe the number to.
    pub subscribe: Option<SubscriptionGroup>,
    /// Attributes to set.
    pub attributes: Attributes,
    /// Custom event to log.
    pub event: Option<ProfileEvent>,
    /// Whether the attributes show what was won.
    pub shows_reward: bool,
}

impl ProfileWrite {
    /// These attributes for a profile that is there, and nothing else.
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
        }
    }

    /// Leaves out the attributes that the profile showed when it was looked up: Braze counts each one written, changed or not. Says
    /// how many. Our attributes hold neither operators nor `null`, so what is equal would change nothing.
    pub fn leave_out_unchanged(&mut self, found: &[FoundProfile]) -> usize {
        let profile = found.iter().find(|found| found.reference().as_ref() == Some(&self.profile));
        let Some(profile) = profile else { return 0 };
        let before = self.attributes.len();
        self.attributes = self.attributes.not_among(&profile.attributes);
        before - self.attributes.len()
    }

    /// This and a later write as one object, where that does the same: to the same profile, without events, and not at odds in
    /// anything but attributes, of which the later ones count.
    #[must_use]
    pub fn joined(&self, later: &Self) -> Option<Self> {
        let same = self.profile == later.profile
            && self.create == later.create
            && (&self.email, &self.phone, &self.subscribe) == (&later.email, &later.phone, &later.subscribe);
        let counted = self.event.is_some() || later.event.is_some();
        (same && !counted).then(|| Self {
            attributes: self.attributes.beneath(&later.attributes),
            shows_reward: self.shows_reward || later.shows_reward,
            ..self.clone()
        })
    }

    /// Whether doing it twice is the same as doing it once: Braze counts events.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.event.is_none()
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let sets = self.email.is_some() || self.phone.is_some() || self.subscribe.is_some();
        !self.create && !sets && self.attributes.is_empty() && self.event.is_none()
    }
}

/// A custom event.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileEvent {
    /// Its name.
    pub name: String,
    /// When it happened.
    pub time: Timestamp,
    /// In which activation.
    pub scope: String,
    /// Further properties.
    pub properties: Attributes,
}

impl Command {
    /// Whether doing it twice is the same as doing it once. Braze counts events, so those are not.
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
