//! When a consent is written to Braze, and when its withdrawal is.
//!
//! A consent is written once, in the write of the flow if there is one. Later than 15 minutes after it was given, or if the
//! outcome of an earlier write is not known, Braze is asked first, and what the consumer unsubscribed from stays so.

use std::time::Duration;

use crate::Timestamp;
use crate::consent::{self, Consent, ConsentProgress, ConsentWrite, EmailState};
use crate::decide::{Facts, GroupMembership, ProfileWrite, Question, Step, Terms, answers, reward};
use crate::ids::Channel;
use crate::participation::{Open, Outcome, Participation, SmsState, State, Target};
use crate::profile::FoundProfile;
use crate::time::later;

/// How long after it was given a consent is written without asking Braze first.
const UNREAD_FOR: Duration = Duration::from_secs(15 * 60);

/// How long a withdrawal waits if Braze does not answer questions about the consumer.
const ASKS_AGAIN_AFTER: Duration = Duration::from_secs(3_600);

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
    Consenting { participation, terms, facts, now }.next(Channel::Email, target)
}

/// The write of a consent or of its withdrawal that is due now and needs a write of its own, or what comes before it.
pub(super) fn due(
    participation: &Participation,
    terms: &Terms<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Option<Step> {
    Consenting { participation, terms, facts, now }.due()
}

/// The step, which does not put the participation off until after its withdrawal is due.
pub(super) fn no_later(step: Step, participation: &Participation, terms: &Terms<'_>, now: Timestamp) -> Step {
    let email = participation.consent().and_then(|consent| consent.email);
    let Some(ConsentProgress::Withdrawing { at }) = email.map(|email| email.progress) else { return step };
    let due = later(at, terms.brand.braze.settle);
    if due <= now {
        return step;
    }
    match step {
        Step::Wait { state, until } => Step::Wait { state, until: until.min(due) },
        Step::Defer { shown, until } => Step::Defer { shown, until: until.min(due) },
        Step::Rest => Step::Defer { shown: participation.shown(), until: due },
        other => other,
    }
}

struct Consenting<'a> {
    participation: &'a Participation,
    terms: &'a Terms<'a>,
    facts: &'a Facts,
    now: Timestamp,
}

impl Consenting<'_> {
    fn due(&self) -> Option<Step> {
        let consent = self.participation.consent()?;
        // Nothing is left to write to a forgotten consumer.
        self.participation.contact()?;
        let due: Vec<Channel> = [Channel::Email, Channel::Sms]
            .into_iter()
            .filter(|channel| self.is_due(consent, *channel))
            .collect();
        let first = due.first()?;
        let in_vain = due.iter().find(|channel| !self.counts(consent, **channel));
        if let Some(channel) = in_vain {
            return Some(Step::Consent(*channel, ConsentProgress::NotWritten));
        }
        if let Some(until) = self.facts.consent_retry_at.filter(|until| *until > self.now) {
            return Some(self.put_off(until));
        }
        if self.facts.refused.is_some() {
            return Some(self.unreadable(consent, *first));
        }
        let target = match reward::profile(self.participation, self.terms, self.facts, self.now) {
            Ok((profile, create)) => Target { profile, create },
            Err(step) if *step == Step::Rest => return Some(Self::without_profile(consent, *first)),
            Err(step) => return Some(self.in_flow(*step)),
        };
        let mut write = ConsentWrite::default();
        for channel in due {
            match self.next(channel, &target) {
                ConsentPart::Nothing => {}
                ConsentPart::Write(more) => write = write.and(more),
                ConsentPart::Step(step) => return Some(*step),
                ConsentPart::Wait(until) => return Some(self.put_off(until)),
            }
        }
        Some(Step::Show { shown: self.participation.shown(), write: self.alone(&target, write) })
    }

    fn alone(&self, target: &Target, consent: ConsentWrite) -> ProfileWrite {
        ProfileWrite {
            create: target.create,
            email: self.participation.email().filter(|_| target.create).cloned(),
            consent: Some(ConsentWrite { alone: true, ..consent }),
            ..ProfileWrite::of(target.profile.clone(), crate::attributes::Attributes::default())
        }
    }

    /// Whether the consent in a channel needs a write of its own now.
    fn is_due(&self, consent: &Consent, channel: Channel) -> bool {
        let Some(asked) = consent.channel(channel) else { return false };
        match asked.progress {
            ConsentProgress::Withdrawing { at } => {
                self.now >= later(at, self.terms.brand.braze.settle) && self.has_profile()
            }
            ConsentProgress::Pending | ConsentProgress::Attempted { .. } => match channel {
                Channel::Sms => self.is_confirmed(),
                Channel::Email | Channel::Event => self.has_profile(),
            },
            ConsentProgress::Stored
            | ConsentProgress::Written { .. }
            | ConsentProgress::NotWritten
            | ConsentProgress::Withdrawn { .. } => false,
        }
    }

    /// Whether the flow has written everything that it writes to the profile itself.
    fn has_profile(&self) -> bool {
        match self.participation.state() {
            State::Ended(_) => true,
            State::Open(Open::Enroll(_)) => false,
            State::Open(Open::Sms(state)) => {
                matches!(state, SmsState::AwaitingSubscription { .. } | SmsState::AwaitingOptIn { .. })
            }
        }
    }

    /// Whether the flow of a number has ended. With double opt-in, the further groups wait for the confirmation, too.
    fn is_confirmed(&self) -> bool {
        self.participation.state().is_end()
    }

    /// What a write to this profile carries of the consent in a channel.
    fn next(&self, channel: Channel, target: &Target) -> ConsentPart {
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

    /// When the consumer gave the consent. With double opt-in, that to the groups of a number counts from its confirmation.
    fn given_at(&self, consent: &Consent, channel: Channel) -> Timestamp {
        match channel {
            Channel::Sms => self.participation.earned_at().unwrap_or(consent.at),
            Channel::Email | Channel::Event => consent.at,
        }
    }

    /// Whether the participation is under way, or ended in a way in which the consent in a channel counts. A withdrawal
    /// always does.
    fn counts(&self, consent: &Consent, channel: Channel) -> bool {
        match self.participation.state() {
            _ if is_withdrawing(consent, channel) => true,
            State::Open(_) | State::Ended(Outcome::Enrolled | Outcome::Credited) => true,
            State::Ended(Outcome::Unverified | Outcome::Expired) => channel == Channel::Email,
            State::Ended(Outcome::Mismatch(_) | Outcome::Rejected { .. } | Outcome::Failed { .. }) => false,
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
        let unread = |group| !self.facts.consent_groups.contains_key(group);
        if write.groups.iter().any(unread) {
            let question = Question::ConsentGroups { channel, groups: write.groups };
            return ConsentPart::Step(Box::new(Step::Ask(question)));
        }
        let is = |wanted| move |group| self.facts.consent_groups.get(group) == Some(&wanted);
        if write.groups.iter().any(is(GroupMembership::Unsubscribed)) {
            return self.is(channel, ConsentProgress::NotWritten);
        }
        let attempted = matches!(progress, ConsentProgress::Attempted { .. });
        let shows = shows(&profiles, write.email) && write.groups.iter().all(is(GroupMembership::Subscribed));
        if attempted && shows {
            return self.is(channel, ConsentProgress::Written { at: self.now });
        }
        ConsentPart::Write(write)
    }

    fn is(&self, channel: Channel, progress: ConsentProgress) -> ConsentPart {
        ConsentPart::Step(Box::new(Step::Consent(channel, progress)))
    }

    /// The consumer has no profile, so there is nothing to write to, and nothing to take back.
    fn without_profile(consent: &Consent, channel: Channel) -> Step {
        let progress = match consent.channel(channel).map(|asked| asked.progress) {
            Some(ConsentProgress::Withdrawing { at }) => ConsentProgress::Withdrawn { at },
            Some(_) | None => ConsentProgress::NotWritten,
        };
        Step::Consent(channel, progress)
    }

    /// Braze does not answer questions about the consumer.
    fn unreadable(&self, consent: &Consent, channel: Channel) -> Step {
        if is_withdrawing(consent, channel) {
            self.put_off(later(self.now, ASKS_AGAIN_AFTER))
        } else {
            Step::Consent(channel, ConsentProgress::NotWritten)
        }
    }

    /// Waits, in the state that the participation has.
    fn put_off(&self, until: Timestamp) -> Step {
        match self.participation.state() {
            State::Open(state) => Step::Wait { state: state.clone(), until },
            State::Ended(_) => Step::Defer { shown: self.participation.shown(), until },
        }
    }

    /// The step that finds the profile, if the flow is still open.
    fn in_flow(&self, step: Step) -> Step {
        match step {
            Step::Defer { until, .. } => self.put_off(until),
            other => other,
        }
    }
}

fn is_withdrawing(consent: &Consent, channel: Channel) -> bool {
    let progress = consent.channel(channel).map(|asked| asked.progress);
    matches!(progress, Some(ConsentProgress::Withdrawing { .. }))
}

/// Whether these profiles show the state for e-mail. An address that has opted in is subscribed, too.
fn shows(profiles: &[&FoundProfile], wanted: Option<EmailState>) -> bool {
    let Some(wanted) = wanted else { return true };
    let shows = |profile: &&FoundProfile| {
        profile.email_state == Some(wanted) || profile.email_state == Some(EmailState::OptedIn)
    };
    !profiles.is_empty() && profiles.iter().all(shows)
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
