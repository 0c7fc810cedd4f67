//! What can go wrong with a request, and what the caller may do next.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::known_text::known_text;
use crate::limits::RateLimit;
use crate::redact::Redactor;

/// A request that did not succeed. Texts that come from Braze are redacted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request could not be built; nothing was sent.
    #[error("{0}")]
    Unsendable(&'static str),
    /// The request never reached Braze.
    #[error("Braze cannot be reached: {0}")]
    NotSent(String),
    /// The request was sent and no complete answer came: Braze may have processed it.
    #[error("Braze's answer was lost: {0}")]
    Lost(String),
    /// Braze answered with a success in a form that cannot be read.
    #[error("Braze's answer cannot be read")]
    Unreadable,
    /// Braze answered with a success status whose body does not confirm the request.
    #[error("Braze does not confirm the request ({status}): {message}")]
    Unconfirmed {
        /// The HTTP status.
        status: StatusCode,
        /// Braze's text.
        message: String,
    },
    /// 429: the rate limit is exceeded.
    #[error("Braze throttles (429)")]
    Throttled {
        /// How long Braze asks us to wait, if it says so.
        after: Option<Duration>,
    },
    /// 503: Braze has no capacity and did nothing.
    #[error("Braze has no capacity (503)")]
    NoCapacity {
        /// How long Braze asks us to wait, if it says so.
        after: Option<Duration>,
    },
    /// Another 5xx, or a status that leaves the outcome open: Braze may have processed the request.
    #[error("Braze failed ({status})")]
    Failed {
        /// The HTTP status.
        status: StatusCode,
    },
    /// Something between us and Braze, or a part of Braze, did not accept the request for now: it was not
    /// processed.
    #[error("Braze did not take the request ({status}): {message}")]
    NotTaken {
        /// The HTTP status.
        status: StatusCode,
        /// How long Braze asks us to wait, if it says so.
        after: Option<Duration>,
        /// Braze's text.
        message: String,
    },
    /// 401 or 403: the key, its permission or the instance is wrong.
    #[error("Braze refuses the API key ({status}): {message}")]
    KeyRefused {
        /// The HTTP status.
        status: StatusCode,
        /// Braze's text.
        message: String,
    },
    /// The workspace has no such subscription group.
    #[error("Braze does not know the subscription group")]
    UnknownGroup,
    /// The request has too many objects or too large a body: smaller requests may pass.
    #[error("Braze says that the request is too large ({status})")]
    TooLarge {
        /// The HTTP status.
        status: StatusCode,
    },
    /// A status about the request's content: repeating the same request will not help.
    #[error("Braze refuses the request ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Braze's text.
        message: String,
    },
}

/// What the caller may do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterError {
    /// The request was certainly not processed: try again, not before `after` if Braze gave a time.
    Retry {
        /// The shortest time to wait.
        after: Option<Duration>,
    },
    /// The request may have been processed: repeat it only if repeating is harmless.
    Unknown,
    /// Repeating the same request will not help.
    Refused,
    /// No request will pass until a person corrects the key or its permissions.
    Configuration,
}

impl Error {
    /// What Braze said, as far as it is a known text, which names nobody.
    #[must_use]
    pub fn known_text(&self) -> Option<&'static str> {
        match self {
            Self::Unconfirmed { message, .. }
            | Self::NotTaken { message, .. }
            | Self::KeyRefused { message, .. }
            | Self::Refused { message, .. } => known_text(message),
            Self::UnknownGroup => known_text("Invalid subscription group ID"),
            Self::Unsendable(_)
            | Self::NotSent(_)
            | Self::Lost(_)
            | Self::Unreadable
            | Self::Throttled { .. }
            | Self::NoCapacity { .. }
            | Self::Failed { .. }
            | Self::TooLarge { .. } => None,
        }
    }

    /// What the caller may do next.
    #[must_use]
    pub fn next(&self) -> AfterError {
        match self {
            Self::NotSent(_) => AfterError::Retry { after: None },
            Self::Throttled { after } | Self::NoCapacity { after } | Self::NotTaken { after, .. } => {
                AfterError::Retry { after: *after }
            }
            Self::Lost(_) | Self::Unreadable | Self::Unconfirmed { .. } | Self::Failed { .. } => {
                AfterError::Unknown
            }
            Self::KeyRefused { .. } | Self::UnknownGroup | Self::Unsendable(_) => AfterError::Configuration,
            Self::TooLarge { .. } | Self::Refused { .. } => AfterError::Refused,
        }
    }

    /// Makes an error from an answer that is not a success. Only statuses about the request's content are
    /// final: those that Braze documents (400, 404, 413, 415; braze-docs, API errors), and those that HTTP
    /// defines (405, 406, 410, 411, 414, 422, 431; RFC 9110, RFC 6585). Every other status is about the
    /// moment, the network or the key, and must not cost a consumer the participation.
    pub(crate) fn of_status(response: &Response<Bytes>, redactor: &Redactor<'_>) -> Self {
        let status = response.status();
        let after = || RateLimit::read(response.headers()).retry_after;
        let message = || redactor.clean(&message(response.body()));
        match status.as_u16() {
            429 => Self::Throttled { after: after() },
            503 => Self::NoCapacity { after: after() },
            401 | 403 => Self::KeyRefused { status, message: message() },
            413 => Self::TooLarge { status },
            400 if message().contains("Max Input Length Exceeded") => Self::TooLarge { status },
            400 if message().contains("Invalid subscription group ID") => Self::UnknownGroup,
            400 | 404 | 405 | 406 | 410 | 411 | 414 | 415 | 422 | 431 => {
                Self::Refused { status, message: message() }
            }
            // Braze may have acted on the interrupted request, or on an earlier copy of it.
            408 | 409 | 444 | 460 | 499 => Self::Failed { status },
            300..=499 => Self::NotTaken { status, after: after(), message: message() },
            _ => Self::Failed { status },
        }
    }
}

/// Extracts Braze's text: it is under `message`, or under `error` if Braze could not parse the body.
pub(crate) fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct ErrorBody {
        message: Option<serde_json::Value>,
        error: Option<serde_json::Value>,
    }
    let said: Option<ErrorBody> = serde_json::from_slice(body).ok();
    let text = said.and_then(|said| said.message.or(said.error));
    match text {
        Some(serde_json::Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => "no message".to_owned(),
    }
}
