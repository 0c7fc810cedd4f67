//! Spare slots: slots of the current window that a process books beyond what it needs, for its next requests. A booking is a write that all
//! processes share, so a process that sends many requests in a window books for several of them at once.

use std::time::Duration;

use super::booking::{Booked, Reservation, Slot, WantedSlots};
use super::{Learning, Observed, Windows};
use crate::Timestamp;
use crate::time::later;

#[cfg(test)]
#[path = "spare_tests.rs"]
mod tests;

/// The most spare slots in a booking.
const MOST_SPARE: u32 = 100;

/// Spare slots come from this part of a window. The rest is booked only when it is needed, so that slots which stay unused never keep
/// others from more than half of a window.
const SHARED_PART: u32 = 2;

impl Windows {
    /// Books requests as [`Windows::book`] does, and spare slots if they all can be sent in the current window and it has plenty left.
    pub fn book_with_spare(&mut self, wanted: WantedSlots, now: Timestamp) -> Reservation {
        let mut reservation = self.book(wanted.requests, now);
        if reservation.later.is_empty() && reservation.closed_until.is_none() {
            reservation.spare = self.book_spare(wanted.spare, now);
        }
        reservation
    }

    fn book_spare(&mut self, wanted: u32, now: Timestamp) -> Option<Booked> {
        let is_uncertain =
            self.probe_at.is_some() || self.resuming.is_some() || self.learning != Learning::Done;
        let is_ahead = self.start > now || self.opens.is_some_and(|opens| opens > now);
        let is_waited_for = self.backlog.is_some_and(|end| end.start > self.start);
        // A slot that stays unused in a window would be missing in the rest of its hour.
        let is_limited_by_hour = self.hour.is_some_and(|hour| hour.limit(self.contract.per_hour).is_some());
        if is_uncertain || is_ahead || is_waited_for || is_limited_by_hour || self.contract.leftover {
            return None;
        }
        let plenty = (self.allowance.requests / SHARED_PART).saturating_sub(self.booked);
        let count = wanted.min(MOST_SPARE).min(plenty);
        self.booked += count;
        let until = later(self.start, self.allowance.period);
        let until = self.hour.map_or(until, |hour| until.min(hour.ends));
        (count > 0).then_some(Booked { slot: Slot { from: now, until }, count })
    }
}

/// The spare slots that one process has in a lane. It never asks for more than it used in this window or in the one before, so a process
/// that sends a single batch has none.
#[derive(Debug, Clone, Default)]
pub struct SpareSlots {
    kept: Option<Booked>,
    /// The requests of the last window that was used.
    used: Option<Booked>,
    /// How many requests were sent in the window before that.
    before: u32,
}

impl SpareSlots {
    /// Takes up to `requests` of the spare slots.
    pub fn take(&mut self, requests: u32, period: Duration, now: Timestamp) -> Option<Booked> {
        let kept = self.kept.take().filter(|kept| kept.slot.covers(now))?;
        let count = kept.count.min(requests);
        self.kept = Some(Booked { count: kept.count - count, ..kept }).filter(|kept| kept.count > 0);
        let taken = Booked { count, ..kept };
        self.uses(taken, period, now);
        (count > 0).then_some(taken)
    }

    /// What to ask for when so many requests have to be booked: spare slots for as many more as this window will probably need.
    #[must_use]
    pub fn wanted(&self, requests: u32, period: Duration, now: Timestamp) -> WantedSlots {
        let (used, before) = match self.used {
            Some(used) if now < used.slot.until => (used.count, self.before),
            Some(used) if now < later(used.slot.until, period) => (0, used.count),
            Some(_) | None => (0, 0),
        };
        let expected = before.saturating_sub(used.saturating_add(requests));
        WantedSlots { requests, spare: if expected > 0 { expected } else { used } }
    }

    /// Takes in the answer to a booking.
    pub fn booked(&mut self, reservation: &Reservation, period: Duration, now: Timestamp) {
        if let Some(booked) = reservation.booked.first().filter(|booked| booked.slot.covers(now)) {
            self.uses(*booked, period, now);
        }
        if let Some(spare) = reservation.spare {
            let more = self.kept.filter(|kept| kept.slot.until == spare.slot.until);
            let count = spare.count + more.map_or(0, |kept| kept.count);
            self.kept = Some(Booked { count, ..spare });
        }
    }

    fn uses(&mut self, booked: Booked, period: Duration, now: Timestamp) {
        match &mut self.used {
            Some(used) if now < used.slot.until => used.count = used.count.saturating_add(booked.count),
            used => {
                let last = used.filter(|used| now < later(used.slot.until, period));
                self.before = last.map_or(0, |used| used.count);
                *used = Some(booked);
            }
        }
    }

    /// Gives up spare slots that are worth nothing by what an answer said: all of them after a refusal, those beyond half of what Braze says is
    /// left, and those after the end of the window that Braze names.
    pub fn hear(&mut self, said: Observed) {
        let Some(kept) = self.kept else { return };
        self.kept = match said {
            Observed::Throttled { .. } | Observed::KeyRefused => None,
            Observed::Answered { remaining, resets_at, .. } => {
                let most = remaining.map_or(u32::MAX, |left| left / SHARED_PART);
                let until = resets_at.map_or(kept.slot.until, |end| kept.slot.until.min(end));
                Some(Booked { slot: Slot { until, ..kept.slot }, count: kept.count.min(most) })
            }
        };
    }
}
