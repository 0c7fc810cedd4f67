//! The simulation's time: Tokio's clock, which tests can pause, counted from the moment the workspace was created.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Gives the time since the epoch, moving as Tokio's clock moves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimClock {
    origin: Timestamp,
    started: Instant,
}

impl SimClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulation has a clock of its own, read here and nowhere else"
    )]
    pub(crate) fn start() -> Self {
        Self { origin: Timestamp::now(), started: Instant::now() }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a simulation that begins when it is told to is the same every time"
    )]
    pub(crate) fn at(origin: Timestamp) -> Self {
        Self { origin, started: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.origin + self.started.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "a delay that was asked for as a fault")]
    pub(crate) async fn sleep(time: Duration) {
        tokio::time::sleep(time).await;
    }
}
