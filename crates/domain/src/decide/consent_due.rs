//! The consents and withdrawals that need a write of their own: those of numbers, and what comes after the end of a flow.

use std::time::Duration;

use crate::Timestamp;
use crate::attributes::Attributes;
use crate::consent::{self, Consent, ConsentProgress, ConsentWrite};
use crate::decide::consent::{self as deciding, ConsentPart, ConsentTurn};
use crate::decide::{Facts, ProfileWrite, Question, Step, Terms, reward};
use crate::ids::Channel;
use crate::participation::{Outcome, Participation, State, Target};
use crate::time::later;

/// How long a withdrawal waits if Braze does not answer questions about the consumer, and how long a profile is looked
/// for that does not show.
const ASKS_AGAIN_AFTER: Duration = Duration::from_secs(3_600);

/// The write of a consent or of its withdrawal that is due now and needs a write of its own, or what comes before it.
pub(super) fn due(
    participation: &Participation,
    terms: &Terms<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Option<Step> {
    DueConsent(ConsentTurn { participation, terms, facts, now }).due()
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

struct DueConsent<'a>(ConsentTurn<'a>);

impl DueConsent<'_> {
    fn due(&self) -> Option<Step> {
        let consent = self.0.participation.consent()?;
        // Nothing is left to write to a forgotten consumer.
        self.0.participation.contact()?;
        if let Some(step) = self.looked_for(consent) {
            return Some(step);
        }
        let due: Vec<Channel> = [Channel::Email, Channel::Sms]
            .into_iter()
            .filter(|channel| self.is_due(consent, *channel))
            .collect();
        let withdrawing: Vec<Channel> =
            due.iter().copied().filter(|channel| is_withdrawing(consent, *channel)).collect();
        // A withdrawal does not share a write with a consent.
        let due = if withdrawing.is_empty() { due } else { withdrawing };
        let first = due.first()?;
        let in_vain = due.iter().find(|channel| !self.counts(consent, **channel));
        if let Some(channel) = in_vain {
            return Some(Step::Consent(*channel, ConsentProgress::NotWritten));
        }
        if let Some(until) = self.0.facts.apart_retry_at.filter(|until| *until > self.0.now) {
            return Some(self.put_off(until));
        }
        if self.0.facts.refused.is_some() {
            return Some(self.unreadable(consent, *first));
        }
        let target = match reward::profile(self.0.participation, self.0.terms, self.0.facts, self.0.now) {
            Ok((profile, create)) => Target { profile, create },
            Err(step) => return Some(self.before_profile(*step, consent, *first)),
        };
        let mut write = ConsentWrite::default();
        for channel in due {
            match self.0.next(channel, &target) {
                ConsentPart::Nothing => {}
                ConsentPart::Write(more) => write = write.and(more),
                ConsentPart::Step(step) => return Some(*step),
                ConsentPart::Wait(until) => return Some(self.put_off(until)),
            }
        }
        Some(Step::Show { shown: self.0.participation.shown(), write: self.alone(&target, write) })
    }

    fn alone(&self, target: &Target, consent: ConsentWrite) -> ProfileWrite {
        ProfileWrite {
            create: target.create,
            email: self.0.participation.email().filter(|_| target.create).cloned(),
            consent: Some(ConsentWrite { alone: true, ..consent }),
            ..ProfileWrite::of(target.profile.clone(), Attributes::default())
        }
    }

    /// The profile that a consent was written to is gone. It is looked for on the profile that the consumer has now, and
    /// reported if it is not there: it is never written again.
    fn looked_for(&self, consent: &Consent) -> Option<Step> {
        let ConsentTurn { participation, terms, facts, .. } = self.0;
        let written = |channel: &Channel| match consent.channel(*channel)?.progress {
            ConsentProgress::Written { at } => Some((*channel, at)),
            _ => None,
        };
        let mut written = [Channel::Email, Channel::Sms].iter().filter_map(written).peekable();
        let (first, at) = *written.peek().filter(|_| participation.looks_for_consent())?;
        let lost = |channel| Some(Step::Consent(channel, ConsentProgress::NotWritten));
        let Some(rules) = terms.activation.consent.as_ref().filter(|_| facts.refused.is_none()) else {
            return lost(first);
        };
        let Some(found) = &facts.found else { return Some(Step::Ask(Question::FindProfile)) };
        for (channel, _) in written {
            let write = consent::write(rules, channel);
            let unread = |group| !facts.consent_groups.contains_key(group);
            if write.groups.iter().any(unread) {
                return Some(Step::Ask(Question::ConsentGroups { channel, groups: write.groups }));
            }
            if !deciding::shows(&found.iter().collect::<Vec<_>>(), write.email)
                || !deciding::are_subscribed(&write.groups, facts)
            {
                return lost(channel);
            }
        }
        Some(Step::Consent(first, ConsentProgress::Written { at }))
    }

    /// Whether the consent in a channel needs a write of its own now.
    fn is_due(&self, consent: &Consent, channel: Channel) -> bool {
        let Some(asked) = consent.channel(channel) else { return false };
        match asked.progress {
            ConsentProgress::Withdrawing { at } => {
                self.0.now >= later(at, self.0.terms.brand.braze.settle) && self.0.has_profile()
            }
            ConsentProgress::Pending | ConsentProgress::Attempted { .. } => match channel {
                Channel::Sms => self.is_confirmed(),
                Channel::Email if self.0.confirms_by_email() => self.is_confirmed(),
                Channel::Email | Channel::Event => self.0.has_profile(),
            },
            ConsentProgress::Stored
            | ConsentProgress::Written { .. }
            | ConsentProgress::NotWritten
            | ConsentProgress::Withdrawn { .. } => false,
        }
    }

    /// Whether the flow has ended. With double opt-in, what the consumer has not confirmed waits for the confirmation.
    fn is_confirmed(&self) -> bool {
        self.0.participation.state().is_end()
    }

    /// Whether the participation is under way, or ended in a way in which the consent in a channel counts. A withdrawal
    /// always does.
    fn counts(&self, consent: &Consent, channel: Channel) -> bool {
        match self.0.participation.state() {
            _ if is_withdrawing(consent, channel) => true,
            State::Open(_) | State::Ended(Outcome::Enrolled | Outcome::Credited) => true,
            State::Ended(Outcome::Unverified | Outcome::Expired) => {
                channel == Channel::Email && !self.0.confirms_by_email()
            }
            State::Ended(Outcome::Mismatch(_) | Outcome::Rejected { .. } | Outcome::Failed { .. }) => false,
        }
    }

    /// Braze does not answer questions about the consumer.
    fn unreadable(&self, consent: &Consent, channel: Channel) -> Step {
        if is_withdrawing(consent, channel) {
            self.put_off(later(self.0.now, ASKS_AGAIN_AFTER))
        } else {
            Step::Consent(channel, ConsentProgress::NotWritten)
        }
    }

    /// Waits, in the state that the participation has.
    fn put_off(&self, until: Timestamp) -> Step {
        match self.0.participation.state() {
            State::Open(state) => Step::Wait { state: state.clone(), until },
            State::Ended(_) => Step::Defer { shown: self.0.participation.shown(), until },
        }
    }

    /// The step that finds the profile. Without one there is nothing to write to, and nothing to take back; but a profile
    /// that was just created may not show yet.
    fn before_profile(&self, step: Step, consent: &Consent, channel: Channel) -> Step {
        let progress = consent.channel(channel).map(|asked| asked.progress);
        let (since, without) = match progress {
            Some(ConsentProgress::Withdrawing { at }) => (at, ConsentProgress::Withdrawn { at }),
            Some(_) | None => (consent.at, ConsentProgress::NotWritten),
        };
        match step {
            Step::NoProfile { until } if until < later(since, ASKS_AGAIN_AFTER) => self.put_off(until),
            Step::NoProfile { .. } | Step::Rest => Step::Consent(channel, without),
            Step::Defer { until, .. } => self.put_off(until),
            other => other,
        }
    }
}

fn is_withdrawing(consent: &Consent, channel: Channel) -> bool {
    let progress = consent.channel(channel).map(|asked| asked.progress);
    matches!(progress, Some(ConsentProgress::Withdrawing { .. }))
}
