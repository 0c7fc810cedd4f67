//! What is booked.

use std::time::Duration;

use super::Learning;
use crate::Timestamp;

/// A booked request: it may be sent from `from` on, and has to be before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Not before.
    pub from: Timestamp,
    /// Not at or after: by then its window has gone by.
    pub until: Timestamp,
}

impl Slot {
    /// Whether a request may use it at `now`.
    #[must_use]
    pub fn covers(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// Several slots of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booked {
    /// The window, as a slot.
    pub slot: Slot,
    /// How many requests.
    pub count: u32,
}

/// The answer to a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What was booked, earliest first.
    pub booked: Vec<Booked>,
    /// When to ask again for what could not be booked; set while Braze refuses the key, or while the limit is being learnt.
    pub closed_until: Option<Timestamp>,
    /// Whether it is for a refused key that something could not be booked.
    pub key_refused: bool,
}

/// What is left to find out about requests that a process booked before it ended. One request is let through, and its answer says how many
/// were used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resuming {
    /// No request has been let through yet.
    NotAsked,
    /// A request was let through at this moment, and its answer is not there yet.
    Asked(Timestamp),
}

/// [`Windows`](super::Windows) laid open for storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowsRecord {
    /// Requests in a window.
    pub requests: u32,
    /// Length of a window.
    pub period: Duration,
    /// Start of the last window with bookings.
    pub start: Timestamp,
    /// Bookings in it.
    pub booked: u32,
    /// When a refused key may be tried.
    pub probe_at: Option<Timestamp>,
    /// How far the limit is known.
    pub learning: Learning,
    /// Whether contracts differ in it.
    pub by_contract: bool,
    /// When something was booked last.
    pub touched: Option<Timestamp>,
    /// Set while it is not known how much of what is booked was used.
    pub resuming: Option<Resuming>,
}
