//! E-mail addresses and phone numbers, as the workspace compares them.

/// An e-mail address or a phone number, in a form that is the same for two spellings of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SimContact {
    Email(String),
    Phone(String),
}

impl SimContact {
    pub(crate) fn email(text: &str) -> Self {
        Self::Email(canonical(text))
    }

    pub(crate) fn phone(text: &str) -> Self {
        Self::Phone(canonical(text))
    }

    /// The contact that a profile's field holds; `None` for a field that is no contact.
    pub(crate) fn of_field(field: &str, text: &str) -> Option<Self> {
        match field {
            "email" => Some(Self::email(text)),
            "phone" => Some(Self::phone(text)),
            _ => None,
        }
    }

    /// The field of a profile that holds such a contact.
    pub(crate) fn field(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Email(text) | Self::Phone(text) => text,
        }
    }

    /// Whether it is an address, or a number in E.164 format.
    pub(crate) fn is_well_formed(&self) -> bool {
        match self {
            Self::Email(text) => is_address(text),
            Self::Phone(text) => {
                let digits = text.strip_prefix('+').unwrap_or_default();
                (7..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
            }
        }
    }
}

fn canonical(contact: &str) -> String {
    contact.trim().to_lowercase()
}

pub(crate) fn is_address(text: &str) -> bool {
    let parts = text.trim().split_once('@');
    parts.is_some_and(|(local, host)| {
        !local.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}
