//! Deletion of expired rows. On AWS, DynamoDB does this by itself.

use domain::Timestamp;
use ports::Result;
use rusqlite::Connection;

use crate::calls::delete_old;
use crate::data_file::DataFile;
use crate::group::Group;

/// Rows in one transaction. A request that stores something waits for one such transaction at most.
const ROWS: u32 = 250;

/// How many rows were deleted because they had expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Participations, together with their ledger lines.
    pub participations: u64,
    /// Profile hints.
    pub profiles: u64,
    /// Rows of calls to Braze.
    pub calls: u64,
}

impl DataFile {
    /// Deletes expired rows.
    ///
    /// # Errors
    /// When rows cannot be deleted. The next call continues with them.
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
        expired.profiles = self.expire_profiles(now).await?;
        loop {
            let work = move |group: &Group<'_>| delete_old(group, ROWS, now);
            match self.writer.write("deleting calls that are kept no longer", work).await? {
                0 => return Ok(expired),
                gone => expired.calls += gone,
            }
        }
    }

    /// Deletes expired profile hints. It finds them outside of any write, in parts.
    async fn expire_profiles(&self, now: Timestamp) -> Result<u64> {
        let (mut deleted, mut last) = (0, String::new());
        loop {
            let after = last.clone();
            let rows =
                self.reader.read("reading profiles", move |connection| profiles(connection, &after)).await?;
            let Some((contact, _)) = rows.last() else { return Ok(deleted) };
            last = contact.clone();
            let gone: Vec<(String, String)> = rows
                .into_iter()
                .filter(|(contact, record)| {
                    !stored::hint::decode(contact, record).is_ok_and(|hint| now < hint.trusted_until())
                })
                .collect();
            if gone.is_empty() {
                continue;
            }
            let delete = move |transaction: &Group<'_>| {
                // A hint that was updated meanwhile has another record and stays.
                let sql = "DELETE FROM profiles WHERE contact = ?1 AND record = ?2";
                let mut delete = transaction.prepare_cached(sql)?;
                let mut deleted = 0;
                for (contact, record) in &gone {
                    deleted += u64::try_from(delete.execute([contact, record])?).unwrap_or(u64::MAX);
                }
                Ok(deleted)
            };
            deleted += self.writer.write("deleting profiles that are kept no longer", delete).await?;
        }
    }
}

/// Deletes expired participations. Codes that were given out stay given out.
fn participations(transaction: &Connection, now: Timestamp) -> rusqlite::Result<u64> {
    let mut found = transaction.prepare_cached(
        "SELECT id FROM participations WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
    )?;
    let ids =
        found.query_map(rusqlite::params![now.as_millisecond(), ROWS], |row| row.get::<_, [u8; 16]>(0))?;
    let ids: Vec<[u8; 16]> = ids.collect::<rusqlite::Result<_>>()?;
    let mut delete = transaction.prepare_cached("DELETE FROM participations WHERE id = ?")?;
    for id in &ids {
        delete.execute([id])?;
    }
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}

fn profiles(connection: &Connection, after: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut next = connection.prepare_cached(
        "SELECT contact, record FROM profiles WHERE contact > ?1 ORDER BY contact LIMIT ?2",
    )?;
    next.query_map(rusqlite::params![after, ROWS], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
