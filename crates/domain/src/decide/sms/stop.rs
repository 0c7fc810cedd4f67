//! A consumer may say STOP after the consent. A number that is subscribed late stays unsubscribed then.

use super::SmsFlow;
use crate::brand::OptIn;
use crate::consent::ConsentProgress;
use crate::decide::consent::UNREAD_FOR;
use crate::decide::{Step, Subscription};
use crate::ids::Channel;
use crate::participation::Outcome;
use crate::time::later;

impl SmsFlow<'_> {
    /// Whether the consumer gave the consent so long ago that a subscription which it allows must heed a STOP. With a double
    /// opt-in the consumer consents anew, by confirming.
    pub(super) fn is_late(&self) -> bool {
        let is_single = matches!(self.activation.opt_in, OptIn::Single { .. });
        let consent = self.participation.consent();
        is_single && consent.is_some_and(|consent| self.now >= later(consent.at, UNREAD_FOR))
    }

    /// What comes instead of a late subscription: Braze is asked first, and what the consumer unsubscribed from stays so.
    pub(super) fn heeds_stop(&self) -> Option<Step> {
        if !self.is_late() {
            return None;
        }
        match self.facts.subscription {
            None => Some(self.ask_subscription()),
            Some(Subscription::Subscribed) => Some(Step::Done(Outcome::Credited)),
            Some(Subscription::Unsubscribed) => Some(self.stays_unsubscribed()),
            Some(Subscription::NotSubscribed) => None,
        }
    }

    /// The consent is not written, and the participation ends without a credit.
    pub(super) fn stays_unsubscribed(&self) -> Step {
        let consent = self.participation.consent().and_then(|consent| consent.sms);
        if consent.is_some_and(|consent| consent.progress == ConsentProgress::NotWritten) {
            Step::Done(Outcome::Unverified)
        } else {
            Step::Consent(Channel::Sms, ConsentProgress::NotWritten)
        }
    }
}
