//! How a consumer takes part.

use crate::Timestamp;
use crate::contact::{Contact, Email, Phone};
use crate::ids::{Channel, ContactKey};
use crate::profile::ProfileRef;

/// How a consumer takes part, and what they gave for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// With an e-mail address.
    Email {
        /// The address.
        email: Email,
        /// What the consumer said about being sent messages, if they were asked.
        consent: Option<Consent>,
    },
    /// With a mobile number.
    Sms {
        /// The number.
        phone: Phone,
        /// An address to find the profile by.
        email: Option<Email>,
        /// The consent to be sent messages, without which nobody takes part by number.
        consent: Consent,
    },
    /// By something that Braze told us of.
    Event {
        /// What Braze told us of.
        event: BrazeEvent,
        /// The address of whom it happened to.
        email: Email,
    },
    /// In one of these ways, by somebody who was forgotten since.
    Forgotten(Forgotten),
}

/// What Braze told us of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrazeEvent {
    /// The event's name.
    pub name: String,
    /// The profile, where Braze named it.
    pub profile: Option<ProfileRef>,
    /// When Braze sent what the consumer answered to, where it says so.
    pub sent_at: Option<Timestamp>,
}

/// What a consumer said when asked for consent to be sent messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Whether they said yes.
    pub given: bool,
    /// When they said it.
    pub at: Timestamp,
    /// Which version of the text was put to them, as the caller names it.
    pub text_id: Option<String>,
}

/// What is kept of how somebody took part who was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// The event, without the profile that it happened to.
    pub event: Option<ForgottenEvent>,
    /// What the consumer said about being sent messages.
    pub consent: Option<Consent>,
    /// Keyed hashes of the contacts: should the person come back with a claim, the consent can be proved.
    pub proof: Vec<ContactKey>,
}

/// What is kept of an event that happened to somebody who was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgottenEvent {
    /// The event's name.
    pub name: String,
    /// When Braze sent what the consumer answered to, where it says so.
    pub sent_at: Option<Timestamp>,
}

impl Way {
    /// The address, where there is one.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Email { email, .. } | Self::Event { email, .. } => Some(email),
            Self::Sms { email, .. } => email.as_ref(),
            Self::Forgotten(_) => None,
        }
    }

    /// The number, where there is one.
    #[must_use]
    pub fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Sms { phone, .. } => Some(phone),
            Self::Email { .. } | Self::Event { .. } | Self::Forgotten(_) => None,
        }
    }

    /// How the consumer can be reached; nobody can reach somebody who was forgotten.
    #[must_use]
    pub fn contact(&self) -> Option<Contact> {
        match self {
            Self::Email { email, .. } | Self::Event { email, .. } => Some(Contact::Email(email.clone())),
            Self::Sms { phone, email, .. } => {
                Some(Contact::Phone { phone: phone.clone(), email: email.clone() })
            }
            Self::Forgotten(_) => None,
        }
    }

    /// What Braze told us of, where it was that.
    #[must_use]
    pub fn event(&self) -> Option<&BrazeEvent> {
        match self {
            Self::Event { event, .. } => Some(event),
            Self::Email { .. } | Self::Sms { .. } | Self::Forgotten(_) => None,
        }
    }

    /// What the consumer said about being sent messages.
    #[must_use]
    pub fn consent(&self) -> Option<&Consent> {
        match self {
            Self::Email { consent, .. } | Self::Forgotten(Forgotten { consent, .. }) => consent.as_ref(),
            Self::Sms { consent, .. } => Some(consent),
            Self::Event { .. } => None,
        }
    }

    /// Its channel. Of somebody who was forgotten nothing is known but whether it was an event.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match self {
            Self::Email { .. } | Self::Forgotten(Forgotten { event: None, .. }) => Channel::Email,
            Self::Sms { .. } => Channel::Sms,
            Self::Event { .. } | Self::Forgotten(Forgotten { event: Some(_), .. }) => Channel::Event,
        }
    }

    /// The same without anything that says whose it is, but for keyed hashes of the contacts.
    pub(super) fn forgotten(&self, proof: Vec<ContactKey>) -> Forgotten {
        match self {
            Self::Email { consent, .. } => {
                Forgotten { event: None, consent: self.nameless(consent.clone()), proof }
            }
            Self::Sms { consent, .. } => {
                Forgotten { event: None, consent: self.nameless(Some(consent.clone())), proof }
            }
            Self::Event { event, .. } => {
                let event = ForgottenEvent { name: event.name.clone(), sent_at: event.sent_at };
                Forgotten { event: Some(event), consent: None, proof }
            }
            Self::Forgotten(forgotten) => forgotten.clone(),
        }
    }

    /// The name of a text is the caller's, who may have put anything there.
    fn nameless(&self, consent: Option<Consent>) -> Option<Consent> {
        consent.map(|consent| Consent {
            text_id: consent.text_id.filter(|text| !self.is_named_in(text)),
            ..consent
        })
    }

    fn is_named_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        self.email().is_some_and(|email| text.contains(&email.as_str().to_lowercase()))
            || self.phone().is_some_and(|phone| digits.contains(phone.as_str().trim_start_matches('+')))
    }
}
