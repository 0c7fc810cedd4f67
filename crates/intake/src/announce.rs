//! Announces participations on a queue, many in few messages when they come in together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::identity::{BrandId, ParticipationId};
use domain::message::{Look, MOST_IN_MESSAGE, QueueName};
use ports::Queues;
use ports::error::in_full;
use ports::queues::{MOST_MESSAGES, Outgoing};
use tokio::sync::mpsc;

use crate::Entering;

/// Announcements waiting for the one being sent.
const MOST_WAITING: usize = 4_096;

/// Sends announcements: at once, or by a task that sends whatever has gathered while it was sending.
#[derive(Clone)]
pub(crate) struct Announcer {
    gathering: Option<mpsc::Sender<(QueueName, Look)>>,
    queues: Arc<dyn Queues>,
}

impl Announcer {
    /// Where `entering` is in the order of a queue, intake is a function, which is frozen as soon as it has answered: nothing can be left
    /// to a task there.
    pub(crate) fn start(queues: Arc<dyn Queues>, entering: Entering) -> Self {
        let gathering = (entering == Entering::AtOnce).then(|| {
            let (sender, receiver) = mpsc::channel(MOST_WAITING);
            tokio::spawn(send_all(queues.clone(), receiver));
            sender
        });
        Self { gathering, queues }
    }

    /// Puts one on a queue whose order counts, and returns once it is there.
    ///
    /// # Errors
    /// When it may not be there.
    pub(crate) async fn queue(&self, queue: QueueName, look: Look) -> ports::Result<()> {
        self.queues.send(queue, vec![Outgoing { look, delay: Duration::ZERO }]).await
    }

    /// Announces, or has it announced once there is room. Should it get lost, the participation is durable already, and the tick finds
    /// it a minute later.
    pub(crate) async fn announce(&self, queue: QueueName, look: Look) {
        match &self.gathering {
            Some(gathering) => {
                let _ended = gathering.send((queue, look)).await;
            }
            None => {
                if let Err(error) = self.queue(queue, look).await {
                    tracing::warn!(error = %in_full(&error), "intake.announce_failed: the tick will find it");
                }
            }
        }
    }
}

async fn send_all(queues: Arc<dyn Queues>, mut waiting: mpsc::Receiver<(QueueName, Look)>) {
    let mut gathered = Vec::new();
    while waiting.recv_many(&mut gathered, MOST_IN_MESSAGE * MOST_MESSAGES).await > 0 {
        for (queue, messages) in messages(&gathered) {
            for some in messages.chunks(MOST_MESSAGES) {
                if let Err(error) = queues.send(queue, some.to_vec()).await {
                    tracing::warn!(error = %in_full(&error), "intake.announce_failed: the tick will find them");
                }
            }
        }
        gathered.clear();
    }
}

/// As few messages as there can be: one for all of a brand, up to a message's length.
fn messages(announced: &[(QueueName, Look)]) -> BTreeMap<QueueName, Vec<Outgoing>> {
    let mut by_brand: BTreeMap<(QueueName, &BrandId), Vec<ParticipationId>> = BTreeMap::new();
    for (queue, look) in announced {
        by_brand.entry((*queue, &look.brand)).or_default().extend(&look.ids);
    }
    let mut messages: BTreeMap<QueueName, Vec<Outgoing>> = BTreeMap::new();
    for ((queue, brand), ids) in by_brand {
        let looks = ids.chunks(MOST_IN_MESSAGE).map(|ids| Look { brand: brand.clone(), ids: ids.to_vec() });
        messages.entry(queue).or_default().extend(looks.map(|look| Outgoing { look, delay: Duration::ZERO }));
    }
    messages
}
