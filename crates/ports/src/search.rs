//! SearchResult participations by what people know of them, besides their id and their contact.

use std::num::NonZeroU64;

use async_trait::async_trait;
use domain::award::Award;
use domain::ids::{LedgerKey, ParticipationId};

use crate::Result;

/// The detail by which a participation is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchTerm {
    /// Its number in the order of acceptance of a ledger.
    Arrival(LedgerKey, NonZeroU64),
    /// Its place in a ledger.
    Place(LedgerKey, u32),
    /// The code that it got from a pool.
    Code(String),
}

impl SearchTerm {
    /// Whether this line is the one that is looked for.
    #[must_use]
    pub fn is(&self, award: &Award) -> bool {
        match self {
            Self::Arrival(ledger, number) => award.ledger == *ledger && award.arrival == Some(*number),
            Self::Place(ledger, place) => award.ledger == *ledger && award.place() == Some(*place),
            Self::Code(code) => award.reward().is_some_and(|(reward, _)| reward.is_code(code)),
        }
    }
}

/// What a search has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchResult {
    /// The participations. There is more than one only if several brands have the same code.
    pub ids: Vec<ParticipationId>,
    /// Whether the code is in a pool and was not given out.
    pub is_unused_code: bool,
    /// How many bytes would have to be read to search everything; `None` if everything was searched.
    pub unread_bytes: Option<u64>,
}

impl SearchResult {
    /// Everything was searched, and this was found.
    #[must_use]
    pub fn of(ids: Vec<ParticipationId>) -> Self {
        Self { ids, ..Self::default() }
    }
}

/// Looks for participations.
#[async_trait]
pub trait Search: Send + Sync {
    /// Looks for a participation. It reads all participations, which costs money on AWS, only if `thorough`.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn search(&self, sought: &SearchTerm, thorough: bool) -> Result<SearchResult>;
}
