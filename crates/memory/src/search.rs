//! Finding participations.

use async_trait::async_trait;
use domain::ids::ParticipationId;
use ports::Result;
use ports::search::{Finding, Search, Sought};

use crate::Memory;

#[async_trait]
impl Search for Memory {
    async fn search(&self, sought: &Sought, _thorough: bool) -> Result<Finding> {
        let mut state = self.lock();
        state.read("looking for a participation")?;
        let found = state.ledgers.awards.values().filter(|award| sought.is(award)).map(|award| award.id);
        let ids: Vec<ParticipationId> = found.collect();
        let is_unused_code = match sought {
            Sought::Code(code) => ids.is_empty() && state.ledgers.has_unused(code),
            Sought::Arrival(..) | Sought::Place(..) => false,
        };
        Ok(Finding { is_unused_code, ..Finding::of(ids) })
    }
}
