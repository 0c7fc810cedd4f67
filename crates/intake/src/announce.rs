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

/// Announcements waiting for the one being sent.
const MOST_WAITING: usize = 4_096;

/// Hands announcements to a task that sends whatever has gathered while it was sending.
#[derive(Clone)]
pub(crate) struct Announcer(mpsc::Sender<Look>);

impl Announcer {
    pub(crate) fn start(queues: Arc<dyn Queues>) -> Self {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        tokio::spawn(send_all(queues, receiver));
        Self(sender)
    }

    /// Announces once there is room; the caller does not wait until it is sent. Should it get lost, the participation is
    /// durable already, and the tick finds it a minute later.
    pub(crate) async fn announce(&self, look: Look) {
        let _ended = self.0.send(look).await;
    }
}

async fn send_all(queues: Arc<dyn Queues>, mut waiting: mpsc::Receiver<Look>) {
    let mut looks = Vec::new();
    while waiting.recv_many(&mut looks, MOST_IN_MESSAGE * MOST_MESSAGES).await > 0 {
        for some in messages(std::mem::take(&mut looks)).chunks(MOST_MESSAGES) {
            if let Err(error) = queues.send(QueueName::EmailEnrollments, some.to_vec()).await {
                tracing::warn!(error = %in_full(&error), "intake.announce_failed: the tick will find them");
            }
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
