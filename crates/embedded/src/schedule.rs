//! Messages for later: rows like any other, visible from their time on.

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
        self.post("scheduling a look", vec![row]).await
    }
}

/// The same for the same schedule, so that a repeat is not written.
fn name(visible_at: i64, queue: QueueName, look: &WorkMessage) -> String {
    let text = format!("{visible_at} {} {} {}", queue.name(), look.brand, ids_text(look));
    hex::encode(Sha256::digest(text))
}
