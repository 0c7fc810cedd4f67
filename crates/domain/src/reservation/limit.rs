//! What is known of a limit.

use std::time::Duration;

use crate::Timestamp;

/// So many requests in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests in a window.
    pub requests: u32,
    /// Length of a window.
    pub period: Duration,
    /// Whether contracts differ in it (`/users/export/ids`: 250 or 2,500 a minute, or 40 a second): then little is sent until Braze has
    /// said how it counts.
    pub by_contract: bool,
}

/// How far a limit that differs by contract is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learning {
    /// It is known, or need not be learnt.
    Done,
    /// Braze has not answered yet.
    Begun,
    /// Braze named this end of a window, from too near to tell how long the window is.
    Seen(Timestamp),
}

/// What an answer of Braze's said about its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// An ordinary answer with its rate-limit headers.
    Answered {
        /// Requests in a window, as Braze counts.
        limit: Option<u32>,
        /// How many are left in it.
        remaining: Option<u32>,
        /// When it ends.
        resets_at: Option<Timestamp>,
    },
    /// Over the limit: nothing before this moment.
    Throttled {
        /// When to ask again.
        until: Timestamp,
    },
    /// The key was refused.
    KeyRefused,
}
