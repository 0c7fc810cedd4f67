//! How numbers are drawn.

use std::time::Duration;

use domain::ledger::draw_lane::MOST_READS;

/// How numbers are drawn.
#[derive(Debug, Clone, Copy)]
pub struct DrawSettings {
    /// How long an acceptance waits for its number.
    pub patience: Duration,
    /// How many lanes every number is drawn in, even if no counter is throttled.
    pub always_in_lanes: Option<u64>,
    /// How often a member of a lane reads it again before it no longer waits for others.
    pub most_reads: usize,
    /// How long it is remembered how many wait behind the last number.
    pub fence_fresh_for: Duration,
}

impl Default for DrawSettings {
    /// A consumer is answered within a tenth of a second, with the place or without.
    fn default() -> Self {
        Self {
            patience: Duration::from_millis(80),
            always_in_lanes: None,
            most_reads: MOST_READS,
            fence_fresh_for: Duration::from_secs(2),
        }
    }
}

impl DrawSettings {
    /// A participation is accepted only after its number is drawn, however long that takes.
    #[must_use]
    pub fn patient() -> Self {
        Self { patience: Duration::from_secs(60), most_reads: 100, ..Self::default() }
    }
}
