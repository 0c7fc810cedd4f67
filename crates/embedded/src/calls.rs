//! Calls to Braze, many in a row.

use async_trait::async_trait;
use domain::Timestamp;
use domain::call::{CALLS_KEPT_FOR, CallBatch};
use domain::time::earlier;
use ports::{CallLog, Result};
use rusqlite::{Connection, params};

use crate::data_file::DataFile;
use crate::group::Group;

/// The most rows that are kept, however recent they are. A brand has one row a second at most.
const MOST_KEPT: u64 = 500_000;

#[async_trait]
impl CallLog for DataFile {
    async fn keep_calls(&self, batches: &[CallBatch]) -> Result<()> {
        let row = |batch: &CallBatch| {
            let kept_at = batch.kept_at.as_millisecond();
            Ok((batch.brand.to_string(), kept_at, stored::calls::encode(batch)?))
        };
        let rows = batches.iter().map(row).collect::<Result<Vec<_>>>()?;
        let work = move |group: &Group<'_>| {
            let sql = "INSERT INTO calls (brand, kept_at, record) VALUES (?1, ?2, ?3)";
            let mut statement = group.prepare_cached(sql)?;
            rows.iter().try_for_each(|(brand, kept_at, record)| {
                statement.execute(params![brand, kept_at, record]).map(|_| ())
            })
        };
        self.writer.write_along("keeping calls", work).await
    }
}

/// Deletes some of the oldest calls, if they are kept no longer. Returns how many rows were deleted.
pub(crate) fn delete_old(transaction: &Connection, most: u32, now: Timestamp) -> rusqlite::Result<u64> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM calls WHERE number IN (SELECT number FROM calls ORDER BY number LIMIT ?1)
         AND (kept_at < ?2 OR number <= (SELECT max(number) FROM calls) - ?3)",
    )?;
    let kept_since = earlier(now, CALLS_KEPT_FOR).as_millisecond();
    let deleted = delete.execute(params![most, kept_since, MOST_KEPT])?;
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}
