//! Everything that is stored about one participation.

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::ParticipationId;
use ports::Result;
use ports::inspection::{InspectedCallback, InspectedParticipation, Inspection, callback_ids, through};

use super::Dynamo;
use super::callbacks::{outbound, told_at};
use super::item::{Item, number_of, text_of};

#[async_trait]
impl Inspection for Dynamo {
    async fn inspect(&self, id: ParticipationId) -> Result<Option<InspectedParticipation>> {
        let Some(inspected) = through(self, self, id).await? else { return Ok(None) };
        let keys = callback_ids(id).map(|id| id.to_string()).into_iter().collect();
        let items = self.batch_get("reading callbacks", &self.tables.callbacks, "id", keys).await?;
        let first_told_at = items.iter().filter_map(told_at).min();
        let undelivered = items.iter().filter(|item| told_at(item).is_none());
        let callbacks: Result<Vec<InspectedCallback>> = undelivered.map(inspected_callback).collect();
        Ok(Some(InspectedParticipation { callbacks: callbacks?, told_at: first_told_at, ..inspected }))
    }
}

fn inspected_callback(item: &Item) -> Result<InspectedCallback> {
    let delivery = outbound(item)?;
    let due_at = number_of::<i64>(item, "due_at")?;
    Ok(InspectedCallback {
        callback: delivery.callback,
        attempts: delivery.attempts,
        due_at: due_at.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()),
        last_answer: text_of(item, "last_answer").ok().and_then(stored::callback::decode_answer),
    })
}
