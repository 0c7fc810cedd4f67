//! What can go wrong, and what may follow.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::limits::RateLimit;
use crate::redact::Redactor;

/// A request that did not succeed. Texts of Braze's are redacted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be written down; nothing was sent.
    #[error("{0}")]
    Unsendable(&'static str),
    /// It never reached Braze.
    #[error("Braze cannot be reached: {0}")]
    NotSent(String),
    /// It was sent and no whole answer came: it may have been done.
    #[error("Braze's answer was lost: {0}")]
    Lost(String),
    /// It was answered with success in a form that cannot be read.
    #[error("Braze's answer cannot be read")]
    Unreadable,
    /// 429: over the limit.
    #[error("Braze throttles (429)")]
    Throttled {
        /// How long Braze wants to be left alone, when it says so.
        after: Option<Duration>,
    },
    /// 503: Braze has no capacity and did nothing.
    #[error("Braze has no capacity (503)")]
    NoCapacity {
        /// How long Braze wants to be left alone, when it says so.
        after: Option<Duration>,
    },
    /// Another 5xx: it may have been done.
    #[error("Braze failed ({status})")]
    Failed {
        /// The status.
        status: StatusCode,
    },
    /// 401 or 403: wrong key, permission, or instance.
    #[error("Braze refuses the API key ({status}): {message}")]
    KeyRefused {
        /// The status.
        status: StatusCode,
        /// Braze's text.
        message: String,
    },
    /// The workspace has no such subscription group.
    #[error("Braze does not know the subscription group")]
    UnknownGroup,
    /// Too many objects, or too large a body: the same in smaller pieces may pass.
    #[error("Braze finds the request too large ({status})")]
    TooLarge {
        /// The status.
        status: StatusCode,
    },
    /// Another 3xx or 4xx: the same request will not do better.
    #[error("Braze refuses the request ({status}): {message}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// Braze's text.
        message: String,
    },
}

/// What may follow an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Surely not done: try again, not before `after` when Braze said so.
    Retry {
        /// How long to wait at least.
        after: Option<Duration>,
    },
    /// It may have been done: repeat only what can be repeated.
    Unknown,
    /// The same request will not do better.
    Refused,
    /// Nothing will pass until a person sees to the key.
    Configuration,
}

impl Error {
    /// What may follow.
    #[must_use]
    pub fn next(&self) -> Next {
        match self {
            Self::NotSent(_) => Next::Retry { after: None },
            Self::Throttled { after } | Self::NoCapacity { after } => Next::Retry { after: *after },
            Self::Lost(_) | Self::Unreadable | Self::Failed { .. } => Next::Unknown,
            Self::KeyRefused { .. } | Self::UnknownGroup | Self::Unsendable(_) => Next::Configuration,
            Self::TooLarge { .. } | Self::Refused { .. } => Next::Refused,
        }
    }

    /// Reads an answer that is no success (braze-docs, API errors).
    pub(crate) fn of_status(response: &Response<Bytes>, redactor: &Redactor<'_>) -> Self {
        let status = response.status();
        let after = || RateLimit::read(response.headers()).retry_after;
        let message = || redactor.clean(&message(response.body()));
        match status {
            StatusCode::TOO_MANY_REQUESTS => Self::Throttled { after: after() },
            StatusCode::SERVICE_UNAVAILABLE => Self::NoCapacity { after: after() },
            _ if status.is_server_error() => Self::Failed { status },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Self::KeyRefused { status, message: message() }
            }
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge { status },
            StatusCode::BAD_REQUEST if message().contains("Max Input Length Exceeded") => {
                Self::TooLarge { status }
            }
            StatusCode::BAD_REQUEST if message().contains("Invalid subscription group ID") => {
                Self::UnknownGroup
            }
            // Braze may have acted on what a time-out cut short.
            StatusCode::REQUEST_TIMEOUT => Self::Failed { status },
            _ => Self::Refused { status, message: message() },
        }
    }
}

/// Braze's text: under `message`, or under `error` when it could not parse the body.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        message: Option<serde_json::Value>,
        error: Option<serde_json::Value>,
    }
    let said: Option<Said> = serde_json::from_slice(body).ok();
    let text = said.and_then(|said| said.message.or(said.error));
    match text {
        Some(serde_json::Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => "no message".to_owned(),
    }
}
