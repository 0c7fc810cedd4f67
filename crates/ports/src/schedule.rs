//! Messages that are sent at a later moment.

use async_trait::async_trait;
use domain::Timestamp;
use domain::message::{QueueName, WorkMessage};

use crate::Result;

const MINUTE: i64 = 60;

/// Why a message is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulePurpose {
    /// A participation is due at that moment: the message must not come earlier.
    Due,
    /// A request slot begins at that moment and may end soon: the message should rather come early than late.
    Slot,
}

/// One-time schedules. They may fire late or twice, or be lost: the tick makes up for it.
#[async_trait]
pub trait Schedule: Send + Sync {
    /// When a message that is wanted at `time` is put on its queue, with the precision of this scheduler: to
    /// the second by default. Messages for which this moment is the same can be scheduled together.
    fn fires_at(&self, time: Timestamp, purpose: SchedulePurpose) -> Timestamp {
        match purpose {
            SchedulePurpose::Due => whole_second(time),
            SchedulePurpose::Slot => time,
        }
    }

    /// Puts `look` on `queue` at `time`. Scheduling the same message again changes nothing.
    ///
    /// # Errors
    /// If the schedule cannot be stored.
    async fn at(&self, time: Timestamp, queue: QueueName, look: WorkMessage) -> Result<()>;
}

fn whole_second(time: Timestamp) -> Timestamp {
    let second = time.as_second().saturating_add(i64::from(time.subsec_nanosecond() > 0));
    Timestamp::from_second(second).unwrap_or(time)
}

/// When a schedule that fires at any time within a minute (EventBridge; AWS docs, Schedule types) puts its
/// message on the queue: for what is due, in the next whole minute, and for a slot, in the minute before its
/// own.
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
    fn a_due_message_is_never_early_and_a_slot_message_never_late() {
        for milliseconds in [0, 1, 59_999, 60_000, 60_001, 1_799_999_999_999, 1_800_000_000_000] {
            let time = Timestamp::from_millisecond(milliseconds).unwrap();
            assert!(whole_second(time) >= time && by_the_minute(time, SchedulePurpose::Due) > time);
            assert!(by_the_minute(time, SchedulePurpose::Slot) < time);
        }
        assert_eq!(by_the_minute(Timestamp::MAX, SchedulePurpose::Due), Timestamp::MAX);
    }
}
