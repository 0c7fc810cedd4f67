//! The messages of a process that may die.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::message::{QueueName, WorkMessage};
use ports::queues::{Delivery, Outgoing, Receipt};
use ports::schedule::SchedulePurpose;
use ports::{Queues, Result, Schedule};

use super::Mortal;

#[async_trait]
impl Queues for Mortal {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<()> {
        for message in &messages {
            self.may_be_told(&aws::message::encode(&message.look));
        }
        self.life.effect(self.ports.queues.send(queue, messages)).await
    }

    async fn receive(&self, queue: QueueName, wait: Duration) -> Result<Vec<Delivery>> {
        self.ports.queues.receive(queue, wait).await
    }

    async fn acknowledge(&self, queue: QueueName, receipts: &[Receipt]) -> Result<()> {
        self.life.effect(self.ports.queues.acknowledge(queue, receipts)).await
    }
}

#[async_trait]
impl Schedule for Mortal {
    fn fires_at(&self, time: Timestamp, purpose: SchedulePurpose) -> Timestamp {
        self.ports.schedule.fires_at(time, purpose)
    }

    async fn at(&self, time: Timestamp, queue: QueueName, look: WorkMessage) -> Result<()> {
        self.may_be_told(&aws::message::encode(&look));
        self.life.effect(self.ports.schedule.at(time, queue, look)).await
    }
}
