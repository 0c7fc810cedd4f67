//! What operators did, for the audit log. An entry has no contacts, so it can survive the erasure of a person.

use crate::Timestamp;
use crate::unknown::UnknownFields;

/// The participations that an entry names at most.
pub const MOST_NAMED: usize = 20;

/// An action of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: the user of the operating system, or the name that was given.
    pub who: String,
    /// What: the command.
    pub action: String,
    /// Which participations, activations, brands or parked work, by id.
    pub about: Vec<String>,
    /// What came of it, in figures.
    pub outcome: Option<String>,
    /// Fields that only a newer version knows.
    pub unknown: UnknownFields,
}

impl AuditEntry {
    /// A new entry. Of many ids, only the first are named.
    #[must_use]
    pub fn new(at: Timestamp, who: impl Into<String>, action: impl Into<String>) -> Self {
        let (who, action) = (who.into(), action.into());
        Self { at, who, action, about: Vec::new(), outcome: None, unknown: UnknownFields::default() }
    }

    /// Names what the action was about.
    #[must_use]
    pub fn about(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.about.extend(ids.into_iter().take(MOST_NAMED));
        self
    }

    /// Says what came of it.
    #[must_use]
    pub fn with(self, outcome: impl Into<String>) -> Self {
        Self { outcome: Some(outcome.into()), ..self }
    }
}
