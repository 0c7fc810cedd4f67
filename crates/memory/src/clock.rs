//! A clock that is moved by hand.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use ports::Clock;
use tokio::sync::watch;

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
