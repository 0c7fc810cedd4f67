//! How a consumer can be reached. Contacts are parsed once, at the edge, and never print themselves.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};
use sha2::{Digest, Sha256};

use crate::identity::Channel;

/// An e-mail address in its canonical form: trimmed and lower-case.
///
/// `Debug` and `Display` show a short digest, never the address; [`Email::as_str`] is the one way to it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

/// Why a text is not an e-mail address. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Not an address that mail could be delivered to.
    #[error("is not a valid e-mail address")]
    Invalid,
}

impl Email {
    /// Parses and normalises an address. A domain needs a dot; display names and address literals are refused.
    ///
    /// # Errors
    /// When the text is empty or not an address.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(EmailError::Empty);
        }
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        let canonical = trimmed.to_lowercase();
        if canonical.chars().any(char::is_control) {
            return Err(EmailError::Invalid);
        }
        EmailAddress::parse_with_options(&canonical, options).map_err(|_| EmailError::Invalid)?;
        Ok(Self(canonical))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", digest(&self.0))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A mobile number in E.164 form, valid by libphonenumber's rules.
///
/// `Debug` and `Display` show a short digest, never the number; [`Phone::as_str`] is the one way to it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

/// Why a text is not a number that could receive a message. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Not a number at all.
    #[error("is not a phone number")]
    NotANumber,
    /// A number, but none that can exist.
    #[error("is not a valid number of its country")]
    Invalid,
}

/// A number that is longer than this is none; E.164 has 15 digits, and some people write spaces and brackets.
const LONGEST_PHONE: usize = 40;

impl Phone {
    /// Parses a number; one without a country code is taken to be of `region`.
    ///
    /// # Errors
    /// When the text is no number, or one that cannot exist.
    pub fn parse(text: &str, region: Region) -> Result<Self, PhoneError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(PhoneError::Empty);
        }
        let dialled = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '.' | '/' | ' ');
        if trimmed.len() > LONGEST_PHONE || !trimmed.chars().all(dialled) {
            return Err(PhoneError::NotANumber);
        }
        let number = PhoneNumber::parse(trimmed, Some(region.0)).map_err(|_| PhoneError::NotANumber)?;
        if !number.is_valid() {
            return Err(PhoneError::Invalid);
        }
        Ok(Self(number.format_as(PhoneNumberFormat::E164).into_owned()))
    }

    /// A number in the form that [`Phone::as_str`] gives.
    ///
    /// # Errors
    /// When it is in another form.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let e164 = (7..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        e164.then(|| Self(text.to_owned())).ok_or(PhoneError::NotANumber)
    }

    /// The number, as `+13135550100`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a number as Braze shows it is this one; spaces and punctuation do not count.
    #[must_use]
    pub fn is(&self, shown: &str) -> bool {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        digits(&self.0) == digits(shown)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", digest(&self.0))
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The country whose numbers may be written without a country code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(rlibphonenumber::Region);

/// Why a text is no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a country by its two letters, as US")]
pub struct RegionError;

impl Region {
    /// # Errors
    /// When the text is not a country's two letters.
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        let letters = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase());
        let region = letters.then(|| text.parse().ok()).flatten();
        region.map(Self).ok_or(RegionError)
    }
}

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
        Self::Email(Email("forgotten@forgotten.invalid".to_owned()))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_trimmed_and_lower_cased() {
        assert_eq!(Email::parse("  Ada@Example.COM\n").unwrap().as_str(), "ada@example.com");
    }

    #[test]
    fn what_cannot_receive_mail_is_refused() {
        for text in ["ada", "ada@", "@example.com", "ada@localhost", "a b@example.com", "ada@example..com"] {
            assert_eq!(Email::parse(text), Err(EmailError::Invalid), "{text}");
        }
        for text in ["Ada <ada@example.com>", "ada@[127.0.0.1]", "ada@example.com\u{0}", "a@b.c,d@e.f"] {
            assert_eq!(Email::parse(text), Err(EmailError::Invalid), "{text}");
        }
        assert_eq!(Email::parse(" \t"), Err(EmailError::Empty));
    }

    #[test]
    fn neither_debug_nor_display_shows_the_address() {
        let email = Email::parse("ada@example.com").unwrap();
        for shown in [format!("{email:?}"), email.to_string()] {
            assert!(!shown.contains("ada") && !shown.contains("example"), "{shown}");
        }
    }

    fn region(text: &str) -> Region {
        Region::parse(text).unwrap()
    }

    #[test]
    fn a_number_is_read_in_the_forms_that_people_write() {
        for text in ["+1 313 555 0100", "(313) 555-0100", "313.555.0100", "1-313-555-0100", " 3135550100 "] {
            assert_eq!(
                Phone::parse(text, region("US")).map(|phone| phone.0),
                Ok("+13135550100".into()),
                "{text}"
            );
        }
        assert_eq!(Phone::parse("0151 23456789", region("DE")).unwrap().as_str(), "+4915123456789");
        assert_eq!(Phone::parse("+4915123456789", region("US")).unwrap().as_str(), "+4915123456789");
    }

    #[test]
    fn what_cannot_be_a_number_is_refused_with_a_reason() {
        for (text, why) in [
            ("", PhoneError::Empty),
            ("call me", PhoneError::NotANumber),
            ("+1313555010a", PhoneError::NotANumber),
            (&"1".repeat(41), PhoneError::NotANumber),
            ("+1 555", PhoneError::Invalid),
            ("+1 013 555 0100", PhoneError::Invalid),
        ] {
            assert_eq!(Phone::parse(text, region("US")), Err(why), "{text}");
        }
        assert!(Region::parse("Atlantis").is_err());
    }

    #[test]
    fn a_number_is_the_same_however_braze_shows_it_and_does_not_print_itself() {
        let phone = Phone::from_e164("+13135550100").unwrap();
        assert!(phone.is("1 (313) 555-0100") && phone.is("+13135550100") && !phone.is("+13135550101"));
        assert!(!format!("{phone:?}").contains("555") && !phone.to_string().contains("555"));
        assert!(Phone::from_e164("13135550100").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_number_parser_panic(text in "[-+(). /0-9]{0,45}") {
            if let Ok(phone) = Phone::parse(&text, region("US")) {
                prop_assert_eq!(Phone::from_e164(phone.as_str()).unwrap(), phone);
            }
        }

        #[test]
        fn parsing_never_panics_and_what_it_accepts_it_accepts_again(text in "\\PC{0,80}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email);
            }
        }

        #[test]
        fn case_and_surrounding_space_do_not_make_another_consumer(
            local in "[a-zA-Z0-9]{1,20}", host in "[a-zA-Z0-9]{1,20}", before in " {0,3}", after in " {0,3}",
        ) {
            let plain = Email::parse(&format!("{local}@{host}.com").to_lowercase()).unwrap();
            let dressed = Email::parse(&format!("{before}{local}@{host}.COM{after}")).unwrap();
            prop_assert_eq!(plain, dressed);
        }
    }
}
