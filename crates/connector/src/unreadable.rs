//! Participations that are stored and cannot be read, because another version wrote them or because they are
//! damaged. They do not hold up others, give back their places, and end.

use std::time::Duration;

use domain::ids::{BrandId, ParticipationId};
use domain::person::KEPT;
use domain::time::later;
use ports::Error;
use ports::error::in_full;
use ports::health::Subject;
use ports::store::{MOST_ITEMS, UnreadableParticipation};

use crate::award;
use crate::connector::Connector;

/// After this time they are tried again, since another version may be running by then.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How long `GET /healthz` shows them after they were found.
const SHOWN_FOR: Duration = Duration::from_secs(150);

/// The kind of the entry in `GET /healthz`.
const KIND: &str = "unreadable_records";

/// Reports them once a minute each, gives back their places, and makes them due again in a minute. They are
/// deleted like participations that have ended.
pub(crate) async fn set_aside(
    connector: &Connector,
    brand: &BrandId,
    unreadable: &[UnreadableParticipation],
) -> ports::Result<()> {
    if unreadable.is_empty() {
        return Ok(());
    }
    let errors: Vec<&Error> = unreadable.iter().map(|one| &one.why).collect();
    report(connector, brand, &errors);
    let ids: Vec<ParticipationId> = unreadable.iter().map(|one| one.id).collect();
    let (now, brands) = (connector.deps.clock.now(), connector.brands());
    for some in ids.chunks(MOST_ITEMS) {
        // A brand that is missing may return; its places are given back then.
        if let Some(brand) = brands.brand(brand) {
            award::release(connector, brand, some).await?;
        }
        connector.deps.store.set_aside(some, later(now, AGAIN_AFTER), later(now, KEPT)).await?;
    }
    Ok(())
}

/// Reports what cannot be read: in the log once a minute each, with its id, and in `GET /healthz`.
pub(crate) fn report(connector: &Connector, brand: &BrandId, errors: &[&Error]) {
    let troubles = &connector.deps.troubles;
    let now = connector.deps.clock.now();
    for error in errors {
        if troubles.repeats().line("connector.unreadable", &error.to_string(), now).is_some() {
            tracing::error!(event = "connector.unreadable", %brand, error = %in_full(*error), "A stored record cannot be read; everything else continues.");
        }
    }
    if !errors.is_empty() {
        let text = "stored records of this brand cannot be read; the log names them";
        troubles.report_for(SHOWN_FOR, KIND, Subject::brand(brand), now, text);
    }
}
