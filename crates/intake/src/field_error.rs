//! The fault of one field. Its code is stable, so that a page can say it in its reader's language.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::codes;

/// The fault of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct FieldError {
    /// The field; a member of an object stands behind a dot.
    pub(crate) field: String,
    /// A sentence for a developer.
    pub(crate) message: String,
    /// A stable code for programs.
    pub(crate) code: &'static str,
    /// What a sentence about the code needs, such as the most characters.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[cfg_attr(test, schema(required = false))]
    pub(crate) params: Map<String, Value>,
}

impl FieldError {
    /// `code` is listed in [`codes`].
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>, code: &'static str) -> Self {
        debug_assert!(codes::is_listed(code), "the documents do not list the code {code}");
        Self { field: field.into(), message: message.into(), code, params: Map::new() }
    }

    /// Adds a parameter of the code.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// A field that has to be there.
    pub(crate) fn missing(field: impl Into<String>) -> Self {
        Self::new(field, "is missing", "missing")
    }

    /// A field that is not known. Its name is shown as [`crate::body::shown`] allows.
    pub(crate) fn unknown(field: impl Into<String>) -> Self {
        Self::new(field, "is not a known field", "unknown_field")
    }

    /// A value of another type.
    pub(crate) fn wrong_type(field: impl Into<String>, must: &str, expected: &'static str) -> Self {
        Self::new(field, must, "wrong_type").with("expected", expected)
    }
}
