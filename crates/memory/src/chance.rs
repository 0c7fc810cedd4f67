//! Chance that repeats itself.

use parking_lot::Mutex;
use ports::Chance;

/// The same bits in the same order for the same seed. Not for keys.
pub struct SeededChance(Mutex<fastrand::Rng>);

impl SeededChance {
    /// Chance from a seed.
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
