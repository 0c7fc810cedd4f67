//! Batches of participations that are to be read back.

use async_trait::async_trait;
use domain::Timestamp;
use ports::Result;
use ports::read_backs::{BatchKey, DueBatches, ReadBackBatch, ReadBacks};
use rusqlite::Connection;

use crate::data_file::DataFile;
use crate::group::Group;

#[async_trait]
impl ReadBacks for DataFile {
    async fn keep_batches(&self, batches: &[ReadBackBatch]) -> Result<()> {
        let row = |batch: &ReadBackBatch| Ok((batch.key().to_string(), stored::read_back::encode(batch)?));
        let rows = batches.iter().map(row).collect::<Result<Vec<_>>>()?;
        let work = move |transaction: &Group<'_>| {
            let sql = "INSERT INTO read_backs (key, record) VALUES (?1, ?2)
                       ON CONFLICT DO UPDATE SET record = excluded.record";
            let mut statement = transaction.prepare_cached(sql)?;
            rows.iter().try_for_each(|(key, record)| statement.execute([key, record]).map(|_| ()))
        };
        self.writer.write("keeping batches to read back", work).await
    }

    async fn due_batches(&self, now: Timestamp) -> Result<DueBatches> {
        let end = BatchKey::end_of_due(now);
        let read = move |connection: &Connection| {
            let sql = "SELECT key, record FROM read_backs WHERE key < ?1 ORDER BY key";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([&end])?;
            let mut due = DueBatches::default();
            while let Some(row) = rows.next()?.filter(|_| !due.is_full()) {
                let (key, record): (String, String) = (row.get(0)?, row.get(1)?);
                due.add(&key, &record);
            }
            Ok(due)
        };
        self.reader.read("reading batches to read back", read).await
    }

    async fn batches_done(&self, keys: &[BatchKey]) -> Result<()> {
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let work = move |transaction: &Group<'_>| {
            let mut statement = transaction.prepare_cached("DELETE FROM read_backs WHERE key = ?1")?;
            keys.iter().try_for_each(|key| statement.execute([key]).map(|_| ()))
        };
        self.writer.write("removing batches to read back", work).await
    }
}
