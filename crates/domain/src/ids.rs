//! Identifiers. Each kind is a type of its own, so that kinds cannot be mixed up, and every identifier is
//! checked when it is made.

use std::fmt;

/// Why a text is not a usable identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Brand ids and scopes name files, queues and metrics, so they must be short and plain.
    #[error("must be 1 to 64 characters of a-z, A-Z, 0-9, '.', '_' or '-'")]
    NotPlain,
    /// The text is not a participation id, which has 32 hexadecimal digits.
    #[error("is not a participation id")]
    NotAnId,
}

fn plain(text: &str) -> Result<String, IdentifierError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(IdentifierError::NotPlain)
    }
}

/// A name that is 1 to 64 plain characters.
macro_rules! plain_name {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// # Errors
            /// If the text is not 1 to 64 plain characters.
            pub fn parse(text: &str) -> Result<Self, IdentifierError> {
                plain(text).map(Self)
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

plain_name! {
    /// The id of a brand, as in its file.
    ///
    /// ```
    /// use domain::ids::BrandId;
    ///
    /// assert_eq!(BrandId::parse("acme-uk").unwrap().as_str(), "acme-uk");
    /// assert!(BrandId::parse("acme uk").is_err());
    /// ```
    BrandId
}

plain_name! {
    /// The scope id of an activation, unique across all brands.
    ///
    /// ```
    /// use domain::ids::Scope;
    ///
    /// let scope = Scope::parse("acme-spring").unwrap();
    /// assert_eq!(scope.to_string(), "acme-spring");
    /// ```
    Scope
}

plain_name! {
    /// The id of an incentive, as in its activation.
    IncentiveId
}

plain_name! {
    /// The id of a Braze subscription group. Braze's ids are UUIDs.
    SubscriptionGroup
}

/// How a consumer takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// By e-mail address.
    Email,
    /// By mobile number.
    Sms,
    /// By an event in the brand's app, which Braze reported.
    Event,
}

impl Channel {
    /// The channel's name in ids, storage and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Event => "event",
        }
    }

    /// The channel with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Email, Self::Sms, Self::Event].into_iter().find(|channel| channel.name() == name)
    }
}

/// Methods of a hash of sixteen bytes. It prints as hexadecimal digits.
macro_rules! keyed_hash {
    ($name:ident) => {
        impl $name {
            /// The hash as sixteen bytes, for stores that keep it in this form.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 16] {
                self.0
            }

            /// Makes a hash from the bytes of [`Self::to_bytes`].
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
    };
}

/// The id of a participation: a keyed hash of scope, channel and contact. So the same consumer gets the same
/// id, and nobody can compute or guess an id without the key.
///
/// ```
/// use domain::contact::{Contact, Email};
/// use domain::id_key::IdKey;
/// use domain::ids::{ParticipationId, Scope};
///
/// let (key, scope) = (IdKey::new([7; 32]), Scope::parse("acme-spring").unwrap());
/// let id = |address| key.participation(&scope, &Contact::Email(Email::parse(address).unwrap()));
///
/// assert_eq!(id("ada@example.com"), id(" Ada@Example.com "), "one consumer, one participation");
/// assert_eq!(ParticipationId::parse(&id("ada@example.com").to_string()), Ok(id("ada@example.com")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParticipationId([u8; 16]);

impl ParticipationId {
    /// # Errors
    /// If the text is not 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| IdentifierError::NotAnId)?;
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(IdentifierError::NotAnId);
        }
        Ok(Self(bytes))
    }
}

keyed_hash!(ParticipationId);

/// The key of a contact of a brand in our store: a keyed hash, which does not contain the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactKey([u8; 16]);

keyed_hash!(ContactKey);

/// The key of a ledger: the ledger of one incentive, or of all credits without an incentive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LedgerKey {
    /// The activation.
    pub scope: Scope,
    /// The incentive; `None` for credits without one.
    pub incentive: Option<IncentiveId>,
}

/// The hashed form of a request's `Idempotency-Key` in our store. It counts for one participation only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepeatKey([u8; 16]);

impl RepeatKey {
    /// # Errors
    /// If the text is not 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        ParticipationId::parse(text).map(|digits| Self(digits.0))
    }
}

impl RepeatKey {
    /// Makes a key from its sixteen bytes.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for RepeatKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_brands_are_plain() {
        for text in ["", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(Scope::parse(text).is_err() && BrandId::parse(text).is_err(), "{text}");
        }
        assert_eq!(Scope::parse("acme-spring_2026.a").unwrap().as_str(), "acme-spring_2026.a");
    }

    #[test]
    fn an_id_reads_back_from_its_text_and_only_in_that_form() {
        let id = ParticipationId::from_bytes([0xa7; 16]);
        assert_eq!(ParticipationId::parse(&id.to_string()), Ok(id));
        for text in ["", "abc", &"A".repeat(32), &"g".repeat(32), &"a".repeat(34)] {
            assert_eq!(ParticipationId::parse(text), Err(IdentifierError::NotAnId), "{text}");
        }
    }

    #[test]
    fn names_print_as_they_are_written() {
        assert_eq!(IncentiveId::parse("early-bird").unwrap().to_string(), "early-bird");
        assert_eq!(SubscriptionGroup::parse("g-1").unwrap().as_str(), "g-1");
        let channels = [Channel::Email, Channel::Sms, Channel::Event].map(Channel::name);
        assert_eq!(channels, ["email", "sms", "event"]);
    }

    #[test]
    fn keys_keep_their_bytes_and_print_them_in_hexadecimal() {
        let bytes: [u8; 16] = std::array::from_fn(|place| u8::try_from(place).unwrap() * 17);
        let digits = "00112233445566778899aabbccddeeff";
        assert_eq!(ParticipationId::from_bytes(bytes).to_bytes(), bytes);
        let contact = ContactKey::from_bytes(bytes);
        assert_eq!((contact.to_bytes(), contact.to_string()), (bytes, digits.to_owned()));
        assert_eq!(RepeatKey::from_bytes(bytes).to_string(), digits);
        assert_eq!(RepeatKey::parse(digits), Ok(RepeatKey::from_bytes(bytes)));
    }
}
