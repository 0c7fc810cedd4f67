//! Paused activations.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::Scope;
use ports::{Pauses, Result};

use crate::Memory;

#[async_trait]
impl Pauses for Memory {
    async fn pause(&self, scope: &Scope, now: Timestamp) -> Result<Timestamp> {
        Ok(*self.lock().paused.entry(scope.clone()).or_insert(now))
    }

    async fn resume(&self, scope: &Scope) -> Result<Option<Timestamp>> {
        Ok(self.lock().paused.remove(scope))
    }

    async fn paused_since(&self, scope: &Scope) -> Result<Option<Timestamp>> {
        let mut state = self.lock();
        state.read("reading a pause")?;
        Ok(state.paused.get(scope).copied())
    }

    async fn paused(&self) -> Result<BTreeMap<Scope, Timestamp>> {
        Ok(self.lock().paused.clone())
    }
}
