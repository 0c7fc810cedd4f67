//! A reproducible source of randomness.

use parking_lot::Mutex;
use ports::Chance;

/// Yields the same bits in the same order for the same seed. It must not be used for keys.
pub struct SeededChance(Mutex<fastrand::Rng>);

impl SeededChance {
    /// Creates the source from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Chance for SeededChance {
    fn bits(&self) -> u64 {
        self.0.lock().u64(..)
    }
}
