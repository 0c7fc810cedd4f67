//! Reads what reports are made from.

use std::collections::BTreeMap;

use async_trait::async_trait;
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
    /// The roll-ups.
    pub rollup: Rollup,
    /// The counters of each incentive's ledger.
    pub ledgers: BTreeMap<IncentiveId, Counts>,
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
