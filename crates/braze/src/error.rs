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
    /// It was answered with a success that does not say that it succeeded.
    #[error("Braze does not confirm the request ({status}): {message}")]
    Unconfirmed {
        /// The status.
        status: StatusCode,
        /// Braze's text.
        message: String,
    },
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
    /// Another 5xx, or a status that leaves open what was done: it may have been done.
    #[error("Braze failed ({status})")]
    Failed {
        /// The status.
        status: StatusCode,
    },
    /// Somebody on the way, or a part of Braze, did not take the request for now: it was not done.
    #[error("Braze did not take the request ({status}): {message}")]
    NotTaken {
        /// The status.
        status: StatusCode,
        /// How long Braze wants to be left alone, when it says so.
        after: Option<Duration>,
        /// Braze's text.
        message: String,
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
    /// A status that is about what the request holds: the same request will not do better.
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
pub enum AfterError {
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

    /// Reads an answer that is no success. Only a status that is about what the request holds is final: those that Braze documents as
    /// such (400, 404, 413, 415; braze-docs, API errors), and those that HTTP defines so (405, 406, 410, 411, 414, 422, 431; RFC 9110,
    /// RFC 6585). What else there is says something of the moment, of the way, or of the key: a consumer is not lost for it.
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
            // Braze may have acted on what was cut short, or on an earlier copy of the same request.
            408 | 409 | 444 | 460 | 499 => Self::Failed { status },
            300..=499 => Self::NotTaken { status, after: after(), message: message() },
            _ => Self::Failed { status },
        }
    }
}

/// Braze's text: under `message`, or under `error` when it could not parse the body.
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
