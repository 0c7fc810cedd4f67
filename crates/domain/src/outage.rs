//! A Braze workspace that does not answer.

use crate::Timestamp;

/// A workspace that gives no useful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// When the first request was sent that was not answered.
    pub since: Timestamp,
    /// Requests since then.
    pub tries: u64,
    /// When the last of them ended.
    pub last_try: Timestamp,
    /// When the next one is due, as far as anything waits for it.
    pub next_try: Option<Timestamp>,
    /// Participations that wait for an answer.
    pub waiting: u64,
    /// What came of the last request: no contact, and no secret.
    pub why: String,
}
