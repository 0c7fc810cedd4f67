//! Brands whose Braze workspace does not answer, kept where other processes and whoever is on call see it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ids::BrandId;
pub use domain::outage::Outage;

use crate::Result;

/// The outages that are known. Whoever sees one keeps it, and whoever is answered ends it.
///
/// # Errors
/// Every method fails when the outages cannot be reached.
#[async_trait]
pub trait Outages: Send + Sync {
    /// Keeps a brand's outage, and replaces what was kept of it.
    async fn keep_outage(&self, brand: &BrandId, outage: &Outage) -> Result<()>;

    /// Forgets a brand's outage.
    async fn end_outage(&self, brand: &BrandId) -> Result<()>;

    /// All that are kept.
    async fn outages(&self) -> Result<BTreeMap<BrandId, Outage>>;
}
