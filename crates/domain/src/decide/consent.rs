//! When a consent is written to Braze, and when its withdrawal is.
//!
//! A consent is written once, in the write of the flow if there is one. Later than 15 minutes after it was given, or if the
//! outcome of an earlier write is not known, Braze is asked first, and what the consumer unsubscribed from stays so.

use std::time::Duration;

use crate::Timestamp;
use crate::consent::{self, Consent, ConsentProgress, ConsentWrite, EmailState};
use crate::decide::{Facts, GroupMembership, Question, Step, Terms, answers};
use crate::ids::{Channel, SubscriptionGroup};
use crate::participation::{EnrollState, Open, Outcome, Participation, SmsState, State, Target, Way};
use crate::profile::FoundProfile;
use crate::time::later;

/// How long after it was given a consent is written without asking Braze first.
pub(super) const UNREAD_FOR: Duration = Duration::from_secs(15 * 60);

/// What a write to a profile carries of a consent.
pub(super) enum ConsentPart {
    /// Nothing.
    Nothing,
    /// This.
    Write(ConsentWrite),
    /// It is not known yet: this step comes first.
    Step(Box<Step>),
    /// It is not known before this moment.
    Wait(Timestamp),
}

/// What the flow's own write carries of the consent to e-mail.
pub(super) fn with_write(
    participation: &Participation,
    terms: &Terms<'_>,
    target: &Target,
    facts: &Facts,
    now: Timestamp,
) -> ConsentPart {
    ConsentTurn { participation, terms, facts, now }.next(Channel::Email, target)
}

/// A participation whose consent is decided.
pub(super) struct ConsentTurn<'a> {
    pub(super) participation: &'a Participation,
    pub(super) terms: &'a Terms<'a>,
    pub(super) facts: &'a Facts,
    pub(super) now: Timestamp,
}

impl ConsentTurn<'_> {
    /// Whether the flow has written everything that it writes to the profile itself.
    pub(super) fn has_profile(&self) -> bool {
        match self.participation.state() {
            State::Ended(_) => true,
            State::Open(Open::Enroll(state)) => matches!(state, EnrollState::AwaitingOptIn { .. }),
            State::Open(Open::Sms(state)) => {
                matches!(state, SmsState::AwaitingSubscription { .. } | SmsState::AwaitingOptIn { .. })
            }
        }
    }

    /// What a write to this profile carries of the consent in a channel.
    pub(super) fn next(&self, channel: Channel, target: &Target) -> ConsentPart {
        let Some(consent) = self.participation.consent() else { return ConsentPart::Nothing };
        let Some(asked) = consent.channel(channel) else { return ConsentPart::Nothing };
        let rules = self.terms.activation.consent.as_ref();
        let (rules, unread) = match (asked.progress, rules) {
            (ConsentProgress::Withdrawing { .. }, _) if !self.has_profile() => return ConsentPart::Nothing,
            (ConsentProgress::Withdrawing { .. }, rules) => {
                return ConsentPart::Write(consent::withdrawal(rules));
            }
            (ConsentProgress::Pending, Some(rules)) => {
                (rules, self.now < later(self.given_at(consent, channel), UNREAD_FOR))
            }
            (ConsentProgress::Attempted { .. }, Some(rules)) => (rules, false),
            // The brand file no longer says what to write.
            (ConsentProgress::Pending | ConsentProgress::Attempted { .. }, None) => {
                return self.is(channel, ConsentProgress::NotWritten);
            }
            (
                ConsentProgress::Stored
                | ConsentProgress::Written { .. }
                | ConsentProgress::NotWritten
                | ConsentProgress::Withdrawn { .. },
                _,
            ) => return ConsentPart::Nothing,
        };
        let write = consent::write(rules, channel);
        if unread {
            ConsentPart::Write(write)
        } else {
            self.read_first(channel, asked.progress, target, write)
        }
    }

    /// Whether the consumer takes part by e-mail and has to confirm, or had to.
    pub(super) fn confirms_by_email(&self) -> bool {
        let by_email = matches!(self.participation.way(), Way::Email { .. });
        let was_asked = matches!(
            self.participation.state(),
            State::Open(Open::Enroll(EnrollState::AwaitingOptIn { .. })) | State::Ended(Outcome::Expired)
        );
        let email = self.terms.activation.email.as_ref();
        by_email && (was_asked || email.is_some_and(|email| email.opt_in.is_some()))
    }

    /// When the consumer gave the consent. With double opt-in, that by e-mail and that to the groups of a number count from the
    /// confirmation.
    fn given_at(&self, consent: &Consent, channel: Channel) -> Timestamp {
        match channel {
            Channel::Sms => self.participation.earned_at().unwrap_or(consent.at),
            Channel::Email if self.confirms_by_email() => {
                self.participation.earned_at().unwrap_or(consent.at)
            }
            Channel::Email | Channel::Event => consent.at,
        }
    }

    /// Writes the consent unless Braze shows that the consumer has unsubscribed, or shows the consent already.
    fn read_first(
        &self,
        channel: Channel,
        progress: ConsentProgress,
        target: &Target,
        write: ConsentWrite,
    ) -> ConsentPart {
        if let ConsentProgress::Attempted { at, .. } = progress {
            let settled = later(at, self.terms.brand.braze.settle);
            if self.now < settled {
                return ConsentPart::Wait(settled);
            }
        }
        let profiles = match write.email {
            None => Vec::new(),
            Some(_) => match answers::shown(target, self.facts) {
                Ok(profiles) => profiles,
                Err(question) => return ConsentPart::Step(Box::new(Step::Ask(question))),
            },
        };
        if profiles.iter().any(|profile| profile.email_state == Some(EmailState::Unsubscribed)) {
            return self.is(channel, ConsentProgress::NotWritten);
        }
        let heeded = self.heeded(channel, &write);
        let unread = |group| !self.facts.consent_groups.contains_key(group);
        if heeded.iter().any(unread) {
            let question = Question::ConsentGroups { channel, groups: heeded };
            return ConsentPart::Step(Box::new(Step::Ask(question)));
        }
        let declined = |group| self.facts.consent_groups.get(group) == Some(&GroupMembership::Unsubscribed);
        if heeded.iter().any(declined) {
            return self.is(channel, ConsentProgress::NotWritten);
        }
        let attempted = matches!(progress, ConsentProgress::Attempted { .. });
        let shows = shows(&profiles, write.email) && are_subscribed(&write.groups, self.facts);
        if attempted && shows {
            return self.is(channel, ConsentProgress::Written { at: self.now });
        }
        ConsentPart::Write(write)
    }

    /// The groups in which a consumer who has unsubscribed stays so: those of the write, and, for a number, the one that the
    /// consumer takes part with, which a STOP is about.
    fn heeded(&self, channel: Channel, write: &ConsentWrite) -> Vec<SubscriptionGroup> {
        let own = self.terms.activation.sms.as_ref().filter(|_| channel == Channel::Sms);
        write.groups.iter().chain(own.map(|sms| &sms.group)).cloned().collect()
    }

    fn is(&self, channel: Channel, progress: ConsentProgress) -> ConsentPart {
        ConsentPart::Step(Box::new(Step::Consent(channel, progress)))
    }
}

/// Whether Braze says that the consumer is subscribed to all of these groups.
pub(super) fn are_subscribed(groups: &[SubscriptionGroup], facts: &Facts) -> bool {
    groups.iter().all(|group| facts.consent_groups.get(group) == Some(&GroupMembership::Subscribed))
}

/// Whether these profiles show the state for e-mail. An address that has opted in is subscribed, too.
pub(super) fn shows(profiles: &[&FoundProfile], wanted: Option<EmailState>) -> bool {
    let Some(wanted) = wanted else { return true };
    let shows = |profile: &&FoundProfile| {
        profile.email_state == Some(wanted) || profile.email_state == Some(EmailState::OptedIn)
    };
    !profiles.is_empty() && profiles.iter().all(shows)
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
