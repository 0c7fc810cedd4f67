//! The deciding half: what is the next step of a participation? One pure function; the connector does what it says.

mod email;
mod event;
mod sms;

use std::time::Duration;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::brand::{Activation, Brand, OptIn, SubscriptionGroup};
use crate::contact::{Contact, Email, Phone};
use crate::participation::{Outcome, Participation, State};
use crate::profile::{FoundProfile, KnownProfile, ProfileRef};

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
    /// Nothing to do before `until`.
    Wait {
        /// What the participation is while it waits.
        state: State,
        /// When to look again.
        until: Timestamp,
    },
    /// It has ended.
    Done(Outcome),
}

/// Something to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Does our store know the contact's profile?
    KnownProfile,
    /// May this participation create the contact's profile?
    Claim,
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
}

/// A custom event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileEvent {
    /// Its name.
    pub name: String,
    /// When it happened.
    pub time: Timestamp,
    /// In which activation.
    pub scope: String,
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
    if let Some(done) = ended(&participation.state) {
        return Step::Done(done);
    }
    if now >= participation.accepted_at + GIVE_UP_AFTER + longest_wait(terms.activation) {
        return Step::Done(Outcome::Failed { reason: "Braze took nothing for 14 days".to_owned() });
    }
    if let Some(reason) = &facts.refused {
        return Step::Done(Outcome::Rejected { reason: reason.clone() });
    }
    let Terms { brand, activation } = *terms;
    match (&participation.contact, &activation.email, &activation.sms) {
        (Contact::Email(address), Some(email), _) => {
            email::decide(participation, address, brand, email, facts, now)
        }
        (Contact::Phone { phone, email }, _, Some(sms)) => {
            let consumer = sms::Consumer { phone, email: email.as_ref() };
            sms::decide(participation, consumer, brand, sms, facts, now)
        }
        (Contact::Email(_), None, _) => no_longer("e-mail"),
        (Contact::Phone { .. }, _, None) => no_longer("mobile numbers"),
    }
}

fn no_longer(what: &str) -> Step {
    Step::Done(Outcome::Failed { reason: format!("the activation no longer takes {what}") })
}

fn ended(state: &State) -> Option<Outcome> {
    match state {
        State::Enrolled => Some(Outcome::Enrolled),
        State::Credited => Some(Outcome::Credited),
        State::Unverified => Some(Outcome::Unverified),
        State::Expired => Some(Outcome::Expired),
        State::Rejected { reason } => Some(Outcome::Rejected { reason: reason.clone() }),
        State::Failed { reason } => Some(Outcome::Failed { reason: reason.clone() }),
        State::Received
        | State::Enrolling { .. }
        | State::Settling { .. }
        | State::Subscribing { .. }
        | State::AwaitingSubscription { .. }
        | State::AwaitingOptIn { .. } => None,
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
