//! The queues, as a function uses them: it sends. Lambda receives and acknowledges for it.

use std::time::Duration;

use async_trait::async_trait;
use aws::sqs::Sqs;
use domain::message::QueueName;
use ports::queues::{Delivery, Outgoing, Queues, Receipt};
use ports::{Error, Result};

/// Queues that can be sent to. A function does not contain SQS's code for the rest, which is a tenth of a megabyte.
#[derive(Debug)]
pub(crate) struct SendingQueues(pub(crate) Sqs);

impl SendingQueues {
    /// Opens a connection, so that the first message does not wait for it.
    pub(crate) async fn connect(&self) {
        self.0.connect().await;
    }
}

fn received_by_lambda(doing: &'static str) -> Error {
    Error::unavailable(doing, "Lambda does it for a function")
}

#[async_trait]
impl Queues for SendingQueues {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<()> {
        self.0.send(queue, messages).await
    }

    async fn receive(&self, _queue: QueueName, _wait: Duration) -> Result<Vec<Delivery>> {
        Err(received_by_lambda("receiving messages"))
    }

    async fn acknowledge(&self, _queue: QueueName, _receipts: &[Receipt]) -> Result<()> {
        Err(received_by_lambda("acknowledging messages"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[tokio::test]
    async fn a_function_neither_receives_nor_acknowledges_messages_itself() {
        let queues = SendingQueues(Sqs::new(&aws::function(), HashMap::new()));
        let received = queues.receive(QueueName::EmailEnrollments, Duration::ZERO).await;
        let acknowledged = queues.acknowledge(QueueName::EmailEnrollments, &[]).await;
        for error in [received.unwrap_err(), acknowledged.unwrap_err()] {
            assert!(ports::error::in_full(&error).contains("Lambda does it for a function"), "{error}");
        }
    }
}
