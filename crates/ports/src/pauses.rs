//! Activations that an operator has paused: nobody takes part until they are resumed.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::Scope;

use crate::Result;

/// The pauses of activations. A pause does not affect existing participations.
///
/// # Errors
/// Every method fails if the pauses cannot be reached.
#[async_trait]
pub trait Pauses: Send + Sync {
    /// Pauses an activation. Returns since when it is paused: an earlier pause stays.
    async fn pause(&self, scope: &Scope, now: Timestamp) -> Result<Timestamp>;

    /// Ends an activation's pause. Returns since when it was paused; `None` if it was not.
    async fn resume(&self, scope: &Scope) -> Result<Option<Timestamp>>;

    /// Since when an activation is paused; `None` if it is not.
    async fn paused_since(&self, scope: &Scope) -> Result<Option<Timestamp>>;

    /// Every paused activation.
    async fn paused(&self) -> Result<BTreeMap<Scope, Timestamp>>;
}
