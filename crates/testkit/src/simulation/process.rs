//! The processes of a run: like `serve`, or functions that are called as by Lambda. When one dies, another one starts.

use std::sync::Arc;
use std::time::Duration;

use connector::{Connector, Deps, LINGER, TICK, Worker};
use domain::ids::{BrandId, ParticipationId};
use domain::message::QueueName;
use lambda::batch::{Batch, each_brand};
use ports::queues::{Delivery, Receipt};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::campaign::Campaign;
use crate::simulation::line::{KILLED, SharedRun};
use crate::simulation::mortal::{Life, Mortal};
use crate::simulation::{Mutation, Runs};

/// How long a function waits for messages.
const RECEIVE_WAIT: Duration = Duration::from_secs(20);

/// The number of concurrent invocations of a function.
const CALLERS: usize = 2;

/// How long the caller of a function waits before it delivers a failed batch's messages again.
const PAUSE: Duration = Duration::from_secs(1);

/// The processes that run, and how long each of them lives.
pub(crate) struct Processes {
    lives: Vec<Arc<Life>>,
    /// A connector that runs further ticks.
    pub(crate) beside: Arc<Connector>,
    _tasks: JoinSet<()>,
}

impl Processes {
    pub(crate) fn start(
        campaign: &Arc<Campaign>,
        runs: Runs,
        line: &Arc<SharedRun>,
        mutation: Option<Mutation>,
    ) -> Self {
        let count = if runs == Runs::TwoProcesses { 2 } else { 1 };
        let lives: Vec<Arc<Life>> = (0..count).map(|_| Life::endless()).collect();
        let mut tasks = JoinSet::new();
        for life in &lives {
            tasks.spawn_local(live(campaign.clone(), runs, life.clone(), line.clone(), mutation));
        }
        let endless = Mortal::new(campaign, &Life::endless(), line, mutation);
        Self { lives, beside: campaign.connector_over(endless.deps()), _tasks: tasks }
    }

    /// Makes one of the processes die at its n-th effect from now.
    pub(crate) fn crash(&self, process: u8, effects: u8) {
        if let Some(life) = self.lives.get(usize::from(process) % self.lives.len()) {
            life.ends_at(u64::from(effects));
        }
    }

    /// From now on no process dies.
    pub(crate) fn live_on(&self) {
        for life in &self.lives {
            life.ends_at(u64::MAX);
        }
    }
}

/// Starts a process, and starts it again whenever it dies.
async fn live(
    campaign: Arc<Campaign>,
    runs: Runs,
    life: Arc<Life>,
    line: Arc<SharedRun>,
    mutation: Option<Mutation>,
) {
    loop {
        let deps = Mortal::new(&campaign, &life, &line, mutation).deps();
        let connector = campaign.connector_over(deps.clone());
        let mut tasks = JoinSet::new();
        match runs {
            Runs::OneProcess | Runs::TwoProcesses => serve(&connector, &deps, &mut tasks),
            Runs::Functions => call(&connector, &deps, &mut tasks),
        }
        life.over.notified().await;
        line.count(KILLED);
        life.ends_at(u64::MAX);
    }
}

fn serve(connector: &Arc<Connector>, deps: &Deps, tasks: &mut JoinSet<()>) {
    let (worker, (alive, stop)) = (Worker::new(connector.clone(), LINGER), watch::channel(false));
    tasks.spawn_local(async move {
        let _alive = alive;
        worker.run(stop).await;
    });
    let (connector, clock) = (connector.clone(), deps.clock.clone());
    tasks.spawn_local(async move {
        let _the_tick_tries_again = (connector.refill().await, connector.catch_up().await);
        loop {
            let _the_next_one_tries_again = connector.tick().await;
            clock.sleep(TICK).await;
        }
    });
}

/// Passes every queue's messages to a function, and calls the poller every minute.
fn call(connector: &Arc<Connector>, deps: &Deps, tasks: &mut JoinSet<()>) {
    let callers = QueueName::ALL.into_iter().flat_map(|queue| std::iter::repeat_n(queue, CALLERS));
    for queue in callers {
        let (connector, deps) = (connector.clone(), deps.clone());
        tasks.spawn_local(async move {
            loop {
                match deps.queues.receive(queue, RECEIVE_WAIT).await {
                    Ok(deliveries) => invoke(&connector, &deps, queue, deliveries).await,
                    Err(_) => deps.clock.sleep(PAUSE).await,
                }
            }
        });
    }
    let (connector, clock) = (connector.clone(), deps.clock.clone());
    tasks.spawn_local(async move {
        loop {
            let _the_next_one_tries_again = (connector.tick().await, connector.refill().await);
            while connector.dispatch().await.is_ok_and(|told| told.tried > 0) {}
            clock.sleep(TICK).await;
        }
    });
}

/// One invocation with a batch, as by the event source mapping: messages that the function does not report as failed are deleted.
async fn invoke(connector: &Connector, deps: &Deps, queue: QueueName, deliveries: Vec<Delivery>) {
    if deliveries.is_empty() {
        return;
    }
    let record = |delivery: &Delivery| json!({ "messageId": delivery.receipt.0, "body": aws::message::encode(&delivery.look) });
    let records: Vec<Value> = deliveries.iter().map(record).collect();
    let Ok(batch) = serde_json::from_value::<Batch>(json!({ "Records": records })) else { return };
    let work = async |brand: &BrandId, ids: &[ParticipationId]| connector.step(brand, ids).await.map(|_| ());
    let answer = serde_json::to_value(each_brand(batch, work).await).unwrap_or_default();
    let failed: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|failure| failure["itemIdentifier"].as_str())
        .collect();
    let done: Vec<Receipt> = deliveries
        .into_iter()
        .map(|delivery| delivery.receipt)
        .filter(|receipt| !failed.contains(&receipt.0.as_str()))
        .collect();
    let _comes_again = deps.queues.acknowledge(queue, &done).await;
    let _the_poller_tells = connector.deliver_callbacks().await;
}
