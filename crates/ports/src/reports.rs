//! Reads what reports are made from.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::{IncentiveId, Scope};
use domain::ledger::Counts;
use domain::rollup::Rollup;

use crate::Result;

/// The figures of an activation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivationFigures {
    /// How many participations were ever accepted, if the store counts them at once. The roll-ups count them when they are first
    /// processed.
    pub accepted: Option<u64>,
    /// The totals of the roll-ups. Figures of minutes may be there, too, and are not needed.
    pub rollup: Rollup,
    /// What happened in each minute in which something happened, in order.
    pub minutes: Vec<MinuteFigures>,
    /// Since when the activation is paused, if it is.
    pub paused_since: Option<Timestamp>,
    /// The counters of each incentive's ledger.
    pub ledgers: BTreeMap<IncentiveId, Counts>,
}

/// What happened in one minute, in all ways together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MinuteFigures {
    /// The minute since 1970.
    pub minute: i64,
    /// How many were accepted.
    pub accepted: u64,
    /// How many were credited.
    pub credited: u64,
    /// How many got a reward.
    pub rewarded: u64,
}

impl MinuteFigures {
    /// The minutes in which something was counted, in order.
    #[must_use]
    pub fn of(rollup: &Rollup) -> Vec<Self> {
        let mut minutes: BTreeMap<i64, Self> = BTreeMap::new();
        for (key, count) in rollup.iter() {
            let Some(minute) = key.minute else { continue };
            let mut counted = minutes.get(&minute).copied().unwrap_or(Self { minute, ..Self::default() });
            if counted.count(&key.name, count) {
                minutes.insert(minute, counted);
            }
        }
        minutes.into_values().collect()
    }

    /// Counts a figure with this name. Returns whether a minute has such a figure.
    pub fn count(&mut self, name: &str, count: u64) -> bool {
        let figure = match name {
            "accepted" => &mut self.accepted,
            "credited" => &mut self.credited,
            "rewarded" => &mut self.rewarded,
            _ => return false,
        };
        *figure = figure.saturating_add(count);
        true
    }
}

impl ActivationFigures {
    /// The incentives that have figures in these roll-ups, together with those that are configured.
    #[must_use]
    pub fn incentives(rollup: &Rollup, configured: &[IncentiveId]) -> Vec<IncentiveId> {
        let mut incentives: Vec<IncentiveId> = rollup
            .iter()
            .filter_map(|(key, _)| key.incentive.clone())
            .chain(configured.iter().cloned())
            .collect();
        incentives.sort();
        incentives.dedup();
        incentives
    }
}

/// What reports read. The cost of a call does not grow with the number of participations.
///
/// # Errors
/// Every method fails if the store cannot be read.
#[async_trait]
pub trait Reports: Send + Sync {
    /// The figures of an activation. `configured` are the incentives that its brand file names.
    async fn activation(&self, scope: &Scope, configured: &[IncentiveId]) -> Result<ActivationFigures>;
}
