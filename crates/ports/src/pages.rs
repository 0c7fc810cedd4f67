//! Reading everything that is stored, page by page, so that memory does not grow with it.

use async_trait::async_trait;
use domain::audit::AuditEntry;
use domain::award::Award;
use domain::ids::{ParticipationId, Scope};
use domain::participation::Participation;
use domain::profile::ProfileHint;

use crate::Result;

/// Where the next page begins. It means something only to the store that returned it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageCursor(pub String);

/// A participation with its award, if it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredParticipation {
    /// The participation.
    pub participation: Participation,
    /// Its award.
    pub award: Option<Award>,
}

/// Some records.
#[derive(Debug, Default)]
pub struct RecordPage {
    /// Those that can be read.
    pub records: Vec<StoredParticipation>,
    /// Those that cannot be read.
    pub unreadable: Vec<ParticipationId>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PageCursor>,
}

/// Some profile hints. Those that cannot be read are left out: they name nobody.
#[derive(Debug, Default)]
pub struct HintPage {
    /// The hints, with the keys of their contacts.
    pub hints: Vec<(String, ProfileHint)>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PageCursor>,
}

/// Some entries of the audit log.
#[derive(Debug, Default)]
pub struct AuditPage {
    /// The entries, oldest first.
    pub entries: Vec<AuditEntry>,
    /// How many entries cannot be read.
    pub unreadable: u64,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PageCursor>,
}

/// All participations.
///
/// # Errors
/// Every method fails if the store cannot be read.
#[async_trait]
pub trait Records: Send + Sync {
    /// The first participations, or those behind a cursor, in the store's own order. What changes meanwhile is read before or after
    /// the change.
    async fn records(&self, after: Option<&PageCursor>) -> Result<RecordPage>;

    /// The same of one activation. A page may be empty although others follow it.
    async fn records_of(&self, scope: &Scope, after: Option<&PageCursor>) -> Result<RecordPage> {
        let mut page = self.records(after).await?;
        page.records.retain(|record| record.participation.scope() == scope);
        Ok(page)
    }

    /// The first profile hints, or those behind a cursor, each with the key of its contact.
    async fn hints(&self, after: Option<&PageCursor>) -> Result<HintPage>;
}

/// The audit log.
///
/// # Errors
/// Every method fails if the log cannot be reached.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Adds an entry. It is durable when this returns.
    async fn note(&self, entry: &AuditEntry) -> Result<()>;

    /// The first entries, or those behind a cursor, oldest first.
    async fn audit(&self, after: Option<&PageCursor>) -> Result<AuditPage>;
}
