//! Clocks for tests: one that is moved by hand, one that goes as Tokio's does.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
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
        self.0.send_modify(|now| *now += time);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep(&self, time: Duration) {
        let until = self.now() + time;
        // The sender is ours, so this cannot end early.
        let mut moved = self.0.subscribe();
        let _ended = moved.wait_for(|now| *now >= until).await;
    }
}

/// Goes as Tokio's clock goes: with the time of day, or as fast as a test under a paused clock can.
pub struct TokioClock {
    origin: Timestamp,
    started: Instant,
}

impl TokioClock {
    /// A clock that shows `origin` now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a clock for tests starts when it is told to")]
    pub fn at(origin: Timestamp) -> Self {
        Self { origin, started: Instant::now() }
    }

    /// A clock that shows the time of day now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a clock for tests reads the real one once")]
    pub fn start() -> Self {
        Self { origin: SystemClock.now(), started: Instant::now() }
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let now = self.origin + self.started.elapsed();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    #[expect(clippy::disallowed_methods, reason = "a clock is where waiting enters")]
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
