//! How a consumer can be reached. Contacts are parsed once, at the edge, and never print themselves.

/// Prints a contact as a digest, which tells consumers apart in a log and reveals nothing else.
macro_rules! shown_as_digest {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), digest(&self.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    };
}

mod email;
mod phone;
mod region;
mod renumbered;
mod texting;

use sha2::{Digest, Sha256};

pub use email::{Email, EmailError, LONGEST_ADDRESS};
pub use phone::{Phone, PhoneError};
pub use region::{Region, RegionError};
pub use texting::{Regions, Service, Texting, Untexted};

use crate::ids::Channel;

/// The contact that a consumer gave, and so the channel in which the consumer takes part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Contact {
    /// An e-mail address.
    Email(Email),
    /// A mobile number, perhaps with an address that helps to find the profile.
    Phone {
        /// The number.
        phone: Phone,
        /// The address.
        email: Option<Email>,
    },
}

impl Contact {
    /// The address, if there is one.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Email(email) | Self::Phone { email: Some(email), .. } => Some(email),
            Self::Phone { email: None, .. } => None,
        }
    }

    /// The replacement for the contact of a forgotten consumer. No mail is ever delivered there (RFC 2606).
    #[must_use]
    pub fn nobody() -> Self {
        Self::Email(Email::nobody())
    }

    /// The number, if there is one.
    #[must_use]
    pub fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Email(_) => None,
            Self::Phone { phone, .. } => Some(phone),
        }
    }

    /// What identifies the consumer in an activation: the number if there is one, or else the address.
    #[must_use]
    pub fn identifying(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Phone { phone, .. } => phone.as_str(),
        }
    }

    /// The channel in which the consumer takes part.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match self {
            Self::Email(_) => Channel::Email,
            Self::Phone { .. } => Channel::Sms,
        }
    }
}

/// Enough of a digest to tell two contacts apart in a log while debugging, and too little to be a key.
fn digest(contact: &str) -> String {
    hex::encode(&Sha256::digest(contact.as_bytes())[..3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_has_what_was_given() {
        let (email, phone) =
            (Email::parse("ada@example.com").unwrap(), Phone::from_e164("+13135550100").unwrap());
        let by_email = Contact::Email(email.clone());
        assert_eq!((by_email.email(), by_email.phone()), (Some(&email), None));
        let by_both = Contact::Phone { phone: phone.clone(), email: Some(email.clone()) };
        assert_eq!((by_both.email(), by_both.phone()), (Some(&email), Some(&phone)));
    }

    #[test]
    fn a_contact_shows_six_digits_of_its_digest() {
        let ada = Email::parse("ada@example.com").unwrap();
        let sha256 = hex::encode(Sha256::digest("ada@example.com"));
        assert_eq!(ada.to_string(), format!("Email({})", &sha256[..6]));
        let phone = Phone::from_e164("+13135550100").unwrap();
        let sha256 = hex::encode(Sha256::digest("+13135550100"));
        assert_eq!(phone.to_string(), format!("Phone({})", &sha256[..6]));
    }
}
