//! What a consumer with a number gave besides the number. Until the consumer has confirmed, it is only a claim by the
//! last sender, since anybody can send a number.

use std::time::Duration;

use super::step::{ProfileWrite, Written};
use super::{AskingWrite, Code, EventProgress, Open, Participation, SmsState, State, Way};
use crate::Timestamp;
use crate::award::Participant;
use crate::consent::{Consent, ConsentProgress};
use crate::id_key::IdKey;
use crate::ids::ContactKey;
use crate::profile::{FoundProfile, ProfileRef};
use crate::time::later;

/// The most profiles of replaced details that a participation remembers.
const MOST_FORMER: usize = 8;

/// What is kept of details that were replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Replaced {
    /// When the details were last replaced.
    pub at: Timestamp,
    /// The first consent. The one that counts is the latest.
    pub first_consent: Consent,
    /// When the consumer was asked to confirm. The consumer is not asked again.
    pub asked_at: Option<Timestamp>,
    /// Whether the consumer is asked once more, because the first question may not have arrived.
    pub asks_again: bool,
    /// The profiles that got the number because of details that were replaced.
    pub former: Vec<FormerProfile>,
}

/// A profile that got the number because of details that were replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerProfile {
    /// The key of the contact that led to the profile.
    pub contact: ContactKey,
    /// The profile.
    pub profile: ProfileRef,
    /// Whether the number was taken back from it.
    pub taken_back: bool,
    /// Whether the consent to e-mail was withdrawn before, and Braze must still be told.
    pub withdraws: bool,
}

impl Participation {
    /// What is kept of earlier details, if any were replaced.
    #[must_use]
    pub fn replaced(&self) -> Option<&Replaced> {
        self.0.replaced.as_ref()
    }

    /// Whether a request for this number may replace the details: the consumer has not confirmed yet.
    #[must_use]
    pub fn has_open_details(&self) -> bool {
        matches!((&self.0.way, &self.0.state), (Way::Sms { .. }, State::Open(Open::Sms(_))))
    }

    /// Replaces the details with those of a later request for the same number, if they differ and the consumer has not
    /// confirmed yet. The flow begins anew, and Braze has certainly applied a question after `settle`. Returns whether
    /// anything changed.
    pub fn replaces_details(
        &mut self,
        later_request: &Self,
        settle: Duration,
        id_key: &IdKey,
        now: Timestamp,
    ) -> bool {
        let (Way::Sms { email, consent, .. }, Way::Sms { email: new_email, consent: new_consent, .. }) =
            (&self.0.way, &later_request.0.way)
        else {
            return false;
        };
        let moves = email != new_email;
        let consents = !consent.is_same_answer(new_consent);
        let differs = moves || consents || self.0.attributes != later_request.0.attributes;
        let Some(contact) = self.contact_key(id_key) else { return false };
        if !differs || !self.has_open_details() || (moves && self.loses_a_withdrawal()) {
            return false;
        }
        let first_consent = match &self.0.replaced {
            Some(replaced) => replaced.first_consent.clone(),
            None => self.0.way.nameless_consent(consent.clone()),
        };
        let (asked_at, asks_again) = self.asked(settle, now);
        let mut former = self.0.replaced.take().map(|replaced| replaced.former).unwrap_or_default();
        let gave_number_to = self.0.gave_number_to.take();
        let had_email = email.is_some();
        let consent = match (moves, consents) {
            (true, _) => new_consent.clone(),
            (false, false) => consent.clone(),
            (false, true) => {
                let mut latest = new_consent.clone();
                latest.keeps_withdrawal(consent);
                latest
            }
        };
        let withdraws = moves && self.is_withdrawing();
        match gave_number_to {
            Some(profile) if moves && had_email => {
                former.retain(|one| one.profile != profile);
                former.push(FormerProfile { contact, profile, taken_back: false, withdraws });
            }
            kept => self.0.gave_number_to = kept,
        }
        if let Way::Sms { email, consent: kept, .. } = &mut self.0.way {
            email.clone_from(&later_request.email().cloned());
            *kept = consent;
        }
        self.0.attributes = later_request.0.attributes.clone();
        let contact = self.contact_key(id_key);
        // The number is not taken back from the profile of the address that is given again.
        if let Some(again) = former.iter().position(|one| Some(one.contact) == contact && !one.taken_back) {
            self.0.gave_number_to = Some(former.remove(again).profile);
        }
        former.drain(..former.len().saturating_sub(MOST_FORMER));
        self.0.replaced = Some(Replaced { at: now, first_consent, asked_at, asks_again, former });
        self.0.who = Participant { contact, ..Participant::default() };
        self.happens(Code::DetailsReplaced, now);
        self.begins_anew(now);
        true
    }

    /// The flow begins anew, under the details that it has now.
    fn begins_anew(&mut self, now: Timestamp) {
        let kept = &mut self.0;
        kept.state = State::Open(Open::Sms(SmsState::Received));
        kept.failures = 0;
        kept.held_up = None;
        kept.slot = None;
        kept.no_such_alias = false;
        self.put_off(now, now);
    }

    /// When the consumer was asked to confirm, if the question has certainly arrived or was put twice, and whether it was
    /// put twice or is put again.
    fn asked(&self, settle: Duration, now: Timestamp) -> (Option<Timestamp>, bool) {
        let earlier = self.0.replaced.as_ref();
        let asked_again = earlier.is_some_and(|replaced| replaced.asks_again);
        if let Some(at) = earlier.and_then(|replaced| replaced.asked_at) {
            return (Some(at), asked_again);
        }
        let (at, is_certain) = match &self.0.state {
            State::Open(Open::Sms(SmsState::AwaitingOptIn { since, asked_by })) => {
                (*since, !matches!(asked_by, Some(AskingWrite { .. })) && later(*since, settle) <= now)
            }
            State::Open(Open::Sms(
                SmsState::Enrolling { event: EventProgress::Attempted { at, .. }, .. }
                | SmsState::Subscribing { event: EventProgress::Attempted { at, .. }, .. },
            )) => (*at, false),
            State::Open(Open::Sms(_) | Open::Enroll(_)) | State::Ended(_) => return (None, asked_again),
        };
        if is_certain || asked_again { (Some(at), asked_again) } else { (None, true) }
    }

    fn is_withdrawing(&self) -> bool {
        let email = self.consent().and_then(|consent| consent.email);
        email.is_some_and(|email| matches!(email.progress, ConsentProgress::Withdrawing { .. }))
    }

    /// Whether Braze is still to be told of a withdrawal, on a profile that the new details do not lead to.
    fn loses_a_withdrawal(&self) -> bool {
        let writes_consent = matches!(
            self.0.state,
            State::Open(Open::Sms(SmsState::AwaitingSubscription { .. } | SmsState::AwaitingOptIn { .. }))
        );
        self.is_withdrawing() && writes_consent && self.0.gave_number_to.is_none()
    }

    /// Records that a write gives the number to a profile, which did not have it.
    pub(super) fn gives_number(&mut self, write: &ProfileWrite) {
        // A repeated write cannot know what the profile had before the first.
        let is_first = !matches!(
            &self.0.state,
            State::Open(Open::Sms(SmsState::Enrolling { target, .. })) if target.profile == write.profile
        );
        if write.phone.is_some() && is_first && self.has_open_details() {
            self.0.gave_number_to = Some(write.profile.clone());
        }
    }

    /// Records what came of a write that takes the number back.
    pub fn learns_of_number(&mut self, write: &ProfileWrite, written: &Written) {
        let is_over = matches!(written, Written::Done | Written::Refused { .. });
        let former = self.0.replaced.iter_mut().flat_map(|replaced| &mut replaced.former);
        for one in former.filter(|one| write.takes_number && is_over && one.profile == write.profile) {
            one.taken_back = true;
        }
    }

    /// Whether the number was taken back from a profile, or will be.
    pub(crate) fn takes_back_from(&self, profile: &ProfileRef) -> bool {
        let mut former = self.0.replaced.iter().flat_map(|replaced| &replaced.former);
        former.any(|one| one.profile == *profile)
    }

    /// The next profile that the number is to be taken back from.
    pub(crate) fn takes_back_next(&self) -> Option<&FormerProfile> {
        self.0.replaced.iter().flat_map(|replaced| &replaced.former).find(|one| !one.taken_back)
    }

    /// Whether a profile that was found belongs to details that were replaced.
    pub(crate) fn is_of_former_details(&self, found: &FoundProfile) -> bool {
        let current = self.0.who.contact;
        let mut former = self.0.replaced.iter().flat_map(|replaced| &replaced.former);
        former.any(|one| Some(one.contact) != current && found.is_named(&one.profile))
    }

    /// The profiles that replaced details led to.
    pub(crate) fn former_profiles(&self) -> impl Iterator<Item = &ProfileRef> {
        self.0.replaced.iter().flat_map(|replaced| &replaced.former).map(|one| &one.profile)
    }

    /// Erases the profiles of replaced details that name somebody.
    pub(crate) fn forget_former(&mut self, names: impl Fn(&ProfileRef) -> bool) {
        if let Some(replaced) = &mut self.0.replaced {
            replaced.former.retain(|one| !names(&one.profile));
        }
    }
}

#[cfg(test)]
#[path = "details_tests.rs"]
mod tests;
