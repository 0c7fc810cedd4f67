//! SearchResult participations.

use async_trait::async_trait;
use domain::ids::ParticipationId;
use ports::Result;
use ports::search::{Search, SearchResult, SearchTerm};

use crate::Memory;

#[async_trait]
impl Search for Memory {
    async fn search(&self, sought: &SearchTerm, _thorough: bool) -> Result<SearchResult> {
        let mut state = self.lock();
        state.read("looking for a participation")?;
        let found = state.ledgers.awards.values().filter(|award| sought.is(award)).map(|award| award.id);
        let ids: Vec<ParticipationId> = found.collect();
        let is_unused_code = match sought {
            SearchTerm::Code(code) => ids.is_empty() && state.ledgers.has_unused(code),
            SearchTerm::Arrival(..) | SearchTerm::Place(..) => false,
        };
        Ok(SearchResult { is_unused_code, ..SearchResult::of(ids) })
    }
}
