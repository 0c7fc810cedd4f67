//! Request slots, which all workers of a brand share.

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::BrandId;
use domain::reservation::{Contract, Observed, Reservation, WantedSlots};

use crate::Result;

pub use domain::call::Endpoint;

/// The unit of counting: one brand's requests to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The brand whose requests are counted.
    pub brand: BrandId,
    /// The endpoint that they go to.
    pub endpoint: Endpoint,
}

/// A lane, and what the contract allows there, which counts until Braze's own answers are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractLane {
    /// The lane.
    pub lane: Lane,
    /// What the contract says. The counters go by the newest one that they are given.
    pub contract: Contract,
}

/// The request counters of [`domain::reservation`], stored where every worker sees them. Each call is one
/// conditional update.
///
/// # Errors
/// Both methods fail if the counters cannot be reached. Then nothing was booked, or slots were booked and
/// stay unused.
#[async_trait]
pub trait Limits: Send + Sync {
    /// Books requests, and spare slots as [`domain::reservation`] allows.
    async fn reserve(&self, lane: &ContractLane, wanted: WantedSlots, now: Timestamp) -> Result<Reservation>;

    /// Corrects the counters by what an answer said about the limits.
    async fn observe(&self, lane: &ContractLane, observed: Observed, now: Timestamp) -> Result<()>;
}
