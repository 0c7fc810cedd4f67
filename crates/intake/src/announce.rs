//! Announces participations on a queue. Those that come in together share messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ids::{BrandId, ParticipationId};
use domain::message::{MOST_IN_MESSAGE, QueueName, WorkMessage};
use ports::clock::SystemClock;
use ports::error::in_full;
use ports::queues::MOST_MESSAGES;
use ports::{Clock, Queues, Troubles};
use supervision::Supervisor;
use tokio::sync::{Mutex, mpsc, watch};

use crate::Announcing;

/// The most announcements that wait while one is being sent.
const MOST_WAITING: usize = 4_096;

/// Sends announcements at once, or through a task that sends what has gathered while it was sending, unless the queue gathers them itself.
#[derive(Clone)]
pub(crate) struct Announcer {
    /// Dropped before the sender to the task, so that the task ends and is not restarted.
    _stop: Arc<watch::Sender<bool>>,
    troubles: Troubles,
    gathering: Option<mpsc::Sender<(QueueName, WorkMessage)>>,
    queues: Arc<dyn Queues>,
}

impl Announcer {
    /// Starts an announcer.
    pub(crate) fn start(
        queues: Arc<dyn Queues>,
        announcing: Announcing,
        supervisor: &Supervisor,
        troubles: &Troubles,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let gathering = (announcing == Announcing::Together && !queues.gathers_announcements()).then(|| {
            let (sender, receiver) = mpsc::channel(MOST_WAITING);
            // Waiting announcements are kept outside of the task, which may be restarted.
            let waiting = Arc::new(Mutex::new(receiver));
            let (supervisor, queues, troubles) = (supervisor.clone(), queues.clone(), troubles.clone());
            tokio::spawn(async move {
                let send = || send_all(queues.clone(), waiting.clone(), troubles.clone());
                supervisor.keep("announcer", stopped, send).await;
            });
            sender
        });
        Self { _stop: Arc::new(stop), troubles: troubles.clone(), gathering, queues }
    }

    /// Sends an announcement, or hands it to the task once there is room. If it is lost, the participation is
    /// durable already, and the tick finds it a minute later.
    pub(crate) async fn announce(&self, queue: QueueName, look: WorkMessage) {
        match &self.gathering {
            Some(gathering) => {
                let _ended = gathering.send((queue, look)).await;
            }
            None => {
                if let Err(error) = self.queues.announce(queue, vec![look]).await {
                    say_failed(&self.troubles, queue, &error);
                }
            }
        }
    }
}

/// Logs, once a minute, that accepted participations could not be announced.
fn say_failed(troubles: &Troubles, queue: QueueName, error: &ports::Error) {
    if let Some(line) = troubles.repeats().line("intake.announce_failed", queue.name(), SystemClock.now()) {
        let (queue, times) = (queue.name(), line.times);
        tracing::warn!(event = "intake.announce_failed", queue, times, error = %in_full(error), "Accepted participations could not be announced; the tick will find them.");
    }
}

async fn send_all(
    queues: Arc<dyn Queues>,
    waiting: Arc<Mutex<mpsc::Receiver<(QueueName, WorkMessage)>>>,
    troubles: Troubles,
) {
    let mut waiting = waiting.lock().await;
    let mut gathered = Vec::new();
    while waiting.recv_many(&mut gathered, MOST_IN_MESSAGE * MOST_MESSAGES).await > 0 {
        for (queue, messages) in messages(&gathered) {
            for some in messages.chunks(MOST_MESSAGES) {
                if let Err(error) = queues.announce(queue, some.to_vec()).await {
                    say_failed(&troubles, queue, &error);
                }
            }
        }
        gathered.clear();
    }
}

/// Makes as few messages as possible: one for all participations of a brand, up to a message's length.
fn messages(announced: &[(QueueName, WorkMessage)]) -> BTreeMap<QueueName, Vec<WorkMessage>> {
    let mut by_brand: BTreeMap<(QueueName, &BrandId), Vec<ParticipationId>> = BTreeMap::new();
    for (queue, look) in announced {
        by_brand.entry((*queue, &look.brand)).or_default().extend(&look.ids);
    }
    let mut messages: BTreeMap<QueueName, Vec<WorkMessage>> = BTreeMap::new();
    for ((queue, brand), ids) in by_brand {
        let looks =
            ids.chunks(MOST_IN_MESSAGE).map(|ids| WorkMessage { brand: brand.clone(), ids: ids.to_vec() });
        messages.entry(queue).or_default().extend(looks);
    }
    messages
}
