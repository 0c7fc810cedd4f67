//! Paused activations, beside the process that serves the file.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::Scope;
use ports::{Pauses, Result};

use super::{AdminConnection, failed};
use crate::pauses::{PAUSING, READING, RESUMING, all, moment, moments, pause, resume, since_of};

#[async_trait]
impl Pauses for AdminConnection {
    async fn pause(&self, scope: &Scope, now: Timestamp) -> Result<Timestamp> {
        let since = self.change(PAUSING, |transaction| {
            pause(transaction, scope, now).map_err(|error| failed(PAUSING, error))
        });
        moment(&since?)
    }

    async fn resume(&self, scope: &Scope) -> Result<Option<Timestamp>> {
        let ended = self.change(RESUMING, |transaction| {
            resume(transaction, scope).map_err(|error| failed(RESUMING, error))
        });
        ended?.as_deref().map(moment).transpose()
    }

    async fn paused_since(&self, scope: &Scope) -> Result<Option<Timestamp>> {
        let since = since_of(&self.lock(), scope).map_err(|error| failed(READING, error))?;
        since.as_deref().map(moment).transpose()
    }

    async fn paused(&self) -> Result<BTreeMap<Scope, Timestamp>> {
        moments(all(&self.lock()).map_err(|error| failed(READING, error))?)
    }
}
