//! Schedules that fire late, twice, or not at all.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::message::{QueueName, WorkMessage};
use domain::time::later;
use ports::schedule::{SchedulePurpose, by_the_minute};
use ports::{Result, Schedule};

use crate::Memory;

/// The longest delay of a late schedule.
const LATEST: Duration = Duration::from_secs(120);

#[async_trait]
impl Schedule for Memory {
    /// Schedules fire by the minute, as on AWS, unless `fire_exactly` was called.
    fn fires_at(&self, time: Timestamp, purpose: SchedulePurpose) -> Timestamp {
        if self.lock().fires_exactly { time } else { by_the_minute(time, purpose) }
    }

    async fn at(&self, time: Timestamp, queue: QueueName, look: WorkMessage) -> Result<()> {
        {
            let mut state = self.lock();
            if state.fate.strikes("schedules lost", |faults| faults.schedule_lost) {
                return Ok(());
            }
            let late = state.fate.strikes("schedules late", |faults| faults.schedule_late);
            let time = if late { later(time, state.fate.delay(LATEST)) } else { time };
            if state.fate.strikes("schedules twice", |faults| faults.schedule_twice) {
                state.put(queue, look.clone(), time);
            }
            if state.scheduled.insert((time, queue, look.clone())) {
                state.put(queue, look, time);
            }
        }
        self.sent.notify_waiters();
        Ok(())
    }
}
