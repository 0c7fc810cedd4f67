//! Who may be looked up now, and who holds a slot for later.

use std::time::Duration;

use braze::ExportQuery;
use domain::Timestamp;
use domain::reservation::Slot;
use domain::time::{between, earlier, later};
use ports::limits::Endpoint;

use super::BrandAccess;
use crate::budget::{Admission, PATIENCE};
use crate::case::{Case, Performed};

/// A slot shorter than this would be over before a message that is late by a second: its participation comes a second early, and
/// waits.
const SHORT: Duration = Duration::from_secs(5);

/// A request, and everyone who wants its answer.
pub(super) struct Request<Q> {
    pub(super) query: ExportQuery,
    pub(super) by: Vec<(Case, Q)>,
}

pub(super) type Admitted<Q> = Vec<(Slot, Request<Q>)>;

/// Requests whose slot has come, or comes within our patience; the cases of the others rest until theirs does.
pub(super) async fn admit<Q>(to: &BrandAccess<'_>, requests: Vec<Request<Q>>) -> (Admitted<Q>, Performed) {
    let now = to.now();
    let own = |request: &Request<Q>| {
        let slots = request.by.iter().filter_map(|(case, _)| case.participation.slot);
        slots.into_iter().find(|slot| slot.from <= later(now, PATIENCE) && now < slot.until)
    };
    let without = requests.iter().filter(|request| own(request).is_none()).count();
    let mut admissions = if without > 0 {
        to.admit(Endpoint::ExportIds, without).await.into_iter()
    } else {
        Vec::new().into_iter()
    };
    let mut ready = Vec::new();
    let mut performed = Performed::default();
    for request in requests {
        let admission = match own(&request) {
            Some(slot) => Some(Admission::At(slot)),
            None => admissions.next(),
        };
        match admission {
            Some(Admission::At(slot)) => ready.push((slot, request)),
            Some(Admission::Later(slot)) => {
                let left = between(now, slot.from);
                to.access.counters.look_up_waits(left);
                performed.resting.extend(put_off(request, come_for(slot), Some(slot), now));
            }
            Some(Admission::Closed(until)) => performed.resting.extend(put_off(request, until, None, now)),
            None => {
                let rest = |(case, _): (Case, Q)| to.rest_after_failure(case, None, now);
                performed.resting.extend(request.by.into_iter().map(rest));
            }
        }
    }
    (ready, performed)
}

/// Has everyone who wants an answer come again; if a slot is booked for it, the first one holds it.
fn put_off<Q>(
    request: Request<Q>,
    until: Timestamp,
    mut slot: Option<Slot>,
    now: Timestamp,
) -> impl Iterator<Item = Case> {
    request.by.into_iter().map(move |(mut case, _)| {
        case.participation.slot = slot.take();
        case.put_off(until, now);
        case
    })
}

/// When to come for a slot.
fn come_for(slot: Slot) -> Timestamp {
    let length = between(slot.from, slot.until);
    if length < SHORT { earlier(slot.from, PATIENCE) } else { slot.from }
}
