//! Storing rows of a file while another process serves the data file.

use async_trait::async_trait;
use domain::ids::Scope;
use ports::clock::SystemClock;
use ports::error::at_most;
use ports::imports::{ImportedRow, RowImports, RowOutcome};
use ports::store::MOST_ITEMS;
use ports::{Clock, Error, Result};

use super::{AdminConnection, failed};
use crate::group::Group;
use crate::rows::one;
use crate::store::{NewRow, is_there};

const DOING: &str = "storing rows of a file";

impl AdminConnection {
    fn import_together(&self, rows: &[NewRow<'_>]) -> rusqlite::Result<Vec<RowOutcome>> {
        let mut connection = self.lock();
        // The log is written to the disk at the end. So no step waits for the disk, and nobody waits for a step.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let group = Group::begin(&mut connection)?;
        let mut outcomes = Vec::with_capacity(rows.len());
        for row in rows {
            outcomes.push(match row.insert(&group)? {
                true => RowOutcome::New,
                false => RowOutcome::There,
            });
        }
        group.counted()?.commit()?;
        Ok(outcomes)
    }
}

#[async_trait]
impl RowImports for AdminConnection {
    async fn import(&self, rows: &[ImportedRow]) -> Result<Vec<RowOutcome>> {
        at_most(rows.len(), MOST_ITEMS, DOING)?;
        self.check_rows(DOING)?;
        let encoded: Vec<NewRow<'_>> = rows.iter().map(NewRow::of).collect::<std::result::Result<_, _>>()?;
        let began = SystemClock.now();
        let outcomes = self.import_together(&encoded).map_err(|error| failed(DOING, error))?;
        // SQLite does not let writers queue: without a pause, another process might wait for many steps and not for one.
        SystemClock.sleep(domain::time::between(began, SystemClock.now())).await;
        Ok(outcomes)
    }

    async fn outcomes(&self, rows: &[ImportedRow]) -> Result<Vec<RowOutcome>> {
        let connection = self.lock();
        let outcome = |row: &ImportedRow| -> rusqlite::Result<RowOutcome> {
            for id in row.earlier.iter().copied().chain([row.participation.id()]) {
                if is_there(&connection, id.to_bytes())? {
                    return Ok(RowOutcome::There);
                }
            }
            Ok(RowOutcome::New)
        };
        let outcomes: rusqlite::Result<Vec<RowOutcome>> = rows.iter().map(outcome).collect();
        outcomes.map_err(|error| failed("looking for rows of a file", error))
    }

    async fn accepted_in(&self, scope: &Scope, _more: u64) -> Result<u64> {
        let sql = "SELECT count FROM tallies WHERE what = 'accepted' AND name = ?";
        let counted = one(&self.lock(), sql, [scope.as_str()], |row| row.get::<_, u64>(0));
        Ok(counted.map_err(|error| failed(DOING, error))?.unwrap_or(0))
    }

    async fn make_durable(&self) -> Result<()> {
        let connection = self.lock();
        let durable = connection.pragma_update(None, "synchronous", "FULL");
        let moved = durable.and_then(|()| {
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0))
        });
        match moved {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::unavailable(DOING, error.to_string())),
        }
    }
}

impl NewRow<'_> {
    /// Returns whether the row is stored now, because the consumer did not take part yet.
    fn insert(&self, group: &Group<'_>) -> rusqlite::Result<bool> {
        for id in self.earlier {
            if is_there(group, id.to_bytes())? {
                return Ok(false);
            }
        }
        self.store(group)
    }
}
