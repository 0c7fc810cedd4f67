//! What reports read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ids::{IncentiveId, LedgerKey, Scope};
use futures::future::try_join_all;
use ports::reports::{ActivationFigures, MinuteFigures, Reports};
use ports::{Error, Pauses, Result, Rollups};

use crate::dynamo::Dynamo;
use crate::dynamo::read::name;

#[async_trait]
impl Reports for Dynamo {
    async fn activation(&self, scope: &Scope, configured: &[IncentiveId]) -> Result<ActivationFigures> {
        let rollup = self.rollup(scope).await?;
        let counts = ActivationFigures::incentives(&rollup, configured).into_iter().map(async |incentive| {
            let ledger = LedgerKey { scope: scope.clone(), incentive: Some(incentive.clone()) };
            Ok::<_, Error>((incentive, self.read_counts(&name(&ledger)).await?.counts))
        });
        let ledgers: BTreeMap<_, _> = try_join_all(counts).await?.into_iter().collect();
        let paused_since = self.paused_since(scope).await?;
        let minutes = MinuteFigures::of(&rollup);
        Ok(ActivationFigures { accepted: None, rollup, minutes, paused_since, ledgers })
    }
}
