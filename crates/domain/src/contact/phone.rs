//! Phone numbers.

use std::fmt;
use std::ops::RangeInclusive;

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};

use super::{Region, digest};

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

/// How many digits a number may have, country code included. E.164 stops at 15, but libphonenumber knows valid numbers of 4 to 17
/// digits behind country codes of 1 to 3, and follows the national plans: +431115 is valid in Austria, and +49576164841893011 in Germany.
const E164_DIGITS: RangeInclusive<usize> = 3..=20;

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
        Self::from_e164(&number.format_as(PhoneNumberFormat::E164))
    }

    /// A number in the form that [`Phone::as_str`] gives. [`Phone::parse`] ends here, so whatever it accepts can be read back.
    ///
    /// Whether the number can exist is not asked again: the rules of numbering change, and what is stored stays readable.
    ///
    /// # Errors
    /// When it is in another form.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let is_e164 = E164_DIGITS.contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0');
        is_e164.then(|| Self(text.to_owned())).ok_or(PhoneError::NotANumber)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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

    #[test]
    fn what_can_exist_and_is_shorter_or_longer_than_most_is_read_back() {
        for text in ["+49576164841893011", "+431115", "+2908456"] {
            let phone = Phone::parse(text, region("US")).map_err(|error| (text, error)).unwrap();
            assert_eq!(Phone::from_e164(phone.as_str()), Ok(phone));
        }
        for text in ["", "+", "+1", "+03135550100", "+1313555010a", &format!("+{}", "1".repeat(21))] {
            assert_eq!(Phone::from_e164(text), Err(PhoneError::NotANumber), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_number_of_whatever_country_is_accepted_can_be_read_back(text in "[+][1-9][0-9]{1,22}") {
            if let Ok(phone) = Phone::parse(&text, region("US")) {
                prop_assert_eq!(Phone::from_e164(phone.as_str()).unwrap(), phone);
            }
        }

        #[test]
        fn no_text_makes_the_number_parser_panic(text in "[-+(). /0-9]{0,45}") {
            if let Ok(phone) = Phone::parse(&text, region("US")) {
                prop_assert_eq!(Phone::from_e164(phone.as_str()).unwrap(), phone);
            }
        }
    }
}
