//! Clocks for tests: one that a test moves by hand, and one that follows Tokio's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::time::later;
use ports::Clock;
use ports::clock::SystemClock;
use tokio::sync::watch;
use tokio::time::Instant;

/// A clock that stands still until a test moves it. A sleeper wakes when the clock reaches its time.
pub struct TestClock(watch::Sender<Timestamp>);

impl TestClock {
    /// Creates a clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves the clock forward by `time`.
    pub fn advance(&self, time: Duration) {
        self.0.send_modify(|now| *now = later(*now, time));
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep(&self, time: Duration) {
        let until = later(self.now(), time);
        // The sender is ours, so this cannot end early.
        let mut moved = self.0.subscribe();
        let _ended = moved.wait_for(|now| *now >= until).await;
    }
}

/// Shows another clock's time, and waits by Tokio's. A wait between the calls of an acceptance is short, so nobody moves a clock for it.
pub(crate) struct CallClock(pub(crate) Arc<dyn Clock>);

#[async_trait]
impl Clock for CallClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, time: Duration) {
        SystemClock.sleep(time).await;
    }
}

/// A clock that follows Tokio's: real time, or as fast as a test under a paused clock can go.
pub struct TokioClock {
    origin: Timestamp,
    started: Instant,
    /// How far the clock was set forward, in milliseconds. A negative value sets it back.
    set_forward: AtomicI64,
}

impl TokioClock {
    /// Creates a clock that shows `origin` now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a clock for tests starts when it is told to")]
    pub fn at(origin: Timestamp) -> Self {
        Self { origin, started: Instant::now(), set_forward: AtomicI64::new(0) }
    }

    /// Creates a clock that shows the current time of day.
    #[must_use]
    pub fn start() -> Self {
        Self::at(SystemClock.now())
    }

    /// Sets the clock forward by this many milliseconds, or back if the number is negative, as when a machine's clock is corrected.
    pub fn set_forward(&self, milliseconds: i64) {
        self.set_forward.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let now = later(self.origin, self.started.elapsed());
        let shown = now.as_millisecond().saturating_add(self.set_forward.load(Ordering::Relaxed));
        Timestamp::from_millisecond(shown).unwrap_or(now)
    }

    #[expect(clippy::disallowed_methods, reason = "a clock is where waiting enters")]
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
