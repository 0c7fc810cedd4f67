//! Why something cannot be written down, or cannot be read back.

use std::error::Error;
use std::fmt;

/// What went wrong inside a record.
pub(crate) type Why = Box<dyn Error + Send + Sync>;

/// Something is stored and cannot be read back. Its text names it and says why; nothing in it is a contact.
#[derive(Debug)]
pub struct Unreadable {
    what: &'static str,
    id: Option<String>,
    source: Why,
}

impl Unreadable {
    /// A stored `what` that cannot be read.
    pub fn new(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what, id: None, source: source.into() }
    }

    /// Names it: by an id or a key, never by a contact.
    #[must_use]
    pub fn of(self, id: impl fmt::Display) -> Self {
        Self { id: Some(id.to_string()), ..self }
    }

    /// What kind of thing it is.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// Which one it is; `None` where that cannot be read either.
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

/// Something that has no stored form.
#[derive(Debug, thiserror::Error)]
#[error("the {what} {id} cannot be written down")]
pub struct Unencodable {
    pub(crate) what: &'static str,
    pub(crate) id: String,
    #[source]
    pub(crate) source: Why,
}

/// What serde says of a text that does not fit, without the values that stand in it: they may be contacts.
pub(crate) fn without_values(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!("column {}", error.column());
    if said.starts_with("missing field `") {
        // The field's name is ours.
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
