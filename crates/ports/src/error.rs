//! What can go wrong behind a port.

use stored::{Unencodable, Unreadable};

/// A failure of something outside.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not answer or could not do it now; nothing is known to have been kept.
    #[error("{doing} failed")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What kind of trouble it is in.
        kind: UnavailableKind,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Our own code panicked while it did something for one brand. Nothing is known of what was kept.
    #[error("{doing} failed; the log says where")]
    Panicked {
        /// What was being done.
        doing: &'static str,
        /// What may be said of the panic.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something was stored that cannot be read back.
    #[error(transparent)]
    Corrupt(#[from] Unreadable),
    /// Something was to be stored that has no stored form: a mistake of ours.
    #[error(transparent)]
    Unencodable(#[from] Unencodable),
    /// The caller gave more than one call takes: a mistake of ours, and no trouble of whatever is outside.
    #[error("{doing}: {given} were given, {most} are taken at once")]
    TooMany {
        /// What was to be done.
        doing: &'static str,
        /// How many were given.
        given: usize,
        /// How many are taken.
        most: usize,
    },
}

/// Refuses more than one call takes, so that nothing is cut off.
///
/// # Errors
/// [`Error::TooMany`].
pub fn at_most(given: usize, most: usize, doing: &'static str) -> Result<()> {
    if given > most { Err(Error::TooMany { doing, given, most }) } else { Ok(()) }
}

/// What kind of trouble something is in: so much may be said to whoever asks. It reads on from what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnavailableKind {
    /// There is no room.
    Full,
    /// It may be read only.
    ReadOnly,
    /// What it is kept on does not read or write.
    Disk,
    /// Something that cannot be read is in it.
    Corrupt,
    /// It was asked in a way that it never takes: a mistake of ours.
    Mistake,
    /// Anything else.
    #[default]
    Unknown,
}

impl std::fmt::Display for UnavailableKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "is full",
            Self::ReadOnly => "is read-only",
            Self::Disk => "has trouble with its disk",
            Self::Corrupt => "holds what cannot be read",
            Self::Mistake => "was asked for more at once than it takes",
            Self::Unknown => "does not answer",
        })
    }
}

/// The result of asking a port.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Wraps what an outside service said while `doing` something.
    pub fn unavailable(
        doing: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::unavailable_as(doing, UnavailableKind::default(), source)
    }

    /// The same, where the kind of trouble is known.
    pub fn unavailable_as(
        doing: &'static str,
        kind: UnavailableKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { doing, kind, source: source.into() }
    }

    /// Says that `doing` something panicked.
    pub fn panicked(
        doing: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Panicked { doing, source: source.into() }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> UnavailableKind {
        match self {
            Self::Unavailable { kind, .. } => *kind,
            Self::Panicked { .. } => UnavailableKind::Unknown,
            Self::Corrupt(_) => UnavailableKind::Corrupt,
            Self::Unencodable(_) | Self::TooMany { .. } => UnavailableKind::Mistake,
        }
    }

    /// Wraps why a stored `what` cannot be read.
    pub fn corrupt(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Corrupt(Unreadable::new(what, source))
    }

    /// Names what cannot be read.
    #[must_use]
    pub fn of(self, which: impl std::fmt::Display) -> Self {
        match self {
            Self::Corrupt(unreadable) => Self::Corrupt(unreadable.of(which)),
            other => other,
        }
    }
}

/// An error with everything that caused it, on one line, for a log. Some errors say their cause themselves; no cause is said twice.
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
    fn each_cause_is_said_once_also_where_an_error_says_its_own() {
        let full = || std::io::Error::other("no space is left");
        assert_eq!(in_full(&SaysItsCause(full())), "the file cannot be read: no space is left");
        let wrapped = Error::unavailable("storing", SaysItsCause(full()));
        assert_eq!(in_full(&wrapped), "storing failed: the file cannot be read: no space is left");
    }
}
