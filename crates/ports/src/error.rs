//! What can go wrong behind a port.

use stored::{Unencodable, Unreadable};

/// A failure behind a port.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The outside service did not answer or could not do it now; whether anything was stored is not known.
    #[error("{doing} failed")]
    Unavailable {
        /// The operation that failed.
        doing: &'static str,
        /// Why the service was unavailable.
        kind: UnavailableKind,
        /// What the service reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Our own code panicked while it worked for one brand. Whether anything was stored is not known.
    #[error("{doing} failed; the log says where")]
    Panicked {
        /// The operation that failed.
        doing: &'static str,
        /// What may be shown of the panic.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something stored cannot be read back.
    #[error(transparent)]
    Corrupt(#[from] Unreadable),
    /// Something that was to be stored has no stored form: this is our own bug.
    #[error(transparent)]
    Unencodable(#[from] Unencodable),
    /// The caller passed more than one call accepts: this is our own bug, and not a failure of the outside
    /// service.
    #[error("{doing}: {given} items were given, and one call accepts {most}")]
    TooMany {
        /// The operation that was refused.
        doing: &'static str,
        /// How many items were given.
        given: usize,
        /// How many items one call accepts.
        most: usize,
    },
}

/// Refuses more items than one call accepts, so that none are silently dropped.
///
/// # Errors
/// [`Error::TooMany`].
pub fn at_most(given: usize, most: usize, doing: &'static str) -> Result<()> {
    if given > most { Err(Error::TooMany { doing, given, most }) } else { Ok(()) }
}

/// Why a service is unavailable, in the detail that outsiders may see. Its text continues a sentence that
/// begins with the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnavailableKind {
    /// The service has no storage space left.
    Full,
    /// The service can only be read.
    ReadOnly,
    /// The disk fails to read or write.
    Disk,
    /// The service holds data that cannot be read.
    Corrupt,
    /// We sent a request that the service never accepts: this is our own bug.
    Mistake,
    /// Any other reason.
    #[default]
    Unknown,
}

impl std::fmt::Display for UnavailableKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "is full",
            Self::ReadOnly => "is read-only",
            Self::Disk => "has a disk failure",
            Self::Corrupt => "contains data that cannot be read",
            Self::Mistake => "was sent more at once than it accepts",
            Self::Unknown => "does not answer",
        })
    }
}

/// The result of calling a port.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Makes an error from what an outside service reported while `doing` something.
    pub fn unavailable(
        doing: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::unavailable_as(doing, UnavailableKind::default(), source)
    }

    /// Does the same as `unavailable` if the kind of failure is known.
    pub fn unavailable_as(
        doing: &'static str,
        kind: UnavailableKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { doing, kind, source: source.into() }
    }

    /// Makes an error for a panic that happened while `doing` something.
    pub fn panicked(
        doing: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Panicked { doing, source: source.into() }
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> UnavailableKind {
        match self {
            Self::Unavailable { kind, .. } => *kind,
            Self::Panicked { .. } => UnavailableKind::Unknown,
            Self::Corrupt(_) => UnavailableKind::Corrupt,
            Self::Unencodable(_) | Self::TooMany { .. } => UnavailableKind::Mistake,
        }
    }

    /// Makes an error for a stored `what` that cannot be read.
    pub fn corrupt(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Corrupt(Unreadable::new(what, source))
    }

    /// Adds the name of the item that cannot be read.
    #[must_use]
    pub fn of(self, which: impl std::fmt::Display) -> Self {
        match self {
            Self::Corrupt(unreadable) => Self::Corrupt(unreadable.of(which)),
            other => other,
        }
    }
}

/// Formats an error with all its causes on one line, for a log. Some errors already include their cause; no
/// cause is printed twice.
pub fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let said = source.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the file cannot be read: {0}")]
    struct SaysItsCause(#[source] std::io::Error);

    #[test]
    fn each_cause_is_printed_once_even_if_an_error_prints_its_own() {
        let full = || std::io::Error::other("no space is left");
        assert_eq!(in_full(&SaysItsCause(full())), "the file cannot be read: no space is left");
        let wrapped = Error::unavailable("storing", SaysItsCause(full()));
        assert_eq!(in_full(&wrapped), "storing failed: the file cannot be read: no space is left");
    }
}
