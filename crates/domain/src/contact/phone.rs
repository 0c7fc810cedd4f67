//! Phone numbers.

use std::fmt;
use std::ops::RangeInclusive;

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};

use super::renumbered::{modern, without_mobile_prefix};
use super::{Region, digest};
use crate::invisible::is_invisible;

/// A mobile number in E.164 form, valid by libphonenumber's rules. `docs/identity.md` says which numbers are
/// equal.
///
/// `Debug` and `Display` show a short digest, never the number; only [`Phone::as_str`] returns it.
///
/// ```
/// use domain::contact::{Phone, Region};
///
/// let number = Phone::parse("(313) 555-0100", Region::parse("US").unwrap()).unwrap();
/// assert_eq!(number.as_str(), "+13135550100");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

/// Why a text is not a number that could receive a message. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// The text is empty or only white space.
    #[error("is empty")]
    Empty,
    /// The text is not a number.
    #[error("is not a phone number")]
    NotANumber,
    /// The number has an extension, so a switchboard answers.
    #[error("has an extension, and an extension cannot receive a text message")]
    Extension,
    /// The text is a number that cannot exist.
    #[error("is not a valid number of its country")]
    Invalid,
}

impl PhoneError {
    /// The stable code for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "phone-empty",
            Self::NotANumber | Self::Invalid => "phone-invalid",
            Self::Extension => "phone-extension",
        }
    }
}

/// A text longer than this without its invisible characters is not a number. E.164 has 15 digits, and some
/// people write spaces and brackets.
const LONGEST_PHONE: usize = 40;

/// A text with more bytes than this is not parsed.
const LONGEST_TEXT: usize = 512;

/// How many digits a number may have, including the country code. E.164 allows at most 15, but libphonenumber
/// accepts valid numbers of 4 to 17 digits after country codes of 1 to 3, because it follows the national
/// plans: +431115 is valid in Austria, and +49576164841893011 in Germany.
const E164_DIGITS: RangeInclusive<usize> = 3..=20;

impl Phone {
    /// Parses a number in any form that libphonenumber reads; one without a country code belongs to `region`.
    /// Letters are refused: they are more often a sentence with a number than a vanity number.
    ///
    /// # Errors
    /// If the text is not a number, or a number that cannot exist.
    pub fn parse(text: &str, region: Region) -> Result<Self, PhoneError> {
        let written = written(text)?;
        let mut read = Err(PhoneError::NotANumber);
        for reading in readings(&written) {
            match parsed(&reading, region) {
                Ok(number) if number.is_valid() => return Self::from_number(&number),
                Ok(number) => match modern(&number.format_as(PhoneNumberFormat::E164)) {
                    Some(modern) if parsed(&modern, region).is_ok_and(|number| number.is_valid()) => {
                        return Self::from_e164(&modern);
                    }
                    Some(_) | None => read = Err(PhoneError::Invalid),
                },
                Err(PhoneError::NotANumber) => {}
                Err(error) => return Err(error),
            }
        }
        read
    }

    fn from_number(number: &PhoneNumber) -> Result<Self, PhoneError> {
        Self::from_e164(&number.format_as(PhoneNumberFormat::E164))
    }

    /// Reads a number in the form that [`Phone::as_str`] returns. [`Phone::parse`] ends here, so everything
    /// that it accepts can be read back.
    ///
    /// Whether the number can exist is not checked again: numbering plans change, and stored numbers must
    /// stay readable.
    ///
    /// # Errors
    /// If the number is in another form.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let is_e164 = E164_DIGITS.contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0');
        is_e164.then(|| Self(text.to_owned())).ok_or(PhoneError::NotANumber)
    }

    /// The number, such as `+13135550100`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a number that Braze shows is the same line. One without a country code belongs to `region`,
    /// and a form that a country has replaced counts as its replacement.
    #[must_use]
    pub fn is(&self, shown: &str, region: Region) -> bool {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        if digits(&self.0) == digits(shown) {
            return true;
        }
        let Ok(written) = written(shown) else { return false };
        // A number on a brand's profile need not be valid by today's rules.
        let read = readings(&written).into_iter().filter_map(|reading| parsed(&reading, region).ok());
        let mut theirs = read.map(|number| line(&number.format_as(PhoneNumberFormat::E164)));
        let ours = line(&self.0);
        theirs.any(|theirs| theirs == ours)
    }

    /// The number as libphonenumber parses it.
    pub(super) fn number(&self) -> Option<PhoneNumber> {
        PhoneNumber::parse(&self.0, None).ok()
    }
}

/// What all forms of a line have in common.
fn line(e164: &str) -> String {
    without_mobile_prefix(&modern(e164).unwrap_or_else(|| e164.to_owned()))
}

/// The characters of a number, without invisible ones and without `tel:`.
fn written(text: &str) -> Result<String, PhoneError> {
    if text.len() > LONGEST_TEXT {
        return Err(PhoneError::NotANumber);
    }
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let seen: String = spaced.filter(|c| !is_invisible(*c)).collect();
    let mut seen = seen.trim();
    if seen.is_empty() {
        return Err(PhoneError::Empty);
    }
    if seen.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:")) {
        seen = seen[4..].trim_start();
    }
    // Parameters follow the number (RFC 3966). The context may contain the number's beginning.
    let (number, parameters) = seen.split_once(';').unwrap_or((seen, ""));
    let mut context = "";
    for parameter in parameters.split(';').map(str::trim).filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=').map(|(name, value)| (name.to_ascii_lowercase(), value)) {
            Some((name, value)) if name == "phone-context" => {
                context = if value.starts_with('+') { value } else { "" };
            }
            Some((name, _)) if matches!(name.as_str(), "ext" | "isub") => return Err(PhoneError::Extension),
            _ => return Err(PhoneError::NotANumber),
        }
    }
    let whole = format!("{context}{number}");
    if whole.chars().count() <= LONGEST_PHONE && whole.chars().all(is_dialled) {
        Ok(whole)
    } else if PhoneNumber::parse(number, Some(rlibphonenumber::Region::US))
        .is_ok_and(|read| read.extension.is_some())
        && number.starts_with(|c: char| is_dialled(c))
    {
        Err(PhoneError::Extension)
    } else {
        Err(PhoneError::NotANumber)
    }
}

/// Digits of any script, and the punctuation that libphonenumber knows.
fn is_dialled(c: char) -> bool {
    let punctuation = matches!(
        c,
        ' ' | '+'
            | '＋'
            | '('
            | ')'
            | '（'
            | '）'
            | '['
            | ']'
            | '［'
            | '］'
            | '-'
            | '.'
            | '/'
            | '~'
            | '．'
            | '／'
    ) || matches!(
        c,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{ff0d}' | '\u{2053}' | '\u{223c}' | '\u{ff5e}'
    );
    punctuation || icu_properties::props::GeneralCategory::DecimalNumber == category(c)
}

fn category(c: char) -> icu_properties::props::GeneralCategory {
    icu_properties::CodePointMapData::<icu_properties::props::GeneralCategory>::new().get(c)
}

/// How a number may be meant: as written; without the zero that is not dialled from abroad, as in `+44
/// (0)20`; and with `00` for the `+`, as most of the world dials it.
fn readings(written: &str) -> Vec<String> {
    let mut readings = vec![written.to_owned()];
    if written.contains("(0)") {
        readings.push(written.replacen("(0)", "", 1));
    }
    for reading in readings.clone() {
        if let Some(rest) = reading.strip_prefix("00") {
            readings.push(format!("+{rest}"));
        }
    }
    readings
}

fn parsed(text: &str, region: Region) -> Result<PhoneNumber, PhoneError> {
    let number = PhoneNumber::parse(text, Some(region.0)).map_err(|_| PhoneError::NotANumber)?;
    if number.extension.is_some() { Err(PhoneError::Extension) } else { Ok(number) }
}

shown_as_digest!(Phone);

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;
