//! Where the next requests would be booked: from window to window, and from hour to hour.

use std::num::NonZeroU32;
use std::time::Duration;

use super::GUARD;
use super::booking::{Booked, Slot};
use super::hour::HourCount;
use crate::Timestamp;
use crate::time::{between, later};

/// A point among the windows, from which slots are taken one window after another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    /// How many requests a window allows.
    pub(super) requests: u32,
    /// The length of a window.
    pub(super) period: Duration,
    /// The most requests an hour by contract.
    pub(super) per_hour: Option<NonZeroU32>,
    /// The start of the window.
    pub(super) start: Timestamp,
    /// How many requests are booked in it.
    pub(super) booked: u32,
    /// The hour that is counted beside the window.
    pub(super) hour: Option<HourCount>,
    /// No slot begins before this moment.
    pub(super) opens: Option<Timestamp>,
}

impl Cursor {
    /// Takes up to `wanted` slots, all in the first window with room.
    pub(super) fn take(&mut self, wanted: u32, now: Timestamp) -> Booked {
        loop {
            if let Some(hour) = self.hour.filter(|hour| hour.room(self.per_hour) == 0) {
                self.enter_next(hour);
            }
            if self.booked >= self.requests {
                self.go_to(self.start);
            }
            let slot = self.slot(now);
            if slot.from < slot.until {
                let taken = wanted.min(self.room());
                self.booked += taken;
                if let Some(hour) = &mut self.hour {
                    hour.booked = hour.booked.saturating_add(taken);
                }
                return Booked { slot, count: taken };
            }
            // The window or the hour is over before anything may be sent in it.
            match self.hour {
                Some(hour) if hour.ends <= slot.from => self.enter_next(hour),
                Some(_) | None => self.go_to(self.opens.unwrap_or(self.start)),
            }
        }
    }

    /// Goes to the window that contains a moment, or at least to the next one.
    fn go_to(&mut self, moment: Timestamp) {
        let whole = between(self.start, moment).as_nanos() / self.period.as_nanos().max(1);
        self.start =
            later(self.start, self.period.saturating_mul(u32::try_from(whole).unwrap_or(u32::MAX).max(1)));
        self.booked = 0;
    }

    fn enter_next(&mut self, hour: HourCount) {
        self.opens = self.opens.max(Some(hour.ends));
        self.hour = Some(hour.next());
    }

    fn room(&self) -> u32 {
        let in_the_hour = self.hour.map_or(u32::MAX, |hour| hour.room(self.per_hour));
        self.requests.saturating_sub(self.booked).min(in_the_hour)
    }

    fn slot(&self, now: Timestamp) -> Slot {
        let starts = [Some(self.start), self.opens].into_iter().flatten().filter(|starts| *starts > now);
        let from = starts.map(|starts| later(starts, GUARD)).max().unwrap_or(now);
        let until = later(self.start, self.period);
        Slot { from, until: self.hour.map_or(until, |hour| until.min(hour.ends)) }
    }
}
