//! Messages for a later moment.

use async_trait::async_trait;
use domain::Timestamp;
use domain::message::{QueueName, WorkMessage};

use crate::Result;

const MINUTE: i64 = 60;

/// What a look is scheduled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulePurpose {
    /// Something is due then: not before.
    Due,
    /// A request slot begins then and may soon be over: rather before than after.
    Slot,
}

/// One-time schedules. They fire late, or twice, and may be lost: the tick makes certain.
#[async_trait]
pub trait Schedule: Send + Sync {
    /// When a look that is wanted at `time` is put on its queue, as precisely as schedules are here: to the second, unless said otherwise.
    /// Looks for which this is the same can be scheduled together.
    fn fires_at(&self, time: Timestamp, purpose: SchedulePurpose) -> Timestamp {
        match purpose {
            SchedulePurpose::Due => whole_second(time),
            SchedulePurpose::Slot => time,
        }
    }

    /// Puts `look` on `queue` at `time`. Scheduling the same again changes nothing.
    ///
    /// # Errors
    /// When the schedule cannot be kept.
    async fn at(&self, time: Timestamp, queue: QueueName, look: WorkMessage) -> Result<()>;
}

fn whole_second(time: Timestamp) -> Timestamp {
    let second = time.as_second().saturating_add(i64::from(time.subsec_nanosecond() > 0));
    Timestamp::from_second(second).unwrap_or(time)
}

/// When schedules that fire somewhere within a minute (EventBridge; AWS docs, Schedule types) put a look on its queue: in the next whole
/// minute what is due, and in the minute before its own what holds a slot.
#[must_use]
pub fn by_the_minute(time: Timestamp, purpose: SchedulePurpose) -> Timestamp {
    let minute = time.as_second().div_euclid(MINUTE);
    let minute = match purpose {
        SchedulePurpose::Due => minute.saturating_add(1),
        SchedulePurpose::Slot => minute.saturating_sub(1),
    };
    Timestamp::from_second(minute.saturating_mul(MINUTE)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_never_fires_before_and_a_slot_never_after() {
        for milliseconds in [0, 1, 59_999, 60_000, 60_001, 1_799_999_999_999, 1_800_000_000_000] {
            let time = Timestamp::from_millisecond(milliseconds).unwrap();
            assert!(whole_second(time) >= time && by_the_minute(time, SchedulePurpose::Due) > time);
            assert!(by_the_minute(time, SchedulePurpose::Slot) < time);
        }
        assert_eq!(by_the_minute(Timestamp::MAX, SchedulePurpose::Due), Timestamp::MAX);
    }
}
