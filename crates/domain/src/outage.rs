//! A Braze workspace that does not answer.

use crate::Timestamp;

/// A period in which a workspace gives no useful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// When the first request was sent that got no useful answer.
    pub since: Timestamp,
    /// How many requests were sent since then.
    pub tries: u64,
    /// When the last of them ended.
    pub last_try: Timestamp,
    /// When the next request is due, if anything waits for one.
    pub next_try: Option<Timestamp>,
    /// How many participations wait for an answer.
    pub waiting: u64,
    /// The result of the last request, without contacts and secrets.
    pub why: String,
}
