//! Announces participations on a queue, many in few messages when they come in together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::identity::{BrandId, ParticipationId};
use domain::message::{Look, MOST_IN_MESSAGE, QueueName};
use ports::Queues;
use ports::error::in_full;
use ports::queues::{MOST_MESSAGES, Outgoing};
use tokio::sync::{mpsc, oneshot};

/// Announcements waiting for the one being sent.
const MOST_WAITING: usize = 4_096;

/// Hands announcements to a task that sends whatever has gathered while it was sending.
#[derive(Clone)]
pub(crate) struct Announcer(mpsc::Sender<Announcement>);

struct Announcement {
    look: Look,
    sent: oneshot::Sender<()>,
}

impl Announcer {
    pub(crate) fn start(queues: Arc<dyn Queues>) -> Self {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        tokio::spawn(send_all(queues, receiver));
        Self(sender)
    }

    /// Returns once the announcement is sent, or has failed: then the tick finds the participation, a minute later.
    pub(crate) async fn announce(&self, look: Look) {
        let (sent, wait) = oneshot::channel();
        if self.0.send(Announcement { look, sent }).await.is_ok() {
            let _ended = wait.await;
        }
    }
}

async fn send_all(queues: Arc<dyn Queues>, mut waiting: mpsc::Receiver<Announcement>) {
    let mut gathered = Vec::new();
    while waiting.recv_many(&mut gathered, MOST_IN_MESSAGE * MOST_MESSAGES).await > 0 {
        let (looks, done): (Vec<_>, Vec<_>) = gathered.drain(..).map(|one| (one.look, one.sent)).unzip();
        for messages in messages(looks).chunks(MOST_MESSAGES) {
            if let Err(error) = queues.send(QueueName::EmailEnrollments, messages.to_vec()).await {
                tracing::warn!(error = %in_full(&error), "intake.announce_failed: the tick will find them");
            }
        }
        for sent in done {
            let _gone = sent.send(());
        }
    }
}

fn messages(looks: Vec<Look>) -> Vec<Outgoing> {
    let mut by_brand: BTreeMap<BrandId, Vec<ParticipationId>> = BTreeMap::new();
    for look in looks {
        by_brand.entry(look.brand).or_default().extend(look.ids);
    }
    let message = |brand: &BrandId, ids: &[ParticipationId]| Outgoing {
        look: Look { brand: brand.clone(), ids: ids.to_vec() },
        delay: Duration::ZERO,
    };
    by_brand
        .iter()
        .flat_map(|(brand, ids)| ids.chunks(MOST_IN_MESSAGE).map(move |some| message(brand, some)))
        .collect()
}
