//! The deciding half: what is the next step of a participation? One pure function; the connector does what it says.

mod event;
mod find;
mod mark;
mod reward;
mod sms;
mod unanswered;

use std::time::Duration;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::award::{Award, Verdict};
use crate::brand::{Activation, Brand, OptIn, SubscriptionGroup};
use crate::contact::{Contact, Email, Phone};
use crate::participation::{Outcome, Participation, Shown, State};
use crate::profile::{Alias, FoundProfile, KnownProfile, ProfileRef};
use crate::time::later;

/// A participation that has got nowhere for so long is given up.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What a participation is decided under.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Whose activation it is.
    pub brand: &'a Brand,
    /// The activation.
    pub activation: &'a Activation,
}

/// What has been learned while a participation is being looked at. Everything starts unknown.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What our store remembers of the contact's profile.
    pub known: Option<Option<KnownProfile>>,
    /// Who may create the contact's profile.
    pub claim: Option<Claim>,
    /// The profiles that a look-up found.
    pub found: Option<Vec<FoundProfile>>,
    /// Why Braze will not answer a question about this consumer, redacted.
    pub refused: Option<String>,
    /// What Braze says of the number's subscription.
    pub subscription: Option<Subscription>,
    /// What became of the last command.
    pub written: Option<Written>,
    /// Whether the profile carries our custom event.
    pub recorded: Option<bool>,
    /// The participation's line in its ledger, where it has one.
    pub award: Option<Award>,
}

/// Who may create a profile that is addressed by e-mail, where Braze itself would not stop a second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// This participation.
    Ours,
    /// Another one, which claimed it at this time.
    Theirs {
        /// When.
        at: Timestamp,
    },
}

/// A number's state in the activation's subscription group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    /// Braze says that it is subscribed.
    Subscribed,
    /// Braze says anything else.
    NotSubscribed,
}

impl Facts {
    /// Forgets what a command makes stale: its own outcome, and what was read before it.
    pub fn before_a_command(&mut self) {
        self.written = None;
        self.recorded = None;
        self.subscription = None;
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Braze has taken it.
    Done,
    /// Braze refuses it for good.
    Refused {
        /// Why, redacted.
        reason: String,
    },
    /// Surely not done; to be tried again then.
    NotDone {
        /// When.
        retry_at: Timestamp,
    },
    /// Nobody knows; not to be tried again before then.
    Unknown {
        /// When.
        retry_at: Timestamp,
    },
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Find something out.
    Ask(Question),
    /// Have Braze do something.
    Tell {
        /// What the participation is while this is under way. It must be saved *before* a command that cannot be repeated.
        state: State,
        /// What to do.
        command: Command,
    },
    /// Have the ledger say what the participation has won, or take back what was kept for it. Doing it twice is doing it once.
    Settle(Verdict),
    /// Have the profile show what was won, the flow being over.
    Show {
        /// How far that is while it is under way. It must be saved *before* a command that cannot be repeated.
        shown: Shown,
        /// What to do.
        command: Command,
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
        state: State,
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
    KnownProfile,
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
            Self::Write(write) => write.event.is_none(),
            Self::Subscribe { .. } => true,
        }
    }
}

/// The next step of a participation, by what is known of it.
#[must_use]
pub fn decide(participation: &Participation, terms: &Terms<'_>, facts: &Facts, now: Timestamp) -> Step {
    if let Some(verdict) = reward::verdict(participation, facts) {
        return Step::Settle(verdict);
    }
    if participation.state.is_end() {
        return unanswered::decide(participation, terms, now)
            .unwrap_or_else(|| reward::decide(participation, terms, facts, now));
    }
    if now >= later(participation.accepted_at, GIVE_UP_AFTER.saturating_add(longest_wait(terms.activation))) {
        return Step::Done(Outcome::Failed {
            reason: "Braze took nothing for 14 days beyond the activation's own waits".to_owned(),
        });
    }
    if let Some(reason) = &facts.refused {
        return Step::Done(Outcome::Rejected { reason: reason.clone() });
    }
    let activation = terms.activation;
    let won = reward::attributes(facts.award.as_ref(), &activation.rewards);
    match (&participation.contact, &participation.event) {
        (Contact::Email(address), Some(event)) => match activation.events.get(&event.name) {
            Some(marks) => {
                let marks = mark::Marks::of_event(participation, event, address, marks, won);
                mark::decide(participation, &marks, terms.brand, facts, now)
            }
            None => Step::NotOffered("this event"),
        },
        (Contact::Email(address), None) => match &activation.email {
            Some(marks) => {
                let marks = mark::Marks::of_email(participation, address, marks, won);
                mark::decide(participation, &marks, terms.brand, facts, now)
            }
            None => Step::NotOffered("e-mail"),
        },
        (Contact::Phone { phone, email }, _) => match &activation.sms {
            Some(sms) => {
                let consumer = sms::Consumer { phone, email: email.as_ref() };
                sms::decide(participation, consumer, terms.brand, sms, facts, now)
            }
            None => Step::NotOffered("mobile numbers"),
        },
    }
}

/// How long the activation itself lets a consumer take.
fn longest_wait(activation: &Activation) -> Duration {
    match activation.sms.as_ref().map(|sms| &sms.opt_in) {
        Some(OptIn::Double { window, .. }) => *window,
        Some(OptIn::Single { .. }) | None => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod joined_tests;
