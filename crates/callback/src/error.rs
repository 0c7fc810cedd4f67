//! Why a callback is not taken.

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The request cannot be made.
    #[error("no request can be made: {0}")]
    NoRequest(String),
    /// The address is not public.
    #[error("the address is not a public one")]
    Private,
    /// It could not be sent, or the answer was lost.
    #[error("no answer: {0}")]
    NoAnswer(String),
}
