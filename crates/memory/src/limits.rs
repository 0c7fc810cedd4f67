//! The counters of request slots.

use async_trait::async_trait;
use domain::Timestamp;
use domain::reservation::{Allowance, Observed, Reservation, Windows};
use ports::Result;
use ports::limits::{Lane, Limits};

use crate::{Memory, failed};

#[async_trait]
impl Limits for Memory {
    async fn reserve(
        &self,
        lane: &Lane,
        count: u32,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<Reservation> {
        let mut state = self.lock();
        if state.fate.strikes("writes failed", |faults| faults.write_fails) {
            return Err(failed("booking requests"));
        }
        let windows = state.limits.entry(lane.clone()).or_insert_with(|| Windows::new(allowance, now));
        Ok(windows.book(count, now))
    }

    async fn observe(
        &self,
        lane: &Lane,
        observed: Observed,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<()> {
        let mut state = self.lock();
        if state.fate.strikes("writes failed", |faults| faults.write_fails) {
            return Err(failed("correcting limits"));
        }
        let windows = state.limits.entry(lane.clone()).or_insert_with(|| Windows::new(allowance, now));
        let _news = windows.correct(observed, now);
        Ok(())
    }
}
