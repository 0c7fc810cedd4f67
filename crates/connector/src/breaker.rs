//! Admits the requests of a brand and endpoint while Braze says that some are left. Slots are booked as if no other
//! program used the workspace. If another one does, Braze's answers report fewer requests left than we booked, and the
//! other requests wait for the next window instead of getting 429s. After a key was refused, requests that already
//! have a slot are held back here, too.

mod state;
#[cfg(test)]
mod tests;

use domain::Timestamp;
use domain::reservation::{Observed, Slot};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

pub(crate) use state::Rejection;
use state::{Admit, BreakerState};

/// The most requests of a brand and endpoint in flight, whatever they belong to. With answers that take a
/// second, this is enough for 40 a second or 2,500 a minute.
const AT_ONCE: usize = 64;

/// The requests of one brand and endpoint in flight, and what the answers said.
pub(crate) struct Breaker {
    /// The permits, given in the order of asking.
    room: Semaphore,
    state: Mutex<BreakerState>,
    answered: Notify,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { room: Semaphore::new(AT_ONCE), state: Mutex::default(), answered: Notify::new() }
    }
}

/// The permit of a request in flight.
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    /// The request's share of the limit on requests in flight.
    _room: Option<SemaphorePermit<'a>>,
}

impl Breaker {
    /// Returns as soon as a request may be sent.
    ///
    /// # Errors
    /// [`Rejection`] if it may not be sent.
    pub(crate) async fn enter(
        &self,
        slot: Slot,
        now: impl Fn() -> Timestamp,
    ) -> Result<Permit<'_>, Rejection> {
        // The semaphore is never closed.
        let mut room = self.room.acquire().await.ok();
        loop {
            let answered = self.answered.notified();
            let entry = self.lock().enter(slot, now());
            match entry {
                Admit::Now => return Ok(Permit { breaker: self, _room: room.take() }),
                Admit::Never(rejection) => return Err(rejection),
                Admit::OnceAnswered => answered.await,
            }
        }
    }

    /// The end of the wait that Braze asked for, if it did.
    pub(crate) fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.lock().rests_until(now)
    }

    /// Records what an answer says about the limit.
    pub(crate) fn hear(&self, said: Option<Observed>, now: Timestamp) {
        self.lock().hear(said, now);
    }

    /// Ends what holds requests back after failures, because an operator says that the cause is gone. A
    /// refused key is still tried with one request first.
    pub(crate) fn open(&self, now: Timestamp) {
        self.lock().open(now);
        self.answered.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, BreakerState> {
        self.state.lock()
    }
}

impl Permit<'_> {
    /// Records what the answer says about the limit.
    pub(crate) fn answered(self, said: Option<Observed>, now: Timestamp) {
        self.breaker.lock().answered(said, now);
    }

    /// Records that no answer came.
    pub(crate) fn unanswered(self, now: Timestamp) {
        self.breaker.lock().unanswered(now);
    }
}

/// The request is no longer in flight, however it ended.
impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.breaker.lock().ended();
        self.breaker.answered.notify_waiters();
    }
}
