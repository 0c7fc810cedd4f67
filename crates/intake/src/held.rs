//! Requests that wait for a change, so that a page hears of its result at once and asks seldom.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use ports::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The longest wait; a longer one that is asked for is cut.
pub(crate) const LONGEST: Duration = Duration::from_secs(20);

/// The time between two looks. It grows from the first to the second.
const LOOKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(500));

/// The room for requests that wait. Beyond it, and in a process that cannot hold a request, they are answered at once.
#[derive(Clone)]
pub struct HeldRequests {
    room: Arc<Semaphore>,
    released: Arc<watch::Sender<bool>>,
}

impl HeldRequests {
    /// Room for so many requests.
    #[must_use]
    pub fn at_most(requests: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(requests)), released: Arc::new(watch::Sender::new(false)) }
    }

    /// No room: a function pays for the time that it waits.
    #[must_use]
    pub fn none() -> Self {
        Self::at_most(0)
    }

    /// Answers all of them now, and holds no more: the process is about to stop.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// Room for one request; `None` if it is to be answered at once.
    pub(crate) fn hold(&self) -> Option<HeldRequest> {
        let released = self.released.subscribe();
        if *released.borrow() {
            return None;
        }
        let room = self.room.clone().try_acquire_owned().ok()?;
        Some(HeldRequest { _room: room, released, pause: LOOKS.0 })
    }
}

/// A request that waits.
pub(crate) struct HeldRequest {
    _room: OwnedSemaphorePermit,
    released: watch::Receiver<bool>,
    pause: Duration,
}

impl HeldRequest {
    /// Waits until the next look. Returns whether the request may wait longer.
    pub(crate) async fn pauses(&mut self, clock: &dyn Clock) -> bool {
        let pause = self.pause;
        self.pause = pause.saturating_mul(3).checked_div(2).unwrap_or(LOOKS.1).min(LOOKS.1);
        let released = std::pin::pin!(self.released.wait_for(|released| *released));
        match select(clock.sleep(pause), released).await {
            Either::Left(_) => true,
            Either::Right(_) => false,
        }
    }
}
