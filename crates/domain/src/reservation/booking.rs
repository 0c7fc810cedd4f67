//! Bookings of request slots.

use std::time::Duration;

use super::Learning;
use crate::Timestamp;

/// A booked request slot: the request may be sent from `from` on, and must be sent before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The first moment at which it may be sent.
    pub from: Timestamp,
    /// The moment from which it must not be sent, because its window has ended.
    pub until: Timestamp,
}

impl Slot {
    /// Whether a request may use the slot at `now`.
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
    /// How many requests are booked in it.
    pub count: u32,
}

/// The answer to a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What was booked, earliest first.
    pub booked: Vec<Booked>,
    /// When to ask again for requests that could not be booked; set while Braze refuses the key, or while the
    /// limit is being learned.
    pub closed_until: Option<Timestamp>,
    /// Whether requests could not be booked because the key is refused.
    pub key_refused: bool,
}

/// What is still unknown about the slots that an ended process booked. One request is admitted, and its answer says
/// how many were used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resuming {
    /// No request has been admitted yet.
    NotAsked,
    /// A request was admitted at this moment, and its answer has not come yet.
    Asked(Timestamp),
}

/// The stored form of [`Windows`](super::Windows).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowsRecord {
    /// How many requests a window allows.
    pub requests: u32,
    /// The length of a window.
    pub period: Duration,
    /// The start of the last window with bookings.
    pub start: Timestamp,
    /// How many requests are booked in it.
    pub booked: u32,
    /// When a refused key may be tried.
    pub probe_at: Option<Timestamp>,
    /// How much is known about the limit.
    pub learning: Learning,
    /// Whether the limit differs by contract.
    pub by_contract: bool,
    /// When something was last booked.
    pub touched: Option<Timestamp>,
    /// Set while it is unknown how many booked slots were used.
    pub resuming: Option<Resuming>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_covers_its_beginning_and_not_its_end() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let slot = Slot { from: at(10), until: at(20) };
        let covered = [9, 10, 19, 20, 21].map(|second| slot.covers(at(second)));
        assert_eq!(covered, [false, true, true, false, false]);
    }
}
