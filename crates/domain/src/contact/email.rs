//! E-mail addresses.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};

use super::digest;

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

    /// What stands where the address of somebody stood who was forgotten. No mail is ever delivered there (RFC 2606).
    pub(super) fn nobody() -> Self {
        Self("forgotten@forgotten.invalid".to_owned())
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

    proptest! {
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
