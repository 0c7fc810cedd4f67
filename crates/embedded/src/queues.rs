//! Messages: durable in the file, delivered from the mailbox. Announcements are in the mailbox only, because the rows that they announce
//! are in the file.

use std::time::Duration;

use async_trait::async_trait;
use domain::message::{QueueName, WorkMessage};
use ports::error::at_most;
use ports::queues::{Delivery, LONGEST_DELAY, MOST_MESSAGES, Outgoing, Queues, Receipt};
use ports::{Error, Result};
use rusqlite::{Connection, params};

use crate::data_file::DataFile;
use crate::mailbox::{Mailbox, ids_text, is_written};

/// How long after its delivery an unacknowledged message is delivered again: six times the 30 s that a step may take.
const VISIBILITY: Duration = Duration::from_secs(180);

/// A message as it is stored.
pub(crate) struct MessageRow {
    pub(crate) queue: QueueName,
    pub(crate) look: WorkMessage,
    pub(crate) visible_at: i64,
    /// Set for schedules. A second row with the same name is not written.
    pub(crate) name: Option<String>,
}

impl MessageRow {
    /// Inserts the row and returns its number, or `None` when its name is taken.
    fn insert(&self, transaction: &Connection) -> rusqlite::Result<Option<i64>> {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO messages (queue, brand, visible_at, ids, name) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?;
        let values = params![
            self.queue.name(),
            self.look.brand.as_str(),
            self.visible_at,
            ids_text(&self.look),
            self.name,
        ];
        let written = statement.execute(values)? == 1;
        Ok(written.then(|| transaction.last_insert_rowid()))
    }
}

impl DataFile {
    /// Stores messages, then puts them into their mailboxes.
    pub(crate) async fn post(&self, doing: &'static str, rows: Vec<MessageRow>) -> Result<()> {
        let posted = self
            .writer
            .write_along(doing, {
                let rows = std::sync::Arc::new(rows);
                move |transaction| {
                    let numbers: rusqlite::Result<Vec<_>> =
                        rows.iter().map(|row| row.insert(transaction)).collect();
                    Ok((rows.clone(), numbers?))
                }
            })
            .await?;
        for (row, number) in posted.0.iter().zip(posted.1) {
            if let Some(number) = number {
                self.mailbox(row.queue, doing)?.put(number, row.look.clone(), row.visible_at);
            }
        }
        Ok(())
    }

    fn mailbox(&self, queue: QueueName, doing: &'static str) -> Result<&Mailbox> {
        self.mailboxes.of(queue).ok_or_else(|| Error::unavailable(doing, "there is no such queue"))
    }

    fn milliseconds(&self, from_now: Duration) -> i64 {
        let delay = i64::try_from(from_now.as_millis()).unwrap_or(i64::MAX);
        self.clock.now().as_millisecond().saturating_add(delay)
    }
}

#[async_trait]
impl Queues for DataFile {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<()> {
        const DOING: &str = "sending messages";
        at_most(messages.len(), MOST_MESSAGES, DOING)?;
        let row = |message: Outgoing| {
            let visible_at = self.milliseconds(message.delay.min(LONGEST_DELAY));
            MessageRow { queue, look: message.look, visible_at, name: None }
        };
        self.post(DOING, messages.into_iter().map(row).collect()).await
    }

    async fn announce(&self, queue: QueueName, looks: Vec<WorkMessage>) -> Result<()> {
        const DOING: &str = "announcing participations";
        at_most(looks.len(), MOST_MESSAGES, DOING)?;
        let (mailbox, now) = (self.mailbox(queue, DOING)?, self.milliseconds(Duration::ZERO));
        for look in looks {
            mailbox.announce(look, now, || self.mailboxes.unwritten());
        }
        Ok(())
    }

    fn gathers_announcements(&self) -> bool {
        true
    }

    async fn receive(&self, queue: QueueName, wait: Duration) -> Result<Vec<Delivery>> {
        let mailbox = self.mailbox(queue, "receiving messages")?;
        let until = self.milliseconds(wait);
        loop {
            // Registered before the read, so that a message put in meanwhile is not missed.
            let filled = mailbox.filled.notified();
            tokio::pin!(filled);
            filled.as_mut().enable();
            let now = self.clock.now().as_millisecond();
            let taken = mailbox.take(MOST_MESSAGES, now, self.milliseconds(VISIBILITY));
            if !taken.messages.is_empty() || now >= until {
                let delivery = |(number, look): (i64, WorkMessage)| Delivery {
                    look,
                    receipt: Receipt(number.to_string()),
                };
                return Ok(taken.messages.into_iter().map(delivery).collect());
            }
            let wake_at = taken.next_at.unwrap_or(until).min(until);
            let pause = Duration::from_millis(u64::try_from(wake_at - now).unwrap_or(0).max(1));
            tokio::select! {
                () = &mut filled => {}
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    async fn acknowledge(&self, queue: QueueName, receipts: &[Receipt]) -> Result<()> {
        const DOING: &str = "acknowledging messages";
        at_most(receipts.len(), MOST_MESSAGES, DOING)?;
        let numbers: std::result::Result<Vec<i64>, _> =
            receipts.iter().map(|receipt| receipt.0.parse()).collect();
        let numbers = numbers.map_err(|error| Error::unavailable(DOING, error))?;
        let mailbox = self.mailbox(queue, DOING)?;
        for number in &numbers {
            mailbox.remove(*number);
        }
        let written: Vec<i64> = numbers.into_iter().filter(|number| is_written(*number)).collect();
        if written.is_empty() {
            return Ok(());
        }
        self.writer
            .write(DOING, move |transaction| {
                let mut statement = transaction.prepare_cached("DELETE FROM messages WHERE number = ?")?;
                for number in &written {
                    statement.execute([number])?;
                }
                Ok(())
            })
            .await
    }
}
