//! E-mail addresses.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use icu_normalizer::ComposingNormalizerBorrowed;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::digest;
use crate::invisible::{self, is_invisible, is_meaningless};

/// An e-mail address in its canonical form: `docs/identity.md` says what is equal to what.
///
/// `Debug` and `Display` show a short digest, never the address; [`Email::as_str`] is the one way to it.
///
/// ```
/// use domain::contact::Email;
///
/// let address = Email::parse("Ada@bücher.example").unwrap();
/// assert_eq!(address.as_str(), "ada@xn--bcher-kva.example");
/// assert!(!format!("{address:?}").contains("ada@"), "it does not print itself");
/// ```
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
    /// Something in the middle that nobody sees.
    #[error("contains an invisible character")]
    Invisible,
    /// Longer than SMTP carries.
    #[error("is longer than 254 characters")]
    TooLong,
}

/// Longest address that SMTP carries, in bytes (RFC 5321, 4.5.3.1.3, without the brackets).
const LONGEST_ADDRESS: usize = 254;

/// Longest part before the `@`, in bytes (RFC 5321, 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;

/// A text longer than this is not looked at: no spelling of an address comes near it.
const LONGEST_TEXT: usize = 2_048;

/// Longest address of earlier versions, in bytes: 64 before the `@`, 254 behind it.
const LONGEST_EARLIER: usize = 64 + 1 + 254;

/// ASCII characters that no host name has. The underscore is forgiven: some hosts have one.
const NOT_IN_HOSTS: AsciiDenyList = AsciiDenyList::new(true, "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~");

impl Email {
    /// Parses an address and gives it its canonical form. A domain needs a dot; display names and address literals are refused.
    ///
    /// # Errors
    /// When the text is empty or not an address.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let trimmed = invisible::trim(text);
        if trimmed.is_empty() {
            return Err(EmailError::Empty);
        }
        if trimmed.len() > LONGEST_TEXT {
            return Err(EmailError::TooLong);
        }
        if invisible::has_invisible(trimmed) {
            return Err(EmailError::Invisible);
        }
        let folded = fold(trimmed);
        if folded.chars().any(is_invisible) {
            return Err(EmailError::Invisible);
        }
        let (local, domain) = folded.rsplit_once('@').ok_or(EmailError::Invalid)?;
        let (local, domain) = (local_part(local), host(domain).ok_or(EmailError::Invalid)?);
        let address = format!("{local}@{domain}");
        if address.len() > LONGEST_ADDRESS {
            return Err(EmailError::TooLong);
        }
        if local.len() > LONGEST_LOCAL_PART || local.chars().any(is_meaningless) || !is_grammatical(&address)
        {
            return Err(EmailError::Invalid);
        }
        Ok(Self(address))
    }

    /// An address as it was stored, perhaps in the canonical form of an earlier version. It stays as it is: the ids of what is stored
    /// are made from it.
    ///
    /// # Errors
    /// When it is no address in any version's form.
    pub fn from_stored(text: &str) -> Result<Self, EmailError> {
        let is_address =
            text.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
        is_address.then(|| Self(text.to_owned())).ok_or(EmailError::Invalid)
    }

    /// The forms under which earlier versions may have stored what is now [`Email::parse`] of the same text: none for most addresses.
    ///
    /// Earlier versions trimmed a text and made it lower-case. They took the two ways to write an international domain for two domains.
    #[must_use]
    pub fn earlier_forms(text: &str) -> Vec<Self> {
        let Ok(canonical) = Self::parse(text) else { return Vec::new() };
        let mut forms = vec![text.trim().to_lowercase()];
        if let Some((local, domain)) = canonical.0.rsplit_once('@')
            && domain.split('.').any(|label| label.starts_with("xn--"))
        {
            let readable = idna::domain_to_unicode(domain).0;
            let typed = forms[0].rsplit_once('@').map_or(local, |(typed, _)| typed).to_owned();
            for local in [local, &typed] {
                forms.extend([domain, &readable].map(|domain| format!("{local}@{domain}")));
            }
        }
        let mut earlier: Vec<Self> = Vec::new();
        for form in forms.into_iter().filter(|form| form.len() <= LONGEST_EARLIER).map(Self) {
            if form != canonical && !earlier.contains(&form) {
                earlier.push(form);
            }
        }
        earlier
    }

    /// The canonical form of an address that was perhaps stored by an earlier version.
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self::parse(&self.0).unwrap_or_else(|_| self.clone())
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

/// Lower case, and one way to write each character: composed, and plain where it is full-width, a ligature, or another variant for
/// looks (NFKC). Each of the two may undo the other once, so they are repeated until nothing changes.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = text.to_owned();
    for _ in 0..8 {
        let next = ComposingNormalizerBorrowed::new_nfkc().normalize(&folded.to_lowercase()).into_owned();
        if next == folded {
            break;
        }
        folded = next;
    }
    folded
}

/// The part before the `@`, without quotes and backslashes that change nothing.
fn local_part(local: &str) -> String {
    let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return local.to_owned();
    };
    let Some(content) = unescaped(quoted) else { return local.to_owned() };
    let needs_none =
        !content.is_empty() && is_grammatical(&format!("{content}@example.com")) && !content.contains('"');
    if needs_none {
        return content;
    }
    let escaped = content.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// What stands between quotes; `None` when a quote in it would end them.
fn unescaped(quoted: &str) -> Option<String> {
    let mut content = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => content.push(characters.next()?),
            '"' => return None,
            c => content.push(c),
        }
    }
    Some(content)
}

/// The part behind the `@` as DNS and SMTP carry it: lower-case, international names in their ASCII form. An address of numbers is
/// none.
fn host(domain: &str) -> Option<String> {
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), NOT_IN_HOSTS, Hyphens::CheckFirstLast, DnsLength::VerifyAllowRootDot)
        .ok()?;
    let host = ascii.strip_suffix('.').unwrap_or(&ascii);
    let (_, top) = host.rsplit_once('.')?;
    let shown = idna::domain_to_unicode(top).0;
    let is_number = shown.chars().all(char::is_numeric)
        || top.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
    (!is_number).then(|| host.to_owned())
}

/// Whether it has the shape of an address. That of other characters than ASCII is for the caller to judge: one stands for all here.
fn is_grammatical(address: &str) -> bool {
    let shape: String = address.chars().map(|c| if c.is_ascii() { c } else { 'x' }).collect();
    let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
    EmailAddress::parse_with_options(&shape, options).is_ok()
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

shown_as_digest!(Email);

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
