//! Everything that is stored about one participation.

use async_trait::async_trait;
use domain::ids::ParticipationId;
use ports::Result;
use ports::inspection::{InspectedParticipation, Inspection, through};

use crate::Memory;

#[async_trait]
impl Inspection for Memory {
    async fn inspect(&self, id: ParticipationId) -> Result<Option<InspectedParticipation>> {
        let Some(inspected) = through(self, self, id).await? else { return Ok(None) };
        let state = self.lock();
        let (callbacks, told_at) =
            (state.ledgers.callbacks_about(id), state.ledgers.told_at.get(&id).copied());
        Ok(Some(InspectedParticipation { callbacks, told_at, ..inspected }))
    }
}
