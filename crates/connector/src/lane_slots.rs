//! Books request slots. Those that this process has to spare come first, so that most batches of a busy process book nothing.

use std::collections::HashMap;

use domain::Timestamp;
use domain::reservation::{Observed, Reservation, SpareSlots};
use parking_lot::Mutex;
use ports::limits::{ContractLane, Lane, Limits};

/// The spare slots of this process, by brand and endpoint.
#[derive(Default)]
pub(crate) struct LaneSlots(Mutex<HashMap<Lane, SpareSlots>>);

impl LaneSlots {
    /// Returns slots for so many requests, as far as there are any.
    ///
    /// # Errors
    /// If slots have to be booked and cannot be. Spare slots that were taken stay unused then.
    pub(crate) async fn reserve(
        &self,
        limits: &dyn Limits,
        lane: &ContractLane,
        requests: u32,
        now: Timestamp,
    ) -> ports::Result<Reservation> {
        // Work that takes what others leave must not take it in advance.
        if lane.contract.leftover {
            return limits.reserve(lane, requests.into(), now).await;
        }
        let period = lane.contract.allowance.period;
        let (taken, wanted) = {
            let mut lanes = self.0.lock();
            let slots = lanes.entry(lane.lane.clone()).or_default();
            let taken = slots.take(requests, period, now);
            let left = requests - taken.map_or(0, |taken| taken.count);
            (taken, slots.wanted(left, period, now))
        };
        if wanted.requests == 0 && taken.is_some() {
            return Ok(Reservation { booked: taken.into_iter().collect(), ..Reservation::default() });
        }
        let mut reservation = limits.reserve(lane, wanted, now).await?;
        self.0.lock().entry(lane.lane.clone()).or_default().booked(&reservation, period, now);
        reservation.booked.splice(0..0, taken);
        Ok(reservation)
    }

    /// Takes in what answers said about the limit of a lane.
    pub(crate) fn hear(&self, lane: &Lane, said: &[Observed]) {
        if let Some(slots) = self.0.lock().get_mut(lane) {
            said.iter().for_each(|said| slots.hear(*said));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use domain::ids::BrandId;
    use domain::reservation::{Allowance, Contract, WantedSlots, Windows};
    use ports::limits::Endpoint;

    use super::*;
    use crate::endpoints::samples::at;

    /// The counters of one lane, and what was booked, with the spare slots.
    struct CountedBookings(Mutex<(Windows, Vec<u32>)>);

    #[async_trait]
    impl Limits for CountedBookings {
        async fn reserve(
            &self,
            _lane: &ContractLane,
            wanted: WantedSlots,
            now: Timestamp,
        ) -> ports::Result<Reservation> {
            let mut counted = self.0.lock();
            let reservation = counted.0.book_with_spare(wanted, now);
            let spare = reservation.spare.map_or(0, |spare| spare.count);
            counted.1.push(reservation.booked.iter().map(|booked| booked.count).sum::<u32>() + spare);
            Ok(reservation)
        }

        async fn observe(
            &self,
            _lane: &ContractLane,
            _observed: Observed,
            _now: Timestamp,
        ) -> ports::Result<()> {
            Ok(())
        }
    }

    fn lane(leftover: bool) -> ContractLane {
        let allowance = Allowance { requests: 1_000, period: Duration::from_secs(3), by_contract: false };
        let lane = Lane { brand: BrandId::parse("acme").unwrap(), endpoint: Endpoint::StatusGet };
        ContractLane { lane, contract: Contract { leftover, ..allowance.into() } }
    }

    fn bookings() -> CountedBookings {
        CountedBookings(Mutex::new((Windows::new(lane(false).contract, at(0)), Vec::new())))
    }

    #[tokio::test]
    async fn a_busy_process_books_less_often_than_it_sends_and_every_request_has_a_slot() {
        let (slots, limits) = (LaneSlots::default(), bookings());
        for _ in 0..8 {
            let reservation = slots.reserve(&limits, &lane(false), 10, at(1)).await.unwrap();
            assert_eq!(reservation.booked.iter().map(|booked| booked.count).sum::<u32>(), 10);
        }
        assert_eq!(limits.0.lock().1, [10, 20, 40, 80]);
    }

    #[tokio::test]
    async fn after_a_429_requests_are_booked_again() {
        let (slots, limits) = (LaneSlots::default(), bookings());
        for _ in 0..2 {
            slots.reserve(&limits, &lane(false), 10, at(1)).await.unwrap();
        }
        slots.hear(&lane(false).lane, &[Observed::Throttled { until: at(2) }]);
        slots.reserve(&limits, &lane(false), 10, at(1)).await.unwrap();
        assert_eq!(limits.0.lock().1.len(), 3);
    }

    #[tokio::test]
    async fn work_that_takes_what_others_leave_does_not_use_what_was_booked_for_others() {
        let (slots, limits) = (LaneSlots::default(), bookings());
        for _ in 0..2 {
            slots.reserve(&limits, &lane(false), 10, at(1)).await.unwrap();
        }
        slots.reserve(&limits, &lane(true), 10, at(1)).await.unwrap();
        assert_eq!(limits.0.lock().1, [10, 20, 10]);
    }
}
