//! Why a callback could not be delivered.

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The request could not be built.
    #[error("no request can be made: {0}")]
    NoRequest(String),
    /// The receiver's address is not public.
    #[error("the address is not a public one")]
    Private,
    /// The request could not be sent, or its answer was lost.
    #[error("no answer: {0}")]
    NoAnswer(String),
}
