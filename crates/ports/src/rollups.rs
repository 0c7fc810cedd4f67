//! Keeps the roll-ups, so that a report need not read every participation.

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::Scope;
use domain::rollup::Rollup;

use crate::Result;

/// The figures that reports count of each activation. Most of them are stored by [`crate::Store::save_counted`], together with the
/// participations that they count.
///
/// # Errors
/// Every method fails if the figures cannot be read or written.
#[async_trait]
pub trait Rollups: Send + Sync {
    /// Adds figures of what happened until `now`.
    async fn add_rollup(&self, rollup: &Rollup, now: Timestamp) -> Result<()>;

    /// All figures of an activation.
    async fn rollup(&self, scope: &Scope) -> Result<Rollup>;
}
