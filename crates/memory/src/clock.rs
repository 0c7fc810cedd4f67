//! Clocks for tests: one that is moved by hand, one that goes as Tokio's does.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::time::later;
use ports::Clock;
use ports::clock::SystemClock;
use tokio::sync::watch;
use tokio::time::Instant;

/// Stands still until it is moved; whoever sleeps wakes when their time has come.
pub struct TestClock(watch::Sender<Timestamp>);

impl TestClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves it on.
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

/// Goes as Tokio's clock goes: with the time of day, or as fast as a test under a paused clock can.
pub struct TokioClock {
    origin: Timestamp,
    started: Instant,
    /// How far the clock was set forward, in milliseconds; below zero, back.
    set_forward: AtomicI64,
}

impl TokioClock {
    /// A clock that shows `origin` now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a clock for tests starts when it is told to")]
    pub fn at(origin: Timestamp) -> Self {
        Self { origin, started: Instant::now(), set_forward: AtomicI64::new(0) }
    }

    /// A clock that shows the time of day now.
    #[must_use]
    pub fn start() -> Self {
        Self::at(SystemClock.now())
    }

    /// Sets it forward by so many milliseconds, or back: a machine whose clock is corrected.
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
