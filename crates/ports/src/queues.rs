//! Queues of messages that say "process these participations".

use std::time::Duration;

use async_trait::async_trait;
use domain::message::{QueueName, WorkMessage};

use crate::Result;

/// The most messages in one send or receive (SQS).
pub const MOST_MESSAGES: usize = 10;

/// The longest delay of a message (SQS).
pub const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The message.
    pub look: WorkMessage,
    /// The time before which the message is not delivered; at most [`LONGEST_DELAY`].
    pub delay: Duration,
}

/// The handle of one delivery of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// A delivered message, which is delivered again unless it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub look: WorkMessage,
    /// The handle to acknowledge it with.
    pub receipt: Receipt,
}

/// Queues that deliver at least once, in any order, and fairly between brands.
///
/// # Errors
/// Every method fails if the queue cannot be reached; a failed send may have been accepted.
#[async_trait]
pub trait Queues: Send + Sync {
    /// Sends at most [`MOST_MESSAGES`] messages. They are durable when it returns.
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<()>;

    /// Announces participations that were just stored, in at most [`MOST_MESSAGES`] messages. A message may be lost when the process ends:
    /// the store has the participations as due, so the tick finds them.
    async fn announce(&self, queue: QueueName, looks: Vec<WorkMessage>) -> Result<()> {
        let message = |look| Outgoing { look, delay: Duration::ZERO };
        self.send(queue, looks.into_iter().map(message).collect()).await
    }

    /// Whether the queue itself puts announcements that arrive one by one into shared messages. If it does, its caller need not gather them.
    fn gathers_announcements(&self) -> bool {
        false
    }

    /// Receives up to [`MOST_MESSAGES`], and waits up to `wait` for the first. A message that is not
    /// acknowledged is delivered again.
    async fn receive(&self, queue: QueueName, wait: Duration) -> Result<Vec<Delivery>>;

    /// Acknowledges deliveries, so that they are not repeated. At most [`MOST_MESSAGES`].
    async fn acknowledge(&self, queue: QueueName, receipts: &[Receipt]) -> Result<()>;
}
