//! The counters of request slots.

use async_trait::async_trait;
use domain::Timestamp;
use domain::reservation::{Observed, Reservation, WantedSlots, Windows};
use ports::Result;
use ports::limits::{ContractLane, Limits};

use crate::{Memory, MemoryState, failed};

#[async_trait]
impl Limits for Memory {
    async fn reserve(&self, lane: &ContractLane, wanted: WantedSlots, now: Timestamp) -> Result<Reservation> {
        let mut state = self.lock();
        if state.fate.strikes("writes failed", |faults| faults.write_fails) {
            return Err(failed("booking requests"));
        }
        let windows = windows(&mut state, lane, now);
        Ok(windows.book_with_spare(wanted, now))
    }

    async fn observe(&self, lane: &ContractLane, observed: Observed, now: Timestamp) -> Result<()> {
        let mut state = self.lock();
        if state.fate.strikes("writes failed", |faults| faults.write_fails) {
            return Err(failed("correcting limits"));
        }
        let windows = windows(&mut state, lane, now);
        let _news = windows.correct(observed, now);
        Ok(())
    }
}

fn windows<'a>(state: &'a mut MemoryState, lane: &ContractLane, now: Timestamp) -> &'a mut Windows {
    let windows = state.limits.entry(lane.lane.clone()).or_insert_with(|| Windows::new(lane.contract, now));
    windows.go_by(lane.contract, now);
    windows
}
