//! Time and randomness.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Tells the time of day, and waits.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now, to the millisecond.
    fn now(&self) -> Timestamp;

    /// Returns after `time`.
    async fn sleep(&self, time: Duration);
}

/// A source of randomness.
pub trait Chance: Send + Sync {
    /// Sixty-four random bits, good enough for keys.
    fn bits(&self) -> u64;

    /// A random time from `base` to twice `base`, so that many tasks that wait for the same thing do not all
    /// return at once.
    fn jitter(&self, base: Duration) -> Duration {
        let share = u32::try_from(self.bits() % 1_000).unwrap_or(0);
        base.saturating_add(base.saturating_mul(share).checked_div(1_000).unwrap_or(base))
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port through which time enters")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the port through which waiting enters")]
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// The operating system's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn bits(&self) -> u64 {
        getrandom::u64().unwrap_or_else(|error| {
            // A machine without randomness must not create guessable keys.
            panic!("the operating system has no randomness: {error}")
        })
    }
}
