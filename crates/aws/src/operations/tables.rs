//! What concerns the tables only: imports, pages of everything, and the audit log.

use std::collections::HashSet;

use async_trait::async_trait;
use domain::audit::AuditEntry;
use domain::ids::{ParticipationId, Scope};
use domain::participation::Participation;
use futures::future::try_join_all;
use ports::error::at_most;
use ports::imports::{ImportedRow, RowImports, RowOutcome};
use ports::pages::{AuditLog, AuditPage, HintPage, PageCursor, RecordPage, Records};
use ports::store::{Inserted, MOST_ITEMS};
use ports::{Result, Store};

use super::Environment;

/// How many rows are written at the same time.
const AT_ONCE: usize = 16;

impl Environment {
    /// The participations that are stored already. Reading costs a fraction of a write that is refused.
    async fn stored(&self, rows: &[ImportedRow]) -> Result<HashSet<ParticipationId>> {
        let ids = rows.iter().flat_map(|row| row.earlier.iter().copied().chain([row.participation.id()]));
        let ids: Vec<ParticipationId> = ids.collect();
        let mut stored = HashSet::new();
        for some in ids.chunks(MOST_ITEMS) {
            let read = self.dynamo.get(some).await?;
            stored.extend(read.found.iter().map(Participation::id));
            stored.extend(read.unreadable.iter().map(|one| one.id));
        }
        Ok(stored)
    }

    async fn import_row(&self, row: &ImportedRow, stored: &HashSet<ParticipationId>) -> Result<RowOutcome> {
        if is_stored(row, stored) {
            return Ok(RowOutcome::There);
        }
        match self.dynamo.insert(&row.participation, row.entry.as_ref()).await? {
            Inserted::New(_) => Ok(RowOutcome::New),
            Inserted::Existing(_) => Ok(RowOutcome::There),
        }
    }
}

fn is_stored(row: &ImportedRow, stored: &HashSet<ParticipationId>) -> bool {
    let mut ids = row.earlier.iter().copied().chain([row.participation.id()]);
    ids.any(|id| stored.contains(&id))
}

#[async_trait]
impl RowImports for Environment {
    async fn import(&self, rows: &[ImportedRow]) -> Result<Vec<RowOutcome>> {
        at_most(rows.len(), MOST_ITEMS, "storing rows of a file")?;
        let stored = self.stored(rows).await?;
        let mut outcomes = Vec::with_capacity(rows.len());
        for some in rows.chunks(AT_ONCE) {
            let mut writes = Vec::with_capacity(some.len());
            for row in some {
                writes.push(self.import_row(row, &stored));
            }
            outcomes.extend(try_join_all(writes).await?);
        }
        Ok(outcomes)
    }

    async fn outcomes(&self, rows: &[ImportedRow]) -> Result<Vec<RowOutcome>> {
        let stored = self.stored(rows).await?;
        let outcome = |row: &ImportedRow| match is_stored(row, &stored) {
            true => RowOutcome::There,
            false => RowOutcome::New,
        };
        Ok(rows.iter().map(outcome).collect())
    }

    async fn accepted_in(&self, scope: &Scope, more: u64) -> Result<u64> {
        self.dynamo.accepted(scope, more).await
    }

    /// DynamoDB's writes are durable.
    async fn make_durable(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Records for Environment {
    async fn records(&self, after: Option<&PageCursor>) -> Result<RecordPage> {
        self.dynamo.records(after).await
    }

    async fn hints(&self, after: Option<&PageCursor>) -> Result<HintPage> {
        self.dynamo.hints(after).await
    }
}

#[async_trait]
impl AuditLog for Environment {
    async fn note(&self, entry: &AuditEntry) -> Result<()> {
        self.dynamo.note(entry).await
    }

    async fn audit(&self, after: Option<&PageCursor>) -> Result<AuditPage> {
        self.dynamo.audit(after).await
    }
}
