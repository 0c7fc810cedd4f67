//! Which look-ups may be sent now, and which hold a slot for later.

use std::time::Duration;

use braze::ExportQuery;
use domain::Timestamp;
use domain::participation::Cause;
use domain::reservation::Slot;
use domain::time::{between, earlier, later};
use ports::limits::Endpoint;

use super::BrandAccess;
use crate::budget::{Admission, PATIENCE, Rank};
use crate::work_item::{Performed, WorkItem};

/// A slot shorter than this could end before a message that is a second late. Its participation therefore
/// comes a second early and waits.
const SHORT: Duration = Duration::from_secs(5);

/// A request, and the work items that need its answer.
pub(super) struct Request<Q> {
    pub(super) query: ExportQuery,
    pub(super) by: Vec<(WorkItem, Q)>,
}

pub(super) type AdmittedRequests<Q> = Vec<(Slot, Request<Q>)>;

/// Returns the requests whose slot has begun or is about to begin. The work items of the others are put off
/// until their slot.
pub(super) async fn admit<Q>(
    to: &BrandAccess<'_>,
    requests: Vec<Request<Q>>,
) -> (AdmittedRequests<Q>, Performed) {
    let now = to.now();
    let own = |request: &Request<Q>| {
        let slots = request.by.iter().filter_map(|(item, _)| item.participation.slot());
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
                to.access.scarce.wait_until(&to.brand.id, slot.from);
                to.access.counters.look_up_waits(&to.brand.id, slot.from, now);
                performed.resting.extend(put_off(request, come_for(slot), Some(slot), now));
            }
            Some(Admission::Closed(until)) => {
                // Others wait for this moment, too, unless it is only about what they leave.
                if to.rank == Rank::Live {
                    to.access.scarce.wait_until(&to.brand.id, until);
                }
                performed.resting.extend(put_off(request, until, None, now));
            }
            None => {
                let rest = |(item, _): (WorkItem, Q)| to.rest_after_failure(item, (Cause::NoSlot, None), now);
                performed.resting.extend(request.by.into_iter().map(rest));
            }
        }
    }
    (ready, performed)
}

/// Puts off every work item that needs the answer. If a slot is booked, the first one holds it.
fn put_off<Q>(
    request: Request<Q>,
    until: Timestamp,
    mut slot: Option<Slot>,
    now: Timestamp,
) -> impl Iterator<Item = WorkItem> {
    request.by.into_iter().map(move |(mut item, _)| {
        item.participation.holds(slot.take());
        item.participation.held_up(Cause::NoSlot, now);
        item.participation.put_off(until, now);
        item
    })
}

/// When a participation must be processed to use its slot.
fn come_for(slot: Slot) -> Timestamp {
    let length = between(slot.from, slot.until);
    if length < SHORT { earlier(slot.from, PATIENCE) } else { slot.from }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::samples::{access, at, brand, item};
    use crate::endpoints::translate;

    fn request(number: usize, slot: Option<Slot>) -> Request<()> {
        let mut item = item(number);
        item.participation.holds(slot);
        Request { query: translate::find_query(item.participation.way()), by: vec![(item, ())] }
    }

    #[tokio::test(start_paused = true)]
    async fn a_participation_with_an_open_slot_uses_it_and_books_none() {
        let (access, brand) = (access(), brand());
        let to = BrandAccess { access: &access, brand: &brand, rank: Rank::Live };
        let slot = Slot { from: at(-5), until: at(55) };
        let (ready, performed) = admit(&to, vec![request(1, Some(slot))]).await;
        assert_eq!((ready.len(), ready[0].0, performed.resting.len()), (1, slot, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_has_gone_by_is_booked_anew() {
        let (access, brand) = (access(), brand());
        let to = BrandAccess { access: &access, brand: &brand, rank: Rank::Live };
        let slot = Slot { from: at(-65), until: at(-5) };
        let (ready, _) = admit(&to, vec![request(1, Some(slot))]).await;
        assert!(ready[0].0.covers(at(0)), "{:?}", ready[0].0);
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_limit_is_being_learned_the_others_rest_without_a_slot() {
        let (access, brand) = (access(), brand());
        let to = BrandAccess { access: &access, brand: &brand, rank: Rank::Live };
        let (ready, performed) = admit(&to, (0..41).map(|number| request(number, None)).collect()).await;
        assert_eq!((ready.len(), performed.resting.len()), (40, 1));
        let put_off = &performed.resting[0].participation;
        assert!(put_off.slot().is_none() && put_off.due_at() > Some(at(0)));
    }

    #[test]
    fn a_short_slot_is_come_for_a_second_early_and_a_long_one_when_it_opens() {
        let slot = |length: i64| Slot { from: at(10), until: at(10 + length) };
        assert_eq!((come_for(slot(1)), come_for(slot(60))), (at(9), at(10)));
    }
}
