//! E-mail addresses.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use icu_normalizer::ComposingNormalizerBorrowed;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::digest;
use crate::invisible::{self, is_invisible, is_meaningless};

/// An e-mail address in its canonical form. `docs/identity.md` says which addresses are equal.
///
/// `Debug` and `Display` show a short digest, never the address; only [`Email::as_str`] returns it.
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
    /// The text is empty or only white space.
    #[error("is empty")]
    Empty,
    /// The text is not an address that mail could be delivered to.
    #[error("is not a valid e-mail address")]
    Invalid,
    /// There is an invisible character in the middle.
    #[error("contains an invisible character")]
    Invisible,
    /// The address is longer than SMTP allows.
    #[error("is longer than 254 characters")]
    TooLong,
}

impl EmailError {
    /// The stable code for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "email-empty",
            Self::Invalid => "email-invalid",
            Self::Invisible => "email-invisible",
            Self::TooLong => "email-too-long",
        }
    }
}

/// The longest address that SMTP allows, in bytes (RFC 5321, 4.5.3.1.3, without the brackets).
pub const LONGEST_ADDRESS: usize = 254;

/// The longest part before the `@`, in bytes (RFC 5321, 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;

/// A text longer than this is not parsed, since no spelling of an address comes near it.
const LONGEST_TEXT: usize = 2_048;

/// The longest address of earlier versions, in bytes: 64 before the `@` and 254 after it.
const LONGEST_EARLIER: usize = 64 + 1 + 254;

/// ASCII characters that no host name has. The underscore is allowed, since some hosts have one.
const NOT_IN_HOSTS: AsciiDenyList = AsciiDenyList::new(true, "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~");

impl Email {
    /// Parses an address and gives it its canonical form. A domain needs a dot; display names and address literals are refused.
    ///
    /// # Errors
    /// If the text is empty or not an address.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        if is_plain(text) { Ok(Self(text.to_owned())) } else { Self::parse_any(text) }
    }

    /// Does the same by all the rules.
    fn parse_any(text: &str) -> Result<Self, EmailError> {
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

    /// Reads a stored address, which may be in the canonical form of an earlier version. It is not changed,
    /// since stored ids are made from it.
    ///
    /// # Errors
    /// If it is not an address in the form of any version.
    pub fn from_stored(text: &str) -> Result<Self, EmailError> {
        let is_address =
            text.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
        is_address.then(|| Self(text.to_owned())).ok_or(EmailError::Invalid)
    }

    /// The forms in which earlier versions may have stored this address, which [`Email::parse`] made of a text. Most addresses have none.
    ///
    /// Earlier versions trimmed a text and made it lower-case. They treated the two ways to write an
    /// international domain as two domains.
    #[must_use]
    pub fn earlier_forms(&self, text: &str) -> Vec<Self> {
        let is_international = |domain: &str| domain.split('.').any(|label| label.starts_with("xn--"));
        let international = self.0.rsplit_once('@').filter(|(_, domain)| is_international(domain));
        if international.is_none() && text.is_ascii() && text == self.0 {
            return Vec::new();
        }
        let mut forms = vec![text.trim().to_lowercase()];
        if let Some((local, domain)) = international {
            let readable = idna::domain_to_unicode(domain).0;
            let typed = forms[0].rsplit_once('@').map_or(local, |(typed, _)| typed).to_owned();
            for local in [local, &typed] {
                forms.extend([domain, &readable].map(|domain| format!("{local}@{domain}")));
            }
        }
        let mut earlier: Vec<Self> = Vec::new();
        for form in forms.into_iter().filter(|form| form.len() <= LONGEST_EARLIER).map(Self) {
            if form != *self && !earlier.contains(&form) {
                earlier.push(form);
            }
        }
        earlier
    }

    /// The canonical form of an address that an earlier version may have stored.
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self::parse(&self.0).unwrap_or_else(|_| self.clone())
    }

    /// The replacement for the address of a forgotten consumer. No mail is ever delivered there (RFC 2606).
    pub(super) fn nobody() -> Self {
        Self("forgotten@forgotten.invalid".to_owned())
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is an address of simple words in its canonical form, as nearly all are. The other rules would accept it as it is, and take much
/// longer.
fn is_plain(text: &str) -> bool {
    let is_word = |word: &str, marks: &[u8]| {
        !word.is_empty()
            && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || marks.contains(&c))
    };
    let is_label = |label: &str| {
        let is_ascii_form = label.starts_with("xn--");
        is_word(label, b"-")
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !is_ascii_form
    };
    let Some((local, host)) = text.split_once('@') else { return false };
    let Some((sub, top)) = host.rsplit_once('.') else { return false };
    text.len() <= LONGEST_ADDRESS
        && local.len() <= LONGEST_LOCAL_PART
        && local.split('.').all(|atom| is_word(atom, b"_+-"))
        && sub.split('.').all(is_label)
        && is_label(top)
        && top.bytes().all(|c| c.is_ascii_lowercase())
}

/// Makes a text lower-case and gives each character one form (NFKC): composed, and plain instead of
/// full-width, a ligature, or another typographic variant. Each of the two steps may undo the other once, so
/// they are repeated until nothing changes.
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

/// The content of a quoted text; `None` if a quote in it would end it.
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

/// The part after the `@` as DNS and SMTP use it: lower-case, with international names in their ASCII form.
/// `None` for an address made of numbers.
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

/// Whether a text has the shape of an address. Every character outside ASCII is treated alike here; the
/// caller checks those.
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
