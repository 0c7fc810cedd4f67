//! Reports consents that were not written, so that they are not lost silently.

use domain::brand::Brand;
use domain::callback::{Callback, CallbackKind};

use crate::connector::Connector;
use crate::work_item::WorkItem;

/// Reports the consents that were found not to be written in this run: to the log, and to Quikly. This comes before the
/// participations are saved, so a crash repeats a report at most.
pub(crate) async fn report(
    connector: &Connector,
    brand: Option<&Brand>,
    items: &[WorkItem],
) -> ports::Result<()> {
    let now = connector.deps.clock.now();
    for item in items.iter().filter(|item| item.loses_consent()) {
        let participation = &item.participation;
        tracing::info!(event = "connector.consent_not_written", participation = %participation.id(), scope = %participation.scope(), "A consent was not written, because the consumer had unsubscribed or Braze refused it.");
        let calls_back = brand.is_some_and(|brand| brand.callback.is_some());
        if let Some(award) = item.facts.award.as_ref().filter(|_| calls_back) {
            let callback = Callback::of(award, CallbackKind::ConsentNotWritten, now);
            connector.deps.callbacks.call_back(&callback).await?;
        }
    }
    Ok(())
}
