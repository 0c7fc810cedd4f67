//! Bookings of request slots.

use std::time::Duration;

use super::hour::HourCount;
use super::limit::Learning;
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

/// What a process asks for in a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedSlots {
    /// How many requests are to be sent now.
    pub requests: u32,
    /// How many slots of the current window the process would like for its next requests.
    pub spare: u32,
}

impl From<u32> for WantedSlots {
    fn from(requests: u32) -> Self {
        Self { requests, spare: 0 }
    }
}

/// The answer to a booking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reservation {
    /// What was booked, earliest first.
    pub booked: Vec<Booked>,
    /// Slots of the current window for the next requests of the same process.
    pub spare: Option<Booked>,
    /// Slots for the other requests that are too far ahead to be booked, earliest first. Ask again when they begin.
    pub later: Vec<Booked>,
    /// When to ask again for requests that could not be booked; set while Braze refuses the key, or while the
    /// limit is being learned.
    pub closed_until: Option<Timestamp>,
    /// Whether requests could not be booked because the key is refused.
    pub key_refused: bool,
}

impl Reservation {
    /// Nothing is booked before this moment.
    pub(super) fn closed(until: Timestamp, key_refused: bool) -> Self {
        Self { closed_until: Some(until), key_refused, ..Self::default() }
    }
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
    /// How many requests a window allows by Braze's headers.
    pub named: Option<u32>,
    /// The requests of the hour, where an hour is counted beside the window.
    pub hour: Option<HourCount>,
    /// The end of a wait that Braze asked for.
    pub opens: Option<Timestamp>,
    /// The end of the backlog: of the requests that wait for a later window.
    pub backlog: Option<BacklogEnd>,
}

/// The window in which the last of the requests that could not be booked asks again. Nothing is booked for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogEnd {
    /// The start of the window.
    pub start: Timestamp,
    /// How many requests ask again in it.
    pub waiting: u32,
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
