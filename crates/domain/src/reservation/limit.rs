//! What is known about a rate limit.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::Timestamp;

/// A number of requests in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many requests a window allows.
    pub requests: u32,
    /// The length of a window.
    pub period: Duration,
    /// Whether the limit differs by contract (`/users/export/ids`: 250 or 2,500 a minute, or 40 a second).
    /// Then few requests are sent until Braze has said how it counts.
    pub by_contract: bool,
}

/// What a brand's contract allows at an endpoint, as far as it is known before Braze answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// The number of requests in a window.
    pub allowance: Allowance,
    /// The most requests an hour, if the brand file names a number.
    pub per_hour: Option<NonZeroU32>,
    /// Whether Braze's headers only lower these limits (`/users/track`). Then an hour is counted beside the window, and
    /// few requests are sent until Braze has answered once.
    pub is_upper_bound: bool,
    /// A slot that begins later than this is not booked; `None` books any slot. Use it where nobody holds a slot: a slot
    /// that is booked far ahead would stay unused.
    pub patience: Option<Duration>,
    /// Whether only what others leave is booked: what a window has left shortly before its end. Use it for work that must
    /// not delay other work.
    pub leftover: bool,
}

impl From<Allowance> for Contract {
    fn from(allowance: Allowance) -> Self {
        Self { allowance, per_hour: None, is_upper_bound: false, patience: None, leftover: false }
    }
}

/// How much is known about a limit that has to be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learning {
    /// The limit is known, or need not be learned.
    Done,
    /// Braze has not answered yet.
    Begun,
    /// Braze named this end of a window, which was too near to show the window's length.
    Seen(Timestamp),
}

/// What an answer from Braze said about its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// An ordinary answer with its rate-limit headers.
    Answered {
        /// How many requests a window allows, as Braze counts.
        limit: Option<u32>,
        /// How many requests are left in the window.
        remaining: Option<u32>,
        /// When the window ends.
        resets_at: Option<Timestamp>,
    },
    /// The limit is exceeded: no request before this moment.
    Throttled {
        /// When to ask again.
        until: Timestamp,
    },
    /// Braze refused the key.
    KeyRefused,
}
