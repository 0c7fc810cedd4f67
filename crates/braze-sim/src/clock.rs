//! The simulation's time: Tokio's clock, which tests can pause, counted from the moment the workspace was created; or a clock of the test's own.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Gives the time of a workspace.
#[derive(Clone)]
pub(crate) struct SimClock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl SimClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulation has a clock of its own, read here and nowhere else"
    )]
    pub(crate) fn start() -> Self {
        Self::at(Timestamp::now())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a simulation that begins when it is told to is the same every time"
    )]
    pub(crate) fn at(origin: Timestamp) -> Self {
        let started = Instant::now();
        Self::of(move || origin + started.elapsed())
    }

    pub(crate) fn of(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }

    #[expect(clippy::disallowed_methods, reason = "a delay that was asked for as a fault")]
    pub(crate) async fn sleep(time: Duration) {
        tokio::time::sleep(time).await;
    }
}
