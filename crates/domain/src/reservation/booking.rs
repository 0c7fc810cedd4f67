//! What is booked.

use std::time::Duration;

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
    /// While the limit is being learnt: the end of a window that Braze has named; the epoch before it has.
    pub learning: Option<Timestamp>,
    /// Whether contracts differ in it.
    pub by_contract: bool,
    /// When something was booked last.
    pub touched: Option<Timestamp>,
    /// While what was used has to be learnt from an answer: when the last request was let through for it; the epoch before one was.
    pub resumed: Option<Timestamp>,
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
