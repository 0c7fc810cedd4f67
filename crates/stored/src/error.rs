//! Why a value cannot be encoded or decoded.

use std::error::Error;
use std::fmt;

/// The cause of an error inside a record.
pub(crate) type Why = Box<dyn Error + Send + Sync>;

/// A stored value that cannot be read back. The text names the value and says why; it contains no contact.
#[derive(Debug)]
pub struct Unreadable {
    what: &'static str,
    id: Option<String>,
    source: Why,
}

impl Unreadable {
    /// Makes an error for a stored `what` that cannot be read.
    pub fn new(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what, id: None, source: source.into() }
    }

    /// Adds the id or the key of the value, never a contact.
    #[must_use]
    pub fn of(self, id: impl fmt::Display) -> Self {
        Self { id: Some(id.to_string()), ..self }
    }

    /// The kind of value.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// The id of the value; `None` if the id cannot be read either.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a stored {} cannot be read", self.what)?;
        self.id.as_ref().map_or(Ok(()), |id| write!(f, ": {id}"))
    }
}

impl Error for Unreadable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// A value that has no stored form.
#[derive(Debug, thiserror::Error)]
#[error("the {what} {id} cannot be encoded")]
pub struct Unencodable {
    pub(crate) what: &'static str,
    pub(crate) id: String,
    #[source]
    pub(crate) source: Why,
}

/// Serde's error text without the values in it, which may be contacts.
pub(crate) fn without_values(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!("column {}", error.column());
    if said.starts_with("missing field `") {
        // The field's name is our own.
        return said;
    }
    if let Some(variant) = said.strip_prefix("unknown variant `").and_then(|rest| rest.split('`').next())
        && variant.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    {
        return format!("unknown variant `{variant}`, {place}");
    }
    match error.classify() {
        serde_json::error::Category::Data => format!("a value of another type or form, {place}"),
        serde_json::error::Category::Eof => format!("the text breaks off, {place}"),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            format!("it is not JSON of this form, {place}")
        }
    }
}
