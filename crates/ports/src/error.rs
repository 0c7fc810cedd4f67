//! What can go wrong behind a port.

/// A failure of something outside.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not answer or could not do it now; nothing is known to have been kept.
    #[error("{doing} failed")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something was stored that cannot be read back.
    #[error("a stored {what} cannot be read")]
    Corrupt {
        /// What.
        what: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The result of asking a port.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Wraps what an outside service said while `doing` something.
    pub fn unavailable(
        doing: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { doing, source: source.into() }
    }

    /// Wraps why a stored `what` cannot be read.
    pub fn corrupt(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Corrupt { what, source: source.into() }
    }
}

/// An error with everything that caused it, on one line, for a log.
pub fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
