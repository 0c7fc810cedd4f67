//! Why an answer is refused.

/// Why an answer is refused. The message is for the caller, and repeats nothing that the caller sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The activation does not list the attribute.
    #[error("is not among the attributes that this activation accepts")]
    Unknown,
    /// The value is of another type.
    #[error("must be {0}")]
    Type(&'static str),
    /// The value is of the right type, and outside of what is allowed.
    #[error("{0}")]
    Range(String),
    /// The value is a piece of a template that was not rendered.
    #[error("is a piece of a template that was not rendered")]
    Unrendered,
    /// The attribute is required.
    #[error("is missing")]
    Missing,
}

impl AnswerError {
    /// The stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_attribute",
            Self::Type(_) => "attribute_type",
            Self::Range(_) => "attribute_range",
            Self::Unrendered => "unrendered-liquid",
            Self::Missing => "attribute_missing",
        }
    }

    pub(super) fn range(message: impl Into<String>) -> Self {
        Self::Range(message.into())
    }
}
