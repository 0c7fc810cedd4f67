//! The roll-ups.

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::Scope;
use domain::rollup::Rollup;
use ports::{Result, Rollups};

use crate::Memory;

#[async_trait]
impl Rollups for Memory {
    async fn add_rollup(&self, rollup: &Rollup, _now: Timestamp) -> Result<()> {
        self.lock().write("counting in roll-ups", |state| {
            state.rollup.merge(rollup);
            Ok(())
        })
    }

    async fn rollup(&self, scope: &Scope) -> Result<Rollup> {
        self.lock().read("reading roll-ups")?;
        Ok(self.stored_rollup(scope))
    }
}
