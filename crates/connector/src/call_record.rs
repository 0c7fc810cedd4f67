//! Records the calls to Braze for people who ask. The record is written behind, so it delays no call, and it is bounded: calls that do
//! not fit are dropped and counted.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use braze::Answer;
use domain::Timestamp;
use domain::call::{BrazeCall, CallBatch, Endpoint, MOST_NAMED};
use domain::ids::{BrandId, ParticipationId};
use domain::time::between;
use parking_lot::Mutex;

use crate::causes::cause;

/// The most calls that wait to be kept. Braze allows fewer in a minute, and they are kept every second.
const MOST_PENDING: usize = 10_000;

/// The most calls in one batch.
const MOST_IN_BATCH: usize = 200;

/// A function that is invoked again and again keeps calls this often, or when there are [`FULL`] of them, so that a batch fills a
/// kilobyte.
pub(crate) const KEPT_EVERY: Duration = Duration::from_secs(10);

/// A function that is invoked every minute keeps calls this often, unless some of them have failed.
pub(crate) const KEPT_BY_TICKS_EVERY: Duration = Duration::from_secs(300);

/// So many calls of one brand are about a kilobyte.
const FULL: usize = 12;

/// A call that is about to be sent.
pub(crate) struct SentCall {
    endpoint: Endpoint,
    objects: usize,
    at: Timestamp,
    participations: Vec<ParticipationId>,
}

impl SentCall {
    pub(crate) fn new(
        endpoint: Endpoint,
        objects: usize,
        about: impl Iterator<Item = ParticipationId>,
        at: Timestamp,
    ) -> Self {
        Self { endpoint, objects, at, participations: about.take(MOST_NAMED).collect() }
    }

    /// The call with its answer. Of Braze's text only what is known to name nobody is recorded. `None` if nothing was sent.
    pub(crate) fn answered<T>(
        self,
        answer: &Answer<T>,
        refused: &RefusedObjects,
        now: Timestamp,
    ) -> Option<BrazeCall> {
        let error = answer.result.as_ref().err();
        if matches!(error, Some(braze::Error::Unsendable(_))) {
            return None;
        }
        Some(BrazeCall {
            at: self.at,
            endpoint: self.endpoint,
            objects: u32::try_from(self.objects).unwrap_or(u32::MAX),
            refused: refused.count,
            status: answer.status.map(|status| status.as_u16()),
            cause: error.map(cause),
            took: between(self.at, now),
            left: answer.limits.remaining,
            message: error.and_then(braze::Error::known_text).or(refused.text).map(ToOwned::to_owned),
            participations: self.participations,
        })
    }
}

/// The objects of a request that Braze refused.
#[derive(Default)]
pub(crate) struct RefusedObjects {
    pub(crate) count: u32,
    /// What Braze said about the first of them that it said a known text about.
    pub(crate) text: Option<&'static str>,
}

/// The calls that are not kept yet.
#[derive(Default)]
pub(crate) struct CallRecord(Mutex<PendingCalls>);

#[derive(Default)]
struct PendingCalls {
    brands: BTreeMap<BrandId, Vec<BrazeCall>>,
    count: usize,
    kept_at: Option<Timestamp>,
}

impl CallRecord {
    /// Records a call. Returns whether there was room for it.
    pub(crate) fn add(&self, brand: &BrandId, call: BrazeCall) -> bool {
        let mut pending = self.0.lock();
        let has_room = pending.count < MOST_PENDING;
        if has_room {
            pending.count += 1;
            pending.brands.entry(brand.clone()).or_default().push(call);
        }
        has_room
    }

    /// Takes out everything that waits, in batches.
    pub(crate) fn take(&self, now: Timestamp) -> Vec<CallBatch> {
        let mut pending = self.0.lock();
        pending.kept_at = Some(now);
        pending.count = 0;
        let brands = mem::take(&mut pending.brands);
        drop(pending);
        let in_batches = |(brand, calls): (BrandId, Vec<BrazeCall>)| {
            let batch =
                |some: &[BrazeCall]| CallBatch { brand: brand.clone(), kept_at: now, calls: some.to_vec() };
            calls.chunks(MOST_IN_BATCH).map(batch).collect::<Vec<_>>()
        };
        brands.into_iter().flat_map(in_batches).collect()
    }

    /// Whether calls have waited for this long, or fill a batch. Failed calls never wait for longer than [`KEPT_EVERY`].
    pub(crate) fn is_ripe(&self, every: Duration, now: Timestamp) -> bool {
        let pending = self.0.lock();
        let failed = || pending.brands.values().flatten().any(BrazeCall::has_failed);
        let every = if every > KEPT_EVERY && failed() { KEPT_EVERY } else { every };
        let rested = pending.kept_at.is_none_or(|kept_at| now < kept_at || between(kept_at, now) >= every);
        pending.count > 0 && (rested || pending.brands.values().any(|calls| calls.len() >= FULL))
    }
}

#[cfg(test)]
mod tests {
    use braze::RateLimit;
    use http::StatusCode;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn call() -> SentCall {
        let ids = (0..9).map(|byte| ParticipationId::from_bytes([byte; 16]));
        SentCall::new(Endpoint::Track, 75, ids, at(0))
    }

    fn refused(message: &str) -> Answer<()> {
        let status = StatusCode::BAD_REQUEST;
        let result = Err(braze::Error::Refused { status, message: message.to_owned() });
        let limits = RateLimit { remaining: Some(7), ..RateLimit::default() };
        Answer { status: Some(status), limits, result }
    }

    fn answered(message: &str) -> BrazeCall {
        call().answered(&refused(message), &RefusedObjects::default(), at(2)).unwrap()
    }

    fn brand() -> BrandId {
        BrandId::parse("acme").unwrap()
    }

    #[test]
    fn a_call_is_recorded_with_its_answer_and_without_what_may_name_somebody() {
        let recorded = answered("Ada's EMAIL_BAD_FORMAT");
        assert_eq!(recorded.message.as_deref(), Some("EMAIL_BAD_FORMAT"));
        assert_eq!(
            (recorded.status, recorded.cause),
            (Some(400), Some(domain::participation::Cause::NotTaken))
        );
        assert_eq!((recorded.left, recorded.took), (Some(7), Duration::from_secs(2)));
        assert_eq!(recorded.participations, [0, 1, 2].map(|byte| ParticipationId::from_bytes([byte; 16])));
        assert_eq!(answered("Ada is not welcome").message, None);
    }

    #[test]
    fn a_request_that_was_not_sent_is_no_call() {
        let result: Result<(), _> = Err(braze::Error::Unsendable("the body is not JSON"));
        let unsendable = Answer { status: None, limits: RateLimit::default(), result };
        assert_eq!(call().answered(&unsendable, &RefusedObjects::default(), at(0)), None);
    }

    #[test]
    fn calls_beyond_the_bound_are_dropped() {
        let record = CallRecord::default();
        let kept = (0..=MOST_PENDING).filter(|_| record.add(&brand(), answered("no"))).count();
        let batches = record.take(at(1));
        assert_eq!((kept, batches.iter().map(|batch| batch.calls.len()).sum()), (MOST_PENDING, MOST_PENDING));
        assert!(batches.iter().all(|batch| batch.calls.len() <= MOST_IN_BATCH));
        assert!(record.add(&brand(), answered("no")), "there is room again");
    }

    #[test]
    fn the_first_calls_are_kept_at_once_and_later_ones_when_they_fill_a_batch_or_some_seconds_are_over() {
        let record = CallRecord::default();
        let add = || assert!(record.add(&brand(), answered("no")));
        let is_ripe = |second| record.is_ripe(KEPT_EVERY, at(second));
        assert!(!is_ripe(0), "there is none");
        add();
        assert!(is_ripe(0));
        record.take(at(0));
        add();
        assert!(!is_ripe(9) && is_ripe(10));
        (1..FULL).for_each(|_| add());
        assert!(is_ripe(1));
    }

    #[test]
    fn calls_of_ticks_wait_for_five_minutes_unless_one_has_failed() {
        let record = CallRecord::default();
        let is_ripe = |second| record.is_ripe(KEPT_BY_TICKS_EVERY, at(second));
        let well = BrazeCall { cause: None, ..answered("no") };
        record.add(&brand(), well.clone());
        assert!(is_ripe(0), "the first one does not wait");
        record.take(at(0));
        record.add(&brand(), well);
        assert!(!is_ripe(299) && is_ripe(300));
        record.add(&brand(), answered("no"));
        assert!(!is_ripe(9) && is_ripe(10));
    }
}
