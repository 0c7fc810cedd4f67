//! Storing rows of a file, beside consumers who are there now.

use async_trait::async_trait;
use domain::ids::{ParticipationId, Scope};
use domain::ledger::Entry;
use domain::participation::Participation;

use crate::Result;

/// A row that can be stored.
#[derive(Debug, Clone)]
pub struct ImportedRow {
    /// The participation.
    pub participation: Participation,
    /// Its line in a ledger, if it has one.
    pub entry: Option<Entry>,
    /// The ids that an earlier version may have given the same consumer. Most rows have none.
    pub earlier: Vec<ParticipationId>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    /// It is stored now.
    New,
    /// The consumer takes part already; nothing was changed.
    There,
}

/// Stores rows.
///
/// # Errors
/// Every method fails if the store cannot be reached or written. After a failed write it is not known which rows were stored;
/// storing them again is safe.
#[async_trait]
pub trait RowImports: Send + Sync {
    /// Stores the rows whose consumers do not take part yet, and returns what became of each row, in order. At most
    /// [`crate::store::MOST_ITEMS`]. Consumers who take part meanwhile hardly wait for it.
    async fn import(&self, rows: &[ImportedRow]) -> Result<Vec<RowOutcome>>;

    /// What would become of rows, without storing any. At most [`crate::store::MOST_ITEMS`].
    async fn outcomes(&self, rows: &[ImportedRow]) -> Result<Vec<RowOutcome>>;

    /// The same as [`crate::Store::accepted`].
    async fn accepted_in(&self, scope: &Scope, more: u64) -> Result<u64>;

    /// Makes durable what was stored, even if the machine fails.
    async fn make_durable(&self) -> Result<()>;
}
