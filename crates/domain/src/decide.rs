//! Decides the next step of a participation. This is a pure function; the connector performs what it says.

mod answers;
mod consent;
mod consent_due;
mod custom_event;
mod enroll;
mod find;
mod identity;
mod look;
mod opt_in;
pub mod read_back;
mod remembered;
mod reward;
mod sms;
mod take_back;
mod unanswered;

use std::collections::BTreeMap;
use std::time::Duration;

pub use identity::participant;
pub use look::{may_look, next_look};
pub use opt_in::is_polled_by_the_minute;

pub use crate::participation::step::{
    Command, NumberSubscription, ProfileEvent, ProfileWrite, Question, Step, Written,
};

use crate::Timestamp;
use crate::award::Award;
use crate::brand::{Activation, Brand, OptIn};
use crate::ids::SubscriptionGroup;
use crate::participation::{EnrollState, Open, Outcome, Participation, State, Way};
use crate::profile::{FoundProfile, ProfileHint, ProfileRef};
use crate::time::later;

/// A participation that has made no progress for this long is given up.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The terms that a participation is decided under.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The brand of the activation.
    pub brand: &'a Brand,
    /// The activation.
    pub activation: &'a Activation,
}

/// What was learned about a participation while it is processed. Everything is unknown at first.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The hint in our store about the contact's profile.
    pub known: Option<Option<ProfileHint>>,
    /// Whether Braze still has a profile that was chosen earlier.
    pub confirmed: Option<Confirmation>,
    /// Which participation may create the contact's profile.
    pub claim: Option<Claim>,
    /// The profiles that a look-up found.
    pub found: Option<Vec<FoundProfile>>,
    /// Why Braze does not answer a question about this consumer, redacted.
    pub refused: Option<String>,
    /// What Braze says about the subscription of the number, or of the address.
    pub subscription: Option<Subscription>,
    /// The states of the subscription groups that a consent is about.
    pub consent_groups: BTreeMap<SubscriptionGroup, GroupMembership>,
    /// When a write apart from the flow, such as one of a consent alone, may be tried again.
    pub apart_retry_at: Option<Timestamp>,
    /// The outcome of the last command.
    pub written: Option<Written>,
    /// Whether the profile has our custom event.
    pub recorded: Option<bool>,
    /// The participation's line in its ledger, if it has one.
    pub award: Option<Award>,
}

/// What Braze has under the identifier of a profile that was chosen earlier.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirmation {
    /// The profile that was asked for.
    pub profile: ProfileRef,
    /// What was found; nothing if the profile is gone.
    pub found: Vec<FoundProfile>,
}

/// Which participation may create a profile that is addressed by e-mail. Braze itself would not prevent a
/// second profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// This participation.
    Ours,
    /// Another one, which claimed it at this time.
    Theirs {
        /// When it was claimed.
        at: Timestamp,
    },
}

/// The state of a number or an address in the activation's subscription group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    /// Braze says that the contact is subscribed.
    Subscribed,
    /// Braze says that it is unsubscribed.
    Unsubscribed,
    /// Braze says anything else.
    NotSubscribed,
}

/// The state of a contact in a subscription group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupMembership {
    /// The contact is subscribed.
    Subscribed,
    /// The contact has unsubscribed.
    Unsubscribed,
    /// Braze knows nothing of it.
    Unknown,
}

impl Facts {
    /// Braze's own id of a profile, if the profile was found.
    #[must_use]
    pub fn braze_id_of(&self, profile: &ProfileRef) -> Option<&str> {
        let confirmed = self.confirmed.iter().flat_map(|confirmation| &confirmation.found);
        let mut found = self.found.iter().flatten().chain(confirmed);
        found.find(|found| found.is_named(profile))?.braze_id.as_deref()
    }

    /// Forgets the facts that a command makes stale: its own outcome, and what was read before it.
    pub fn before_a_command(&mut self) {
        self.written = None;
        self.recorded = None;
        self.subscription = None;
        self.consent_groups.clear();
    }
}

/// The next step of a participation, according to the facts.
#[must_use]
pub fn decide(participation: &Participation, terms: &Terms<'_>, facts: &Facts, now: Timestamp) -> Step {
    let without_former = take_back::without_former(participation, facts);
    let facts = without_former.as_ref().unwrap_or(facts);
    if let Some(question) = identity::question(participation, terms, facts) {
        return Step::Ask(question);
    }
    if let Some(resolution) = reward::resolution(participation, terms, facts) {
        return Step::Resolve(resolution);
    }
    let open = match participation.state() {
        State::Ended(_) => {
            let step = unanswered::decide(participation, terms, now)
                .or_else(|| take_back::due(participation, terms, facts, now))
                .or_else(|| consent_due::due(participation, terms, facts, now))
                .unwrap_or_else(|| reward::decide(participation, terms, facts, now));
            return consent_due::no_later(step, participation, terms, now);
        }
        State::Open(open) => open,
    };
    if now >= later(participation.accepted_at(), GIVE_UP_AFTER.saturating_add(longest_wait(terms.activation)))
    {
        return Step::Done(Outcome::Failed {
            reason: "Braze accepted nothing for 14 days beyond the activation's own waits".to_owned(),
        });
    }
    if let Some(reason) = &facts.refused {
        return Step::Done(Outcome::Rejected { reason: reason.clone() });
    }
    let step = take_back::due(participation, terms, facts, now)
        .or_else(|| consent_due::due(participation, terms, facts, now))
        .or_else(|| asks_again(participation, open, terms, facts, now));
    let step = step.unwrap_or_else(|| flow(participation, open, terms, facts, now));
    consent_due::no_later(step, participation, terms, now)
}

/// Sends the event again that asks the consumer to confirm by e-mail, if it was read back and did not arrive.
fn asks_again(
    participation: &Participation,
    open: &Open,
    terms: &Terms<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Option<Step> {
    let is_missing =
        participation.shown().flow_event.is_some() || !participation.unplaced().unreported().is_empty();
    let waits = matches!(open, Open::Enroll(EnrollState::AwaitingOptIn { .. }));
    (waits && is_missing).then(|| reward::decide(participation, terms, facts, now))
}

/// The next step of a flow that has not ended.
fn flow(
    participation: &Participation,
    open: &Open,
    terms: &Terms<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Step {
    let activation = terms.activation;
    let won = || reward::attributes(facts.award.as_ref(), &activation.rewards);
    match (participation.way(), open) {
        (Way::Email { email, .. }, Open::Enroll(state)) => match &activation.email {
            Some(offered) => {
                let update = enroll::ProfileUpdate::of_email(participation, email, offered, won());
                enroll::decide((participation, state), &update, terms, facts, now)
            }
            None => Step::NotOffered("e-mail"),
        },
        (Way::Event { event, email }, Open::Enroll(state)) => match activation.events.get(&event.name) {
            Some(offered) => {
                let update = enroll::ProfileUpdate::of_event(participation, event, email, offered, won());
                enroll::decide((participation, state), &update, terms, facts, now)
            }
            None => Step::NotOffered("this event"),
        },
        (Way::Sms { phone, email, .. }, Open::Sms(state)) => match &activation.sms {
            Some(offered) => {
                let consumer = sms::Consumer { phone, email: email.as_ref() };
                sms::decide((participation, state), consumer, (terms, offered), facts, now)
            }
            None => Step::NotOffered("mobile numbers"),
        },
        (Way::Email { .. } | Way::Event { .. }, Open::Sms(_))
        | (Way::Sms { .. }, Open::Enroll(_))
        | (Way::Forgotten(_), _) => {
            unreachable!(
                "a participation is never in a state of another way, and what is forgotten has ended"
            )
        }
    }
}

/// The longest time that the activation itself lets a consumer take.
fn longest_wait(activation: &Activation) -> Duration {
    let by_sms = match activation.sms.as_ref().map(|sms| &sms.opt_in) {
        Some(OptIn::Double { window, .. }) => *window,
        Some(OptIn::Single { .. }) | None => Duration::ZERO,
    };
    let by_email = activation.email.as_ref().and_then(|email| email.opt_in.as_ref());
    by_sms.max(by_email.map_or(Duration::ZERO, |opt_in| opt_in.window))
}

#[cfg(test)]
mod offered_tests;
#[cfg(test)]
pub(crate) mod tests;
