//! What reading and writing subscriptions have in common: up to fifty numbers in a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use braze::Client;
use domain::Timestamp;
use domain::ids::SubscriptionGroup;
use domain::participation::Cause;
use domain::reservation::PROBE_INTERVAL;
use domain::time::later;
use ports::limits::Endpoint;

use super::BrandAccess;
use crate::budget::Admission;

/// The most requests of a group in flight. Each has up to fifty numbers; with answers that take a second,
/// this is far below the limits.
pub(super) const AT_ONCE: usize = 16;

/// Groups items by key.
pub(super) fn grouped<K: Ord, T>(items: impl IntoIterator<Item = (K, T)>) -> BTreeMap<K, Vec<T>> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for (key, item) in items {
        groups.entry(key).or_default().push(item);
    }
    groups
}

/// Splits items into pieces of at most `most`.
pub(super) fn pieces<T>(items: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut items = items.into_iter();
    let mut pieces = Vec::new();
    loop {
        let piece: Vec<T> = items.by_ref().take(most).collect();
        if piece.is_empty() {
            return pieces;
        }
        pieces.push(piece);
    }
}

/// Waits for the slot and returns the client, or why and before which moment nothing can be sent.
pub(super) async fn ready(
    to: &BrandAccess<'_>,
    endpoint: Endpoint,
    admission: Admission,
) -> Result<Arc<Client>, (Cause, Timestamp)> {
    match admission {
        Admission::At(slot) => {
            to.wait_until(slot.from).await;
            let now = to.now();
            if let Some(until) = to.breaker(endpoint).rests_until(now) {
                return Err((Cause::NoSlot, until));
            }
            to.client().await.ok_or_else(|| (Cause::NoKey, later(to.now(), PROBE_INTERVAL)))
        }
        Admission::Later(slot) => Err((Cause::NoSlot, slot.from)),
        Admission::Closed(until) => Err((Cause::NoSlot, until)),
    }
}

pub(super) fn report(to: &BrandAccess<'_>, group: &SubscriptionGroup, error: &braze::Error) {
    if matches!(error, braze::Error::UnknownGroup) {
        let group = group.as_str();
        let Some(line) = to.access.deps.line("connector.unknown_group", &format!("{} {group}", to.brand.id))
        else {
            return;
        };
        tracing::error!(event = "connector.unknown_group", brand = %to.brand.id, group, times = line.times, "Braze does not know the brand's subscription group; the participations that need it wait.");
    } else {
        tracing::debug!(event = "connector.subscription_failed", brand = %to.brand.id, %error, "A request about subscriptions failed.");
    }
}
