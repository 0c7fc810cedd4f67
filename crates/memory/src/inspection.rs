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
        let callbacks = self.lock().ledgers.callbacks_about(id);
        Ok(Some(InspectedParticipation { callbacks, ..inspected }))
    }
}
