//! What reports read.

use async_trait::async_trait;
use domain::ids::{IncentiveId, LedgerKey, Scope};
use ports::Result;
use ports::reports::{ActivationFigures, MinuteFigures, Reports};

use crate::Memory;

#[async_trait]
impl Reports for Memory {
    async fn activation(&self, scope: &Scope, configured: &[IncentiveId]) -> Result<ActivationFigures> {
        let rollup = self.stored_rollup(scope);
        let mut state = self.lock();
        state.read("reading the figures of an activation")?;
        let accepted = state.accepted.get(scope).copied().unwrap_or(0);
        let incentives = ActivationFigures::incentives(&rollup, configured).into_iter();
        let ledgers = incentives.map(|incentive| {
            let ledger = LedgerKey { scope: scope.clone(), incentive: Some(incentive.clone()) };
            (incentive, state.ledgers.counts.get(&ledger).cloned().unwrap_or_default())
        });
        let ledgers = ledgers.collect();
        let paused_since = state.paused.get(scope).copied();
        let minutes = MinuteFigures::of(&rollup);
        Ok(ActivationFigures { accepted: Some(accepted), rollup, minutes, paused_since, ledgers })
    }
}
