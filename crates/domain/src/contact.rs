//! How a consumer can be reached. Contacts are parsed once, at the edge, and never print themselves.

/// A contact prints a digest of itself, which tells lines about one consumer from lines about another, and nothing else.
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

pub use email::{Email, EmailError};
pub use phone::{Phone, PhoneError};
pub use region::{Region, RegionError};
pub use texting::{Regions, Service, Texting, Untexted};

use crate::ids::Channel;

/// How a consumer takes part: what they gave, and so by which channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Contact {
    /// An e-mail address.
    Email(Email),
    /// A mobile number, perhaps with an address to find the profile by.
    Phone {
        /// The number.
        phone: Phone,
        /// The address.
        email: Option<Email>,
    },
}

impl Contact {
    /// The address, when there is one.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Email(email) | Self::Phone { email: Some(email), .. } => Some(email),
            Self::Phone { email: None, .. } => None,
        }
    }

    /// What stands where the contact of somebody stood who was forgotten. No mail is ever delivered there (RFC 2606).
    #[must_use]
    pub fn nobody() -> Self {
        Self::Email(Email::nobody())
    }

    /// The number, when there is one.
    #[must_use]
    pub fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Email(_) => None,
            Self::Phone { phone, .. } => Some(phone),
        }
    }

    /// What makes the consumer the same one in an activation: the number where there is one, else the address.
    #[must_use]
    pub fn identifying(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Phone { phone, .. } => phone.as_str(),
        }
    }

    /// By which channel the consumer takes part.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match self {
            Self::Email(_) => Channel::Email,
            Self::Phone { .. } => Channel::Sms,
        }
    }
}

/// Enough of a digest to tell two contacts apart in a log while debugging, too little to be a key.
fn digest(contact: &str) -> String {
    hex::encode(&Sha256::digest(contact.as_bytes())[..3])
}
