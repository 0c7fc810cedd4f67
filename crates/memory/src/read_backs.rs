//! Batches of participations that are to be read back.

use async_trait::async_trait;
use domain::Timestamp;
use ports::Result;
use ports::read_backs::{BatchKey, DueBatches, ReadBackBatch, ReadBacks};

use crate::Memory;

#[async_trait]
impl ReadBacks for Memory {
    async fn keep_batches(&self, batches: &[ReadBackBatch]) -> Result<()> {
        self.lock().write("keeping batches to read back", |state| {
            for batch in batches {
                state.read_backs.insert(batch.key().to_string(), stored::read_back::encode(batch)?);
            }
            Ok(())
        })
    }

    async fn due_batches(&self, now: Timestamp) -> Result<DueBatches> {
        let mut state = self.lock();
        state.read("reading batches to read back")?;
        let mut due = DueBatches::default();
        for (key, record) in state.read_backs.range(..BatchKey::end_of_due(now)) {
            if !due.is_full() {
                due.add(key, record);
            }
        }
        Ok(due)
    }

    async fn batches_done(&self, keys: &[BatchKey]) -> Result<()> {
        self.lock().write("removing batches to read back", |state| {
            keys.iter().for_each(|key| drop(state.read_backs.remove(&key.to_string())));
            Ok(())
        })
    }
}
