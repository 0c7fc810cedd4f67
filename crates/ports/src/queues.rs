//! Queues of "look at these".

use std::time::Duration;

use async_trait::async_trait;
use domain::message::{QueueName, WorkMessage};

use crate::Result;

/// Messages in one send or receive at most (SQS).
pub const MOST_MESSAGES: usize = 10;

/// Longest delay of a message (SQS).
pub const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What it says.
    pub look: WorkMessage,
    /// Not delivered earlier than after this long; at most [`LONGEST_DELAY`].
    pub delay: Duration,
}

/// Names one delivery of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// A message that was delivered, and will be again unless it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What it says.
    pub look: WorkMessage,
    /// What to acknowledge it with.
    pub receipt: Receipt,
}

/// Queues that deliver at least once, in any order, fairly between brands.
///
/// # Errors
/// Every method fails when the queue cannot be reached; a failed send may have been taken.
#[async_trait]
pub trait Queues: Send + Sync {
    /// Sends at most [`MOST_MESSAGES`] messages. Durable when it returns.
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<()>;

    /// Takes up to [`MOST_MESSAGES`], waiting up to `wait` for the first. What is not acknowledged comes again.
    async fn receive(&self, queue: QueueName, wait: Duration) -> Result<Vec<Delivery>>;

    /// Ends the redelivery of messages. At most [`MOST_MESSAGES`].
    async fn acknowledge(&self, queue: QueueName, receipts: &[Receipt]) -> Result<()>;
}
