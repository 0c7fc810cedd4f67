//! Queues that deliver at least once.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::BrandId;
use domain::message::{QueueName, WorkMessage};
use domain::time::{between, later};
use ports::Result;
use ports::error::at_most;
use ports::queues::{Delivery, LONGEST_DELAY, MOST_MESSAGES, Outgoing, Queues, Receipt};

use crate::{Memory, MemoryState, failed};

/// How long after its delivery an unacknowledged message is delivered again.
const VISIBILITY: Duration = Duration::from_secs(180);

/// A message that was delivered this many times without an acknowledgement becomes a dead letter.
const MOST_RECEIVED: u32 = 5;

/// One queue's messages, by number.
#[derive(Default)]
pub(crate) struct Messages {
    all: BTreeMap<u64, QueuedMessage>,
    dead: Vec<WorkMessage>,
    next_number: u64,
    last_served: Option<BrandId>,
}

struct QueuedMessage {
    look: WorkMessage,
    visible_at: Timestamp,
    received: u32,
}

impl Messages {
    fn put(&mut self, look: WorkMessage, visible_at: Timestamp) {
        self.all.insert(self.next_number, QueuedMessage { look, visible_at, received: 0 });
        self.next_number += 1;
    }

    /// The numbers of the messages that can be delivered, those of the brand that is next in turn first.
    fn visible(&self, now: Timestamp) -> Vec<u64> {
        let mut visible: Vec<(bool, &BrandId, u64)> = self
            .all
            .iter()
            .filter(|(_, message)| message.visible_at <= now)
            .map(|(number, message)| {
                let served = self.last_served.as_ref().is_some_and(|last| message.look.brand <= *last);
                (served, &message.look.brand, *number)
            })
            .collect();
        visible.sort_unstable();
        visible.into_iter().map(|(_, _, number)| number).collect()
    }
}

impl MemoryState {
    /// Puts a message on a queue, visible from `visible_at` on.
    pub(crate) fn put(&mut self, queue: QueueName, look: WorkMessage, visible_at: Timestamp) {
        self.queues.entry(queue).or_default().put(look, visible_at);
    }

    fn take(&mut self, queue: QueueName, now: Timestamp) -> Vec<Delivery> {
        let messages = self.queues.entry(queue).or_default();
        let mut taken = Vec::new();
        while taken.len() < MOST_MESSAGES {
            let visible = messages.visible(now);
            let any_order = self.fate.strikes("messages out of order", |faults| faults.message_order);
            let index = if any_order { self.fate.pick(visible.len()) } else { 0 };
            let Some(&number) = visible.get(index) else { break };
            let Some(message) = messages.all.get_mut(&number) else { break };
            message.received += 1;
            if message.received > MOST_RECEIVED {
                messages.dead.extend(messages.all.remove(&number).map(|message| message.look));
                continue;
            }
            let again_at_once = self.fate.strikes("messages twice", |faults| faults.message_twice);
            message.visible_at =
                if again_at_once { later(now, Duration::from_millis(1)) } else { later(now, VISIBILITY) };
            messages.last_served = Some(message.look.brand.clone());
            taken.push(Delivery { look: message.look.clone(), receipt: Receipt(number.to_string()) });
        }
        taken
    }

    fn next_at(&self, queue: QueueName) -> Option<Timestamp> {
        self.queues.get(&queue)?.all.values().map(|message| message.visible_at).min()
    }
}

impl Memory {
    /// Loses the `number`th message that is sent, counted from 1, and no other.
    pub fn lose_message(&self, number: u64) {
        self.lock().lost_message = Some(number);
    }

    /// How many messages are dead letters.
    #[must_use]
    pub fn dead_letters(&self) -> usize {
        self.lock().queues.values().map(|messages| messages.dead.len()).sum()
    }

    /// How many messages were sent.
    #[must_use]
    pub fn messages_sent(&self) -> u64 {
        self.lock().sent
    }
}

#[async_trait]
impl Queues for Memory {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<()> {
        const DOING: &str = "sending messages";
        at_most(messages.len(), MOST_MESSAGES, DOING)?;
        let now = self.clock.now();
        {
            let mut state = self.lock();
            if state.fate.strikes("sends failed", |faults| faults.send_fails) {
                return Err(failed(DOING));
            }
            for message in messages {
                state.sent += 1;
                let lost = state.lost_message == Some(state.sent);
                if !lost && !state.fate.strikes("messages lost", |faults| faults.message_lost) {
                    state.put(queue, message.look, later(now, message.delay.min(LONGEST_DELAY)));
                }
            }
        }
        self.sent.notify_waiters();
        Ok(())
    }

    async fn receive(&self, queue: QueueName, wait: Duration) -> Result<Vec<Delivery>> {
        let until = self.clock.now() + wait;
        loop {
            let sent = self.sent.notified();
            tokio::pin!(sent);
            sent.as_mut().enable();
            let now = self.clock.now();
            let (taken, next_at) = {
                let mut state = self.lock();
                (state.take(queue, now), state.next_at(queue))
            };
            if !taken.is_empty() || now >= until {
                return Ok(taken);
            }
            let wake_at = next_at.unwrap_or(until).min(until);
            let pause = between(now, wake_at);
            tokio::select! {
                biased;
                () = &mut sent => {}
                () = self.clock.sleep(pause.max(Duration::from_millis(1))) => {}
            }
        }
    }

    async fn acknowledge(&self, queue: QueueName, receipts: &[Receipt]) -> Result<()> {
        at_most(receipts.len(), MOST_MESSAGES, "acknowledging messages")?;
        let mut state = self.lock();
        let messages = state.queues.entry(queue).or_default();
        for number in receipts.iter().filter_map(|receipt| receipt.0.parse().ok()) {
            messages.all.remove(&number);
        }
        Ok(())
    }
}
