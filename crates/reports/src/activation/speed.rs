//! How long it took.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::rollup::{Latency, Rollup};

use super::Stage;

/// Durations from the acceptance to a stage. Each is the longest of its class, which is exact to a fifth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed {
    /// How many were measured.
    pub count: u64,
    /// Half were at most this slow.
    pub half: Duration,
    /// 95 of 100 were at most this slow.
    pub most: Duration,
    /// 99 of 100 were at most this slow.
    pub nearly_all: Duration,
    /// The slowest.
    pub slowest: Duration,
}

impl Speed {
    /// The durations until a stage; `None` if nobody reached it.
    pub(super) fn of(rollup: &Rollup, stage: Stage) -> Option<Self> {
        let mut classes: BTreeMap<Latency, u64> = BTreeMap::new();
        for (key, count) in rollup.iter() {
            if let Some(class) = Latency::named(&key.name, stage.name()) {
                let of_class = classes.entry(class).or_default();
                *of_class = of_class.saturating_add(count);
            }
        }
        let count = classes.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let slowest = classes.last_key_value()?.0.longest();
        let within = |percent| within(&classes, count, percent).unwrap_or(slowest);
        Some(Self { count, half: within(50), most: within(95), nearly_all: within(99), slowest })
    }
}

/// The duration that this part of all stayed within.
fn within(classes: &BTreeMap<Latency, u64>, count: u64, percent: u64) -> Option<Duration> {
    let wanted = count.saturating_mul(percent).div_ceil(100);
    let mut so_far = 0_u64;
    let class = classes.iter().find(|(_, count)| {
        so_far = so_far.saturating_add(**count);
        so_far >= wanted
    });
    class.map(|(class, _)| class.longest())
}
