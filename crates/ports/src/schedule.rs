//! Messages for a later moment.

use async_trait::async_trait;
use domain::Timestamp;
use domain::message::{Look, QueueName};

use crate::Result;

/// One-time schedules, precise to about a minute. They fire late, or twice, and may be lost: the tick makes certain.
#[async_trait]
pub trait Schedule: Send + Sync {
    /// Puts `look` on `queue` at `time`. Scheduling the same again changes nothing.
    ///
    /// # Errors
    /// When the schedule cannot be kept.
    async fn at(&self, time: Timestamp, queue: QueueName, look: Look) -> Result<()>;
}
