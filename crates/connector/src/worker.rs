//! Takes messages from the queues to steps in one process, with one lane for each queue and brand. A slow
//! workspace does not hold up other brands, and a consumer who can be credited after one status read does not
//! wait behind e-mail look-ups.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use domain::message::QueueName;
use domain::time::later;
use futures::future::{BoxFuture, join, join_all};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;
use ports::error::in_full;
use ports::queues::{Delivery, MOST_MESSAGES, Receipt};
use supervision::Supervisor;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::connector::Connector;

/// How long a busy lane waits for its batch to fill. An idle lane begins at once.
pub const LINGER: Duration = Duration::from_millis(50);

/// How long one receive call waits for messages.
const RECEIVE_WAIT: Duration = Duration::from_secs(20);

/// The pause after the queue or the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The most participations in one step: two full requests of 75.
const MOST_IN_STEP: usize = 150;

/// The most steps of a lane in flight: enough to continue look-ups while other steps wait for answers or
/// write.
const MOST_STEPS: usize = 4;

/// How long a step that is not full waits for more messages while others are in flight.
const BESIDE: Duration = Duration::from_millis(250);

/// The most deliveries that wait in a lane. Others are not acknowledged and come again.
const LANE_LENGTH: usize = 1_024;

/// Receives messages from the queues and processes the participations that they name.
pub struct Worker {
    connector: Arc<Connector>,
    linger: Duration,
    supervisor: Supervisor,
}

impl Worker {
    /// Makes a worker for a connector; `linger` is usually [`LINGER`].
    #[must_use]
    pub fn new(connector: Arc<Connector>, linger: Duration) -> Self {
        let deps = &connector.deps;
        let supervisor = Supervisor::new(deps.clock.clone(), deps.chance.clone(), deps.troubles.clone());
        Self { connector, linger, supervisor }
    }

    /// Returns the worker with its tasks restarted by `supervisor`, together with those of others.
    #[must_use]
    pub fn under(self, supervisor: Supervisor) -> Self {
        Self { supervisor, ..self }
    }

    /// Works and sends callbacks until `stop` turns true; work in flight is finished first. A part that fails
    /// is restarted.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        let queues = QueueName::ALL.map(|queue| self.work_on(queue, stop.clone()));
        let dispatcher = || self.connector.deliver_until_stopped(stop.clone());
        join(join_all(queues), self.supervisor.keep("courier", stop.clone(), dispatcher)).await;
    }

    async fn work_on(&self, queue: QueueName, stop: watch::Receiver<bool>) {
        let lanes = Lanes { worker: self, queue, senders: Mutex::default(), tasks: Mutex::default() };
        let name = format!("queue {}", queue.name());
        self.supervisor.keep(&name, stop.clone(), || lanes.fill(stop.clone())).await;
        lanes.finish().await;
    }
}

/// The lanes of a queue. They outlive the task that fills them.
struct Lanes<'a> {
    worker: &'a Worker,
    queue: QueueName,
    senders: Mutex<HashMap<BrandId, mpsc::Sender<Delivery>>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Lanes<'_> {
    /// Receives messages from the queue and puts them into their brands' lanes.
    async fn fill(&self, mut stop: watch::Receiver<bool>) {
        let deps = &self.worker.connector.deps;
        while !*stop.borrow() {
            let received = tokio::select! {
                received = deps.queues.receive(self.queue, RECEIVE_WAIT) => received,
                _changed = stop.changed() => return,
            };
            match received {
                Ok(deliveries) => {
                    for delivery in deliveries {
                        let _full = self.of(&delivery.look.brand, &stop).try_send(delivery);
                    }
                }
                Err(error) => {
                    let now = deps.clock.now();
                    if let Some(line) =
                        deps.troubles.repeats().line("connector.queue_failed", self.queue.name(), now)
                    {
                        let (queue, times) = (self.queue.name(), line.times);
                        tracing::error!(event = "connector.queue_failed", queue, times, error = %in_full(&error), "Messages cannot be received.");
                    }
                    deps.clock.sleep(PAUSE).await;
                }
            }
        }
    }

    /// The sender of a brand's lane. Its messages are kept outside of its task, which may be restarted.
    fn of(&self, brand: &BrandId, stop: &watch::Receiver<bool>) -> mpsc::Sender<Delivery> {
        let mut senders = self.senders.lock();
        if let Some(sender) = senders.get(brand) {
            return sender.clone();
        }
        let (sender, receiver) = mpsc::channel(LANE_LENGTH);
        let Worker { connector, linger, supervisor } = self.worker;
        let lane = BrandQueue {
            connector: connector.clone(),
            queue: self.queue,
            brand: brand.clone(),
            linger: *linger,
            deliveries: tokio::sync::Mutex::new(receiver),
        };
        let (lane, supervisor, stop) = (Arc::new(lane), supervisor.clone(), stop.clone());
        let name = format!("lane {} {brand}", self.queue.name());
        self.tasks.lock().spawn(async move {
            supervisor.keep(&name, stop.clone(), || lane.clone().run(stop.clone())).await;
        });
        senders.insert(brand.clone(), sender.clone());
        sender
    }

    /// Waits for the steps in flight.
    async fn finish(&self) {
        self.senders.lock().clear();
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        while tasks.join_next().await.is_some() {}
    }
}

struct BrandQueue {
    connector: Arc<Connector>,
    queue: QueueName,
    brand: BrandId,
    linger: Duration,
    deliveries: tokio::sync::Mutex<mpsc::Receiver<Delivery>>,
}

/// The steps of a lane in flight.
type Steps<'a> = FuturesUnordered<BoxFuture<'a, ()>>;

impl BrandQueue {
    async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut deliveries = self.deliveries.lock().await;
        let mut steps = Steps::new();
        let mut last_step: Option<Timestamp> = None;
        loop {
            let first = tokio::select! {
                biased;
                Some(()) = steps.next() => {
                    last_step = Some(self.connector.deps.clock.now());
                    continue;
                }
                first = deliveries.recv(), if steps.len() < MOST_STEPS => first,
            };
            let Some(first) = first.filter(|_| !*stop.borrow()) else { break };
            let batch = self.gather(first, &mut deliveries, &mut steps, last_step).await;
            steps.push(self.step(batch).boxed());
        }
        while steps.next().await.is_some() {}
    }

    /// Collects the first delivery and those that come with it. An idle lane begins at once, and one that was
    /// busy a moment ago waits briefly for more. While other steps are in flight, the next step begins when
    /// it is full, when they end, or when it has waited long enough.
    async fn gather(
        &self,
        first: Delivery,
        deliveries: &mut mpsc::Receiver<Delivery>,
        steps: &mut Steps<'_>,
        last_step: Option<Timestamp>,
    ) -> Vec<Delivery> {
        let clock = &self.connector.deps.clock;
        let busy = last_step.is_some_and(|last| clock.now() < later(last, self.linger));
        let wait = match busy {
            _ if !steps.is_empty() => BESIDE,
            true => self.linger,
            false => Duration::ZERO,
        };
        let mut named = first.look.ids.len();
        let mut batch = vec![first];
        let mut over = clock.sleep(wait);
        while named < MOST_IN_STEP {
            tokio::select! {
                biased;
                next = deliveries.recv() => {
                    let Some(next) = next else { break };
                    named += next.look.ids.len();
                    batch.push(next);
                }
                Some(()) = steps.next() => {
                    if steps.is_empty() {
                        over = clock.sleep(self.linger);
                    }
                }
                () = &mut over => break,
            }
        }
        batch
    }

    /// Processes a batch, and acknowledges it only after everything is saved. A batch that fails is delivered
    /// again.
    async fn step(&self, batch: Vec<Delivery>) {
        let ids: Vec<ParticipationId> = batch.iter().flat_map(|one| one.look.ids.iter().copied()).collect();
        if let Err(error) = self.connector.step(&self.brand, &ids).await {
            if let Some(line) = self.connector.line("connector.step_failed", self.brand.as_str()) {
                tracing::error!(event = "connector.step_failed", brand = %self.brand, times = line.times, error = %in_full(&error), "A round for the brand failed; it is done again.");
            }
            self.connector.deps.clock.sleep(PAUSE).await;
            return;
        }
        let receipts: Vec<Receipt> = batch.into_iter().map(|one| one.receipt).collect();
        for some in receipts.chunks(MOST_MESSAGES) {
            if let Err(error) = self.connector.deps.queues.acknowledge(self.queue, some).await
                && let Some(line) = self.connector.line("connector.not_acknowledged", self.brand.as_str())
            {
                tracing::warn!(event = "connector.not_acknowledged", brand = %self.brand, times = line.times, error = %in_full(&error), "A message could not be acknowledged; it comes again.");
            }
        }
    }
}
