//! Reports consents that were not written, so that they are not lost silently.

use domain::brand::Brand;
use domain::callback::{Callback, CallbackKind};

use crate::deps::Deps;
use crate::work_item::WorkItem;

/// Reports the consents that were found not to be written in this run: to the log, and to Quikly. This comes before the
/// participations are saved, so a crash repeats a report at most.
pub(crate) async fn report<'a>(
    deps: &Deps,
    brand: Option<&Brand>,
    items: impl Iterator<Item = &'a WorkItem>,
) -> ports::Result<()> {
    for item in items.filter(|item| item.loses_consent()) {
        let participation = &item.participation;
        tracing::info!(event = "connector.consent_not_written", participation = %participation.id(), scope = %participation.scope(), "A consent was not written, because the consumer had unsubscribed, Braze refused it, or its profile was gone.");
        let calls_back = brand.is_some_and(|brand| brand.callback.is_some());
        let award = item.facts.award.as_ref().filter(|_| calls_back);
        if let (Some(award), Some(consent)) = (award, participation.consent()) {
            // Two workers may find it out at different times, and a report that is repeated says the same.
            let callback = Callback::of(award, CallbackKind::ConsentNotWritten, consent.at);
            deps.callbacks.call_back(&callback).await?;
        }
    }
    Ok(())
}
