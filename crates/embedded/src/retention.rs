//! What is kept no longer. On AWS, DynamoDB does this by itself.

use domain::Timestamp;
use domain::profile::KnownProfile;
use ports::Result;
use ports::record::decode_known;
use rusqlite::Transaction;

use crate::data_file::DataFile;

/// Rows of one transaction: whoever wants to store something waits for no more.
const ROWS: u32 = 1_000;

/// What was deleted because its time had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Participations, with their lines in ledgers.
    pub participations: u64,
    /// What was known of profiles.
    pub profiles: u64,
}

impl DataFile {
    /// Deletes what is kept no longer.
    ///
    /// # Errors
    /// When it cannot be deleted; the next time goes on with it.
    pub async fn expire(&self, now: Timestamp) -> Result<Expired> {
        let mut expired = Expired::default();
        loop {
            let gone = self.writer.write("deleting what is kept no longer", move |transaction| {
                participations(transaction, now)
            });
            match gone.await? {
                0 => break,
                gone => expired.participations += gone,
            }
        }
        expired.profiles = self
            .writer
            .write("deleting profiles that are kept no longer", move |transaction| profiles(transaction, now))
            .await?;
        Ok(expired)
    }
}

/// The codes that were given out stay given out.
fn participations(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<u64> {
    let mut found = transaction.prepare_cached(
        "SELECT id FROM participations WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
    )?;
    let ids =
        found.query_map(rusqlite::params![now.as_millisecond(), ROWS], |row| row.get::<_, [u8; 16]>(0))?;
    let ids: Vec<[u8; 16]> = ids.collect::<rusqlite::Result<_>>()?;
    for id in &ids {
        for table in ["participations", "awards"] {
            transaction.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?"))?.execute([id])?;
        }
    }
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}

fn profiles(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<u64> {
    let mut all = transaction.prepare("SELECT contact, record FROM profiles")?;
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>()?;
    let mut delete = transaction.prepare("DELETE FROM profiles WHERE contact = ?")?;
    let mut deleted = 0;
    for (contact, record) in rows {
        let kept = |known: KnownProfile| now < known.trusted_until();
        if !decode_known(&record).is_ok_and(kept) {
            deleted += u64::try_from(delete.execute([contact])?).unwrap_or_default();
        }
    }
    Ok(deleted)
}
