//! From the queues to steps, in one process: one lane a queue and brand. A slow workspace holds up no other brand, and a consumer
//! who may be credited by one read of a status does not wait behind e-mail look-ups.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::identity::{BrandId, ParticipationId};
use domain::message::QueueName;
use domain::time::later;
use futures::future::{join, join_all};
use ports::error::in_full;
use ports::queues::{Delivery, MOST_MESSAGES, Receipt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::step::Connector;

/// How long a busy lane waits for its batch to fill. An idle one goes at once.
pub const LINGER: Duration = Duration::from_millis(50);

/// How long one look at the queue lasts.
const RECEIVE_WAIT: Duration = Duration::from_secs(20);

/// A pause after the queue or store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Participations stepped together: two full requests of 75.
const MOST_IN_STEP: usize = 150;

/// Deliveries that wait in a lane. What does not fit is left to come again.
const LANE_LENGTH: usize = 1_024;

/// Takes messages off the queues and steps what they name.
pub struct Worker {
    connector: Arc<Connector>,
    linger: Duration,
}

impl Worker {
    /// A worker for a connector; `linger` is usually [`LINGER`].
    #[must_use]
    pub fn new(connector: Arc<Connector>, linger: Duration) -> Self {
        Self { connector, linger }
    }

    /// Works, and tells Quikly the news, until `stop` turns true; what is under way is finished first.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        let queues = QueueName::ALL.map(|queue| self.work_on(queue, stop.clone()));
        join(join_all(queues), self.connector.carry_news(stop.clone())).await;
    }

    async fn work_on(&self, queue: QueueName, mut stop: watch::Receiver<bool>) {
        let mut lanes: HashMap<BrandId, mpsc::Sender<Delivery>> = HashMap::new();
        let mut tasks = JoinSet::new();
        while !*stop.borrow() {
            let received = tokio::select! {
                received = self.connector.outside.queues.receive(queue, RECEIVE_WAIT) => received,
                _changed = stop.changed() => break,
            };
            let deliveries = match received {
                Ok(deliveries) => deliveries,
                Err(error) => {
                    tracing::error!(error = %in_full(&error), "connector.queue_failed");
                    self.connector.outside.clock.sleep(PAUSE).await;
                    continue;
                }
            };
            for delivery in deliveries {
                let lane = lanes.entry(delivery.look.brand.clone()).or_insert_with_key(|brand| {
                    let (sender, receiver) = mpsc::channel(LANE_LENGTH);
                    let (connector, brand) = (self.connector.clone(), brand.clone());
                    let lane = Lane { connector, queue, brand, linger: self.linger };
                    tasks.spawn(lane.run(receiver, stop.clone()));
                    sender
                });
                let _full = lane.try_send(delivery);
            }
        }
        lanes.clear();
        while tasks.join_next().await.is_some() {}
    }
}

struct Lane {
    connector: Arc<Connector>,
    queue: QueueName,
    brand: BrandId,
    linger: Duration,
}

impl Lane {
    async fn run(self, mut deliveries: mpsc::Receiver<Delivery>, stop: watch::Receiver<bool>) {
        let mut last_step: Option<Timestamp> = None;
        while let Some(first) = deliveries.recv().await {
            if *stop.borrow() {
                return;
            }
            let batch = self.gather(first, &mut deliveries, last_step).await;
            self.step(batch).await;
            last_step = Some(self.connector.outside.clock.now());
        }
    }

    /// The first delivery and what comes with it; a lane that stepped a moment ago waits a moment for more.
    async fn gather(
        &self,
        first: Delivery,
        deliveries: &mut mpsc::Receiver<Delivery>,
        last_step: Option<Timestamp>,
    ) -> Vec<Delivery> {
        let now = self.connector.outside.clock.now();
        let busy = last_step.is_some_and(|last| now < later(last, self.linger));
        let mut named = first.look.ids.len();
        let mut batch = vec![first];
        let over = self.connector.outside.clock.sleep(if busy { self.linger } else { Duration::ZERO });
        tokio::pin!(over);
        while named < MOST_IN_STEP {
            let next = tokio::select! {
                biased;
                next = deliveries.recv() => next,
                () = &mut over => None,
            };
            let Some(next) = next else { break };
            named += next.look.ids.len();
            batch.push(next);
        }
        batch
    }

    /// Acknowledged only once everything is saved. What fails comes again.
    async fn step(&self, batch: Vec<Delivery>) {
        let ids: Vec<ParticipationId> = batch.iter().flat_map(|one| one.look.ids.iter().copied()).collect();
        let done = match self.queue {
            QueueName::Awards => self.connector.enter(&self.brand, &ids).await,
            QueueName::EmailEnrollments | QueueName::SmsSubscriptions => {
                self.connector.step(&self.brand, &ids).await.map(|_| ())
            }
        };
        if let Err(error) = done {
            tracing::error!(brand = %self.brand, error = %in_full(&error), "connector.step_failed: it is done again");
            self.connector.outside.clock.sleep(PAUSE).await;
            return;
        }
        let receipts: Vec<Receipt> = batch.into_iter().map(|one| one.receipt).collect();
        for some in receipts.chunks(MOST_MESSAGES) {
            if let Err(error) = self.connector.outside.queues.acknowledge(self.queue, some).await {
                tracing::warn!(brand = %self.brand, error = %in_full(&error), "connector.not_acknowledged: it comes again");
            }
        }
    }
}
