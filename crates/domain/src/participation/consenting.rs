//! How far the consent of a participation has come.

use super::step::{ProfileWrite, Written};
use super::{Code, Participation};
use crate::Timestamp;
use crate::consent::{ConsentProgress, ConsentWrite};
use crate::ids::Channel;

/// The channels of consents.
const CHANNELS: [Channel; 2] = [Channel::Email, Channel::Sms];

impl Participation {
    /// Withdraws the consent to e-mail, as the consumer asked; nothing else changes. If Braze must be told, it is due at
    /// `due` at the latest. Returns whether there was a consent to withdraw.
    pub fn withdraws_email(&mut self, now: Timestamp, due: Timestamp) -> bool {
        let way = self.channel();
        let withdrawn = self.0.way.consent_mut().is_some_and(|consent| consent.withdraw(way, now));
        if withdrawn {
            self.happens(Code::ConsentWithdrawn, now);
        }
        let tells = self.consent().and_then(|consent| consent.email);
        if tells.is_some_and(|email| matches!(email.progress, ConsentProgress::Withdrawing { .. }))
            && withdrawn
        {
            let due = self.0.due_at.map_or(due, |earlier| earlier.min(due));
            self.put_off(due, now);
        }
        withdrawn
    }

    /// Records what came of a write, as far as the consent in it is concerned.
    pub fn learns_of_consent(&mut self, write: &ProfileWrite, written: &Written, now: Timestamp) {
        let Some(write) = &write.consent else { return };
        for channel in channels(write) {
            let Some(before) = self.progress(channel) else { continue };
            let progress = match (before, written) {
                (ConsentProgress::Withdrawing { at }, Written::Done | Written::Refused { .. }) => {
                    ConsentProgress::Withdrawn { at }
                }
                (ConsentProgress::Attempted { .. }, Written::Done) => ConsentProgress::Written { at: now },
                (ConsentProgress::Attempted { .. }, Written::Refused { .. }) => ConsentProgress::NotWritten,
                (ConsentProgress::Attempted { again: false, .. }, Written::NotDone { .. }) => {
                    ConsentProgress::Pending
                }
                (before, _) => before,
            };
            self.consent_is(channel, progress, now);
        }
    }

    /// Records that a write with a consent begins.
    pub(super) fn attempts_consent(&mut self, write: &ProfileWrite, now: Timestamp) {
        let subscribing = write.consent.as_ref().filter(|consent| consent.subscribes());
        for channel in subscribing.into_iter().flat_map(channels) {
            let again = matches!(self.progress(channel), Some(ConsentProgress::Attempted { .. }));
            self.consent_is(channel, ConsentProgress::Attempted { at: now, again }, now);
        }
    }

    /// Records what became of a consent: that it was not written, or that it is where it belongs after it was looked for.
    pub(super) fn knows_of_consent(&mut self, channel: Channel, progress: ConsentProgress, now: Timestamp) {
        self.consent_is(channel, progress, now);
        let is_written = |channel| matches!(self.progress(channel), Some(ConsentProgress::Written { .. }));
        let settled =
            matches!(progress, ConsentProgress::Written { .. }) || !CHANNELS.into_iter().any(is_written);
        if settled {
            self.looked_for_consent();
        }
    }

    /// The profile that the consents were written to is gone, and they are looked for no longer.
    pub(super) fn loses_consents(&mut self, now: Timestamp) {
        for channel in CHANNELS {
            if matches!(self.progress(channel), Some(ConsentProgress::Written { .. })) {
                self.consent_is(channel, ConsentProgress::NotWritten, now);
            }
        }
    }

    /// Whether it was found that a consent is not written, and this is to be reported.
    #[must_use]
    pub fn has_unreported_consent(&self) -> bool {
        self.0.unreported_consent
    }

    /// It was reported that a consent is not written.
    pub fn consent_is_reported(&mut self) {
        self.0.unreported_consent = false;
    }

    fn progress(&self, channel: Channel) -> Option<ConsentProgress> {
        self.consent()?.channel(channel).map(|consent| consent.progress)
    }

    pub(super) fn consent_is(&mut self, channel: Channel, progress: ConsentProgress, now: Timestamp) {
        if let Some(consent) = self.0.way.consent_mut() {
            let before = consent.is_not_written();
            consent.set(channel, progress);
            self.0.unreported_consent |= !before && consent.is_not_written();
            self.0.updated_at = now;
        }
    }
}

/// The channels that a write is about.
fn channels(write: &ConsentWrite) -> impl Iterator<Item = Channel> {
    let email = write.email.is_some().then_some(Channel::Email);
    email.into_iter().chain(write.sms.then_some(Channel::Sms))
}
