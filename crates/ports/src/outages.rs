//! Brands whose Braze workspace does not answer, stored so that other processes and the engineer on call can
//! see them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ids::BrandId;
pub use domain::outage::Outage;

use crate::Result;

/// The known outages. A worker that sees an outage stores it, and a worker that gets an answer ends it.
///
/// # Errors
/// Every method fails if the outages cannot be reached.
#[async_trait]
pub trait Outages: Send + Sync {
    /// Stores a brand's outage, and replaces an earlier one.
    async fn keep_outage(&self, brand: &BrandId, outage: &Outage) -> Result<()>;

    /// Removes a brand's outage.
    async fn end_outage(&self, brand: &BrandId) -> Result<()>;

    /// All stored outages.
    async fn outages(&self) -> Result<BTreeMap<BrandId, Outage>>;
}
