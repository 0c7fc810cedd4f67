//! A consumer's consent to be sent messages: the answer, the text that it is about, and whether Braze has it.

mod judge;
mod page;
mod rules;

use std::fmt;

use sha2::{Digest, Sha256};

pub use judge::{Answers, InsufficientConsent, InsufficientReason, Respondent};
pub use page::{LONGEST_PAGE, Page, PageError};
pub use rules::{ByPhone, ConsentRules, Demand};

use crate::Timestamp;
use crate::ids::{Channel, SubscriptionGroup};

/// A consumer's answer when asked for consent to be sent messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The SHA-256 of that text, if the activation lists it.
    pub text: Option<TextHash>,
    /// The page on which the consumer answered.
    pub page: Option<Page>,
    /// When the consumer answered. For 15 minutes from then on, the consent is written without asking Braze whether the
    /// consumer unsubscribed meanwhile.
    pub at: Timestamp,
    /// The consent to e-mail, if there was a question about it.
    pub email: Option<ChannelConsent>,
    /// The consent to messages to the number, for the activation's further groups.
    pub sms: Option<ChannelConsent>,
    /// Whether the consumer consented to messages in the channel of taking part.
    pub given: bool,
    /// The version of the text that the consumer was shown, as the caller names it. A caller that asks with one text
    /// only may leave it out.
    pub text_id: Option<String>,
}

/// The consent to messages in one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelConsent {
    /// Whether the consumer consented.
    pub given: bool,
    /// Whether Braze has it.
    pub progress: ConsentProgress,
}

/// Whether Braze has a consent. Writing it twice could undo what the consumer did between, so an attempt is stored
/// before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentProgress {
    /// It is only stored here: the consumer declined, or the activation writes no consent.
    Stored,
    /// It is still to be written.
    Pending,
    /// A write began, and its outcome is not known.
    Attempted {
        /// When it began.
        at: Timestamp,
        /// Whether the outcome of an earlier write is not known either.
        again: bool,
    },
    /// Braze has accepted it.
    Written {
        /// When it was accepted.
        at: Timestamp,
    },
    /// It was not written: the consumer had unsubscribed, or Braze refused it.
    NotWritten,
    /// The consumer has withdrawn it, which is still to be written.
    Withdrawing {
        /// When the consumer withdrew it.
        at: Timestamp,
    },
    /// The consumer has withdrawn it, and Braze knows, if it had to.
    Withdrawn {
        /// When the consumer withdrew it.
        at: Timestamp,
    },
}

/// The SHA-256 of a consent text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextHash([u8; 32]);

impl TextHash {
    /// The hash of a text, as it is in UTF-8.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Reads 64 hexadecimal digits; `None` for anything else.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).ok().map(|()| Self(bytes))
    }
}

impl fmt::Display for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextHash({self})")
    }
}

/// Whether an address gets e-mails, in Braze's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailState {
    /// Neither opted in nor unsubscribed, which is the state of a new address.
    Subscribed,
    /// The consumer has opted in.
    OptedIn,
    /// The consumer has unsubscribed.
    Unsubscribed,
}

impl EmailState {
    /// Braze's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscribed => "subscribed",
            Self::OptedIn => "opted_in",
            Self::Unsubscribed => "unsubscribed",
        }
    }

    /// The state with this name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Subscribed, Self::OptedIn, Self::Unsubscribed];
        all.into_iter().find(|state| state.name().eq_ignore_ascii_case(name))
    }
}

/// The part of a write to a profile that carries a consent or its withdrawal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsentWrite {
    /// The state to set for e-mail, if the write is about that channel.
    pub email: Option<EmailState>,
    /// Whether the write is about the further groups of numbers.
    pub sms: bool,
    /// The groups to subscribe to, or to unsubscribe from if the state for e-mail is unsubscribed.
    pub groups: Vec<SubscriptionGroup>,
    /// Attributes that say where the consent is from.
    pub source: crate::attributes::Attributes,
    /// Whether it has a write of its own, beside those of the flow.
    pub alone: bool,
}

impl ConsentWrite {
    /// Whether it subscribes. Such a write is not repeated without reading the profile first.
    #[must_use]
    pub fn subscribes(&self) -> bool {
        self.email != Some(EmailState::Unsubscribed)
    }

    /// Joins the consents in two channels into one write.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.email = self.email.or(other.email);
        self.sms |= other.sms;
        self.groups.extend(other.groups);
        self.source = self.source.beneath(&other.source);
        self
    }
}

impl Consent {
    /// An answer of which nothing is written.
    #[must_use]
    pub fn answered(given: bool, at: Timestamp, text_id: Option<String>) -> Self {
        Self { given, at, text_id, text: None, page: None, email: None, sms: None }
    }

    /// The consent in a channel.
    #[must_use]
    pub fn channel(&self, channel: Channel) -> Option<ChannelConsent> {
        match channel {
            Channel::Email => self.email,
            Channel::Sms => self.sms,
            Channel::Event => None,
        }
    }

    /// Records whether Braze has the consent in a channel.
    pub(crate) fn set(&mut self, channel: Channel, progress: ConsentProgress) {
        let consent = match channel {
            Channel::Email => &mut self.email,
            // The consent to messages of the group that the consumer takes part with has no record of its own until it is not written.
            Channel::Sms if progress == ConsentProgress::NotWritten => {
                let given = self.given;
                self.sms.get_or_insert(ChannelConsent { given, progress });
                &mut self.sms
            }
            Channel::Sms => &mut self.sms,
            Channel::Event => return,
        };
        if let Some(consent) = consent {
            consent.progress = progress;
        }
    }

    /// Withdraws the consent to e-mail, of a consumer who takes part in a channel. Returns whether there was one to
    /// withdraw.
    pub(crate) fn withdraw(&mut self, way: Channel, now: Timestamp) -> bool {
        let stored = ChannelConsent { given: self.given, progress: ConsentProgress::Stored };
        let Some(mut email) = self.email.or((way == Channel::Email).then_some(stored)) else { return false };
        email.progress = match email.progress {
            _ if !email.given => return false,
            ConsentProgress::Withdrawing { .. } | ConsentProgress::Withdrawn { .. } => return false,
            ConsentProgress::Stored => ConsentProgress::Withdrawn { at: now },
            ConsentProgress::Pending
            | ConsentProgress::Attempted { .. }
            | ConsentProgress::Written { .. }
            | ConsentProgress::NotWritten => ConsentProgress::Withdrawing { at: now },
        };
        self.email = Some(email);
        true
    }

    /// Whether a later consent says the same, at whatever time it was given. A withdrawal stands, whatever is said later.
    pub(crate) fn is_same_answer(&self, later: &Self) -> bool {
        let given = |channel: Option<ChannelConsent>| channel.map(|channel| channel.given);
        let says = |consent: &Self| {
            (consent.given, given(consent.sms), consent.text_id.clone(), consent.text, consent.page.clone())
        };
        let email = self.withdrawal().is_some() || given(self.email) == given(later.email);
        email && says(self) == says(later)
    }

    /// Keeps an earlier withdrawal of the consent to e-mail.
    pub(crate) fn keeps_withdrawal(&mut self, earlier: &Self) {
        self.email = earlier.withdrawal().or(self.email);
    }

    /// The consent to e-mail, if it was withdrawn.
    fn withdrawal(&self) -> Option<ChannelConsent> {
        self.email.filter(|email| {
            matches!(email.progress, ConsentProgress::Withdrawing { .. } | ConsentProgress::Withdrawn { .. })
        })
    }

    /// Whether the consent in a channel was not written.
    #[must_use]
    pub fn is_not_written(&self) -> bool {
        let mut consents = self.email.into_iter().chain(self.sms);
        consents.any(|consent| consent.progress == ConsentProgress::NotWritten)
    }

    /// The word for callers that may know whether Braze has the consent; `None` if nothing is to be written.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        let consents = || self.email.into_iter().chain(self.sms);
        let any = |is: fn(ConsentProgress) -> bool| consents().any(|consent| is(consent.progress));
        if any(|progress| {
            matches!(progress, ConsentProgress::Withdrawing { .. } | ConsentProgress::Withdrawn { .. })
        }) {
            Some("withdrawn")
        } else if any(|progress| {
            matches!(progress, ConsentProgress::Pending | ConsentProgress::Attempted { .. })
        }) {
            Some("pending")
        } else if self.is_not_written() {
            Some("not_written")
        } else if any(|progress| matches!(progress, ConsentProgress::Written { .. })) {
            Some("written")
        } else {
            None
        }
    }
}

/// The write that subscribes a consumer in a channel.
pub(crate) fn write(rules: &ConsentRules, channel: Channel) -> ConsentWrite {
    let source = rules.source.clone();
    match channel {
        Channel::Sms => {
            ConsentWrite { sms: true, groups: rules.sms_groups.clone(), source, ..ConsentWrite::default() }
        }
        Channel::Email | Channel::Event => ConsentWrite {
            email: Some(rules.email_subscribe),
            groups: rules.email_groups.clone(),
            source,
            ..ConsentWrite::default()
        },
    }
}

/// The write that withdraws the consent to e-mail.
pub(crate) fn withdrawal(rules: Option<&ConsentRules>) -> ConsentWrite {
    let groups = rules.map(|rules| rules.email_groups.clone()).unwrap_or_default();
    ConsentWrite { email: Some(EmailState::Unsubscribed), groups, ..ConsentWrite::default() }
}

#[cfg(test)]
mod tests;
