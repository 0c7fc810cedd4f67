//! Scheduled messages: rows like any other, visible from their time on.

use async_trait::async_trait;
use domain::Timestamp;
use domain::message::{QueueName, WorkMessage};
use ports::{Result, Schedule};
use sha2::{Digest, Sha256};

use crate::data_file::DataFile;
use crate::mailbox::ids_text;
use crate::queues::MessageRow;

#[async_trait]
impl Schedule for DataFile {
    async fn at(&self, time: Timestamp, queue: QueueName, look: WorkMessage) -> Result<()> {
        let visible_at = time.as_millisecond();
        let row = MessageRow { queue, name: Some(name(visible_at, queue, &look)), look, visible_at };
        self.post("scheduling a message", vec![row]).await
    }
}

/// A name that equal schedules share, so that a repeated schedule is not written again.
fn name(visible_at: i64, queue: QueueName, look: &WorkMessage) -> String {
    let text = format!("{visible_at} {} {} {}", queue.name(), look.brand, ids_text(look));
    hex::encode(Sha256::digest(text))
}
