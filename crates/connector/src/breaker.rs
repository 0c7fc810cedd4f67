//! Lets a lane's requests through as long as Braze says that some are left. Slots say how many may be sent if nobody else is in the
//! workspace; where somebody is, the answers tell, and the rest waits for the next window instead of drawing 429s. What has a slot
//! already is held up here, too, once a key is refused.

mod state;
#[cfg(test)]
mod tests;

use domain::Timestamp;
use domain::reservation::{Observed, Slot};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

pub(crate) use state::Rejection;
use state::{Admit, BreakerState};

/// Requests of a lane under way at once, whatever they are part of: enough to fill 40 a second, or 2,500 a minute, with answers that take
/// a second.
const AT_ONCE: usize = 64;

/// Requests of one lane under way, and what the answers said.
pub(crate) struct Breaker {
    /// First come, first served.
    room: Semaphore,
    state: Mutex<BreakerState>,
    answered: Notify,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { room: Semaphore::new(AT_ONCE), state: Mutex::default(), answered: Notify::new() }
    }
}

/// A request under way.
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    /// Its part of the room.
    _room: Option<SemaphorePermit<'a>>,
}

impl Breaker {
    /// Returns once a request may be sent.
    ///
    /// # Errors
    /// [`Rejection`] when it may not.
    pub(crate) async fn enter(
        &self,
        slot: Slot,
        now: impl Fn() -> Timestamp,
    ) -> Result<Permit<'_>, Rejection> {
        // The room is never closed.
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

    /// Until when Braze asked to be left alone, where it did.
    pub(crate) fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.lock().rests_until(now)
    }

    /// Takes note of what an answer says of the limit.
    pub(crate) fn hear(&self, said: Option<Observed>, now: Timestamp) {
        self.lock().hear(said, now);
    }

    /// Whatever held requests up after failures is over: somebody says so. A key that was refused is still tried by one request first.
    pub(crate) fn open(&self, now: Timestamp) {
        self.lock().open(now);
        self.answered.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, BreakerState> {
        self.state.lock()
    }
}

impl Permit<'_> {
    /// Takes note of what the answer says of the limit.
    pub(crate) fn answered(self, said: Option<Observed>, now: Timestamp) {
        self.breaker.lock().answered(said, now);
    }

    /// Takes note that there is none.
    pub(crate) fn unanswered(self, now: Timestamp) {
        self.breaker.lock().unanswered(now);
    }
}

/// However the request ended, it is not under way any more.
impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.breaker.lock().ended();
        self.breaker.answered.notify_waiters();
    }
}
