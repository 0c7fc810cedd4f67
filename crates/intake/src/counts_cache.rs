//! Counters that a crowd watches. Requests that come close together share one read of the store, so that its cost does not grow with the crowd.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::LedgerKey;
use domain::ledger::Counts;
use domain::time::between;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use ports::Ledger;

/// How long `serve` and the functions answer with the counters that they have read. Answers say themselves that they may be a second old.
pub const COUNTS_FRESH_FOR: Duration = Duration::from_millis(250);

/// The counters, or why they could not be read. The requests that share a read also share its failure.
type SharedCounts = Result<Counts, Arc<ports::Error>>;

/// The last read of each ledger's counters. Only ledgers of known activations are read, so their number is limited.
pub(crate) struct CountsCache {
    fresh_for: Duration,
    reads: Mutex<HashMap<LedgerKey, SharedRead>>,
}

/// A read that is under way or done.
#[derive(Clone)]
struct SharedRead {
    begun_at: Timestamp,
    counts: Shared<BoxFuture<'static, SharedCounts>>,
}

impl CountsCache {
    /// Without a duration, every request reads the store.
    pub(crate) fn new(fresh_for: Duration) -> Self {
        Self { fresh_for, reads: Mutex::default() }
    }

    /// The counters as they were at most `fresh_for` before `now`.
    pub(crate) async fn counts(
        &self,
        from: &Arc<dyn Ledger>,
        ledger: &LedgerKey,
        now: Timestamp,
    ) -> SharedCounts {
        if self.fresh_for.is_zero() {
            return from.counts(ledger).await.map_err(Arc::new);
        }
        self.shared_read(from, ledger, now).counts.await
    }

    fn shared_read(&self, from: &Arc<dyn Ledger>, ledger: &LedgerKey, now: Timestamp) -> SharedRead {
        let mut reads = self.reads.lock();
        // A clock that was set back must not keep old counters for long.
        let is_fresh =
            |read: &&SharedRead| read.begun_at <= now && between(read.begun_at, now) < self.fresh_for;
        if let Some(read) = reads.get(ledger).filter(is_fresh) {
            return read.clone();
        }
        let (from, key) = (from.clone(), ledger.clone());
        let counts = async move { from.counts(&key).await.map_err(Arc::new) }.boxed().shared();
        let read = SharedRead { begun_at: now, counts };
        reads.insert(ledger.clone(), read.clone());
        read
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{IncentiveId, Scope};
    use memory::{Faults, Memory, TestClock};

    use super::*;

    /// Whether requests at these times share a read.
    fn share(one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|time| time.parse().unwrap());
        let ledger: Arc<dyn Ledger> = Arc::new(Memory::new(1, Faults::none(), Arc::new(TestClock::at(one))));
        let scope = Scope::parse("spring").unwrap();
        let key = LedgerKey { scope, incentive: Some(IncentiveId::parse("first").unwrap()) };
        let cache = CountsCache::new(COUNTS_FRESH_FOR);
        let [one, other] = [one, other].map(|now| cache.shared_read(&ledger, &key, now));
        one.counts.ptr_eq(&other.counts)
    }

    #[test]
    fn requests_that_come_while_a_read_is_under_way_wait_for_the_same_read() {
        assert!(share("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"));
        assert!(!share("2026-11-01T00:00:00Z", "2026-11-01T00:00:00.25Z"));
    }

    #[test]
    fn after_the_clock_was_set_back_counters_are_read_again() {
        assert!(!share("2026-11-01T00:00:00Z", "2026-10-31T23:59:00Z"));
    }
}
