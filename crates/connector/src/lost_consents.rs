//! Reports consents that were not written, so that they are not lost silently.

use domain::brand::Brand;
use domain::callback::{Callback, CallbackKind};

use crate::deps::Deps;
use crate::work_item::WorkItem;

/// Reports the consents that were found not to be written in an earlier run: to the log, and to Quikly. What was found in
/// this run is not stored yet, and might be found otherwise after a crash, so the next run reports it.
pub(crate) async fn report(deps: &Deps, brand: &Brand, items: &mut [WorkItem]) -> ports::Result<()> {
    let now = deps.clock.now();
    for item in items {
        if !item.participation.has_unreported_consent() {
            continue;
        }
        if !item.lost_consent {
            item.participation.put_off(now, now);
            continue;
        }
        let participation = &item.participation;
        tracing::info!(event = "connector.consent_not_written", participation = %participation.id(), scope = %participation.scope(), "A consent was not written, because the consumer had unsubscribed, Braze refused it, or its profile was gone.");
        let award = item.facts.award.as_ref().filter(|_| brand.callback.is_some());
        if let (Some(award), Some(consent)) = (award, participation.consent()) {
            let callback = Callback::of(award, CallbackKind::ConsentNotWritten, consent.at);
            deps.callbacks.call_back(&callback).await?;
        }
        item.participation.consent_is_reported();
    }
    Ok(())
}
