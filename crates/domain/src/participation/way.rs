//! How a consumer takes part.

use crate::Timestamp;
use crate::consent::Consent;
use crate::contact::{Contact, Email, Phone};
use crate::ids::{Channel, ContactKey};
use crate::profile::ProfileRef;

/// How a consumer takes part, and the data for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// With an e-mail address.
    Email {
        /// The address.
        email: Email,
        /// The consumer's answer about being sent messages, if the consumer was asked.
        consent: Option<Consent>,
    },
    /// With a mobile number.
    Sms {
        /// The number.
        phone: Phone,
        /// An address that helps to find the profile.
        email: Option<Email>,
        /// The consent to be sent messages, which taking part by number requires.
        consent: Consent,
    },
    /// By an event that Braze reported.
    Event {
        /// The event.
        event: BrazeEvent,
        /// The address of the consumer.
        email: Email,
    },
    /// In one of these ways, by a consumer who was forgotten since.
    Forgotten(Forgotten),
}

/// An event that Braze reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrazeEvent {
    /// The event's name.
    pub name: String,
    /// The profile, if Braze named it.
    pub profile: Option<ProfileRef>,
    /// When Braze sent what the consumer answered, if the webhook says so.
    pub sent_at: Option<Timestamp>,
}

/// What is kept of a forgotten consumer's way of taking part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// The event, without the profile.
    pub event: Option<ForgottenEvent>,
    /// The consumer's answer about being sent messages.
    pub consent: Option<Consent>,
    /// Keyed hashes of the contacts. With them the consent can be proved if the person makes a claim.
    pub proof: Vec<ContactKey>,
}

/// What is kept of an event of a forgotten consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgottenEvent {
    /// The event's name.
    pub name: String,
    /// When Braze sent what the consumer answered, if the webhook says so.
    pub sent_at: Option<Timestamp>,
}

impl Way {
    /// The address, if there is one.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Email { email, .. } | Self::Event { email, .. } => Some(email),
            Self::Sms { email, .. } => email.as_ref(),
            Self::Forgotten(_) => None,
        }
    }

    /// The number, if there is one.
    #[must_use]
    pub fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Sms { phone, .. } => Some(phone),
            Self::Email { .. } | Self::Event { .. } | Self::Forgotten(_) => None,
        }
    }

    /// How the consumer can be reached; `None` for a forgotten consumer.
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

    /// The event that Braze reported, if the consumer takes part by one.
    #[must_use]
    pub fn event(&self) -> Option<&BrazeEvent> {
        match self {
            Self::Event { event, .. } => Some(event),
            Self::Email { .. } | Self::Sms { .. } | Self::Forgotten(_) => None,
        }
    }

    /// The consumer's answer about being sent messages.
    #[must_use]
    pub fn consent(&self) -> Option<&Consent> {
        match self {
            Self::Email { consent, .. } | Self::Forgotten(Forgotten { consent, .. }) => consent.as_ref(),
            Self::Sms { consent, .. } => Some(consent),
            Self::Event { .. } => None,
        }
    }

    /// The consumer's consent, for recording whether Braze has it. `None` for a forgotten consumer, whose consent no longer
    /// changes.
    pub(super) fn consent_mut(&mut self) -> Option<&mut Consent> {
        match self {
            Self::Email { consent, .. } => consent.as_mut(),
            Self::Sms { consent, .. } => Some(consent),
            Self::Event { .. } | Self::Forgotten(_) => None,
        }
    }

    /// The channel. Of a forgotten consumer it is only known whether it was an event.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match self {
            Self::Email { .. } | Self::Forgotten(Forgotten { event: None, .. }) => Channel::Email,
            Self::Sms { .. } => Channel::Sms,
            Self::Event { .. } | Self::Forgotten(Forgotten { event: Some(_), .. }) => Channel::Event,
        }
    }

    /// The way without anything that identifies the consumer, except keyed hashes of the contacts.
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

    /// A consent without anything that names the consumer.
    pub(super) fn nameless_consent(&self, consent: Consent) -> Consent {
        Consent {
            text_id: consent.text_id.filter(|text| !self.is_named_in(text)),
            page: consent.page.filter(|page| !self.is_named_in(&decoded(page.as_str()))),
            ..consent
        }
    }

    /// Removes the name of the consent text and the page if they name the consumer, because the caller chose them and may
    /// have put anything there.
    fn nameless(&self, consent: Option<Consent>) -> Option<Consent> {
        consent.map(|consent| self.nameless_consent(consent))
    }

    fn is_named_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        self.email().is_some_and(|email| text.contains(&email.as_str().to_lowercase()))
            || self.phone().is_some_and(|phone| digits.contains(phone.as_str().trim_start_matches('+')))
    }
}

/// The text with the characters that an address or a number may have encoded in a page's address.
fn decoded(page: &str) -> String {
    let encoded =
        [("%40", "@"), ("%2B", "+"), ("%2b", "+"), ("%2E", "."), ("%2e", "."), ("%2D", "-"), ("%2d", "-")];
    encoded.into_iter().fold(page.to_owned(), |page, (code, character)| page.replace(code, character))
}
