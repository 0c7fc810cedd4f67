//! Request slots, which all workers of a brand share.

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::BrandId;
use domain::reservation::{Allowance, Observed, Reservation};

use crate::Result;

/// The Braze endpoints with separate rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// `POST /users/export/ids`.
    ExportIds,
    /// `POST /users/track`.
    Track,
    /// `GET /subscription/status/get`.
    StatusGet,
    /// `POST /subscription/status/set`, both versions.
    StatusSet,
}

impl Endpoint {
    /// The endpoint's name in storage and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ExportIds => "export_ids",
            Self::Track => "track",
            Self::StatusGet => "status_get",
            Self::StatusSet => "status_set",
        }
    }
}

/// The unit of counting: one brand's requests to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The brand whose requests are counted.
    pub brand: BrandId,
    /// The endpoint that they go to.
    pub endpoint: Endpoint,
}

/// The request counters of [`domain::reservation`], stored where every worker sees them. Each call is one
/// conditional update.
///
/// # Errors
/// Both methods fail if the counters cannot be reached. Then nothing was booked, or slots were booked and
/// stay unused.
#[async_trait]
pub trait Limits: Send + Sync {
    /// Books `count` requests. `allowance` is the limit in the contract, which applies until Braze's own
    /// answers are known.
    async fn reserve(
        &self,
        lane: &Lane,
        count: u32,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<Reservation>;

    /// Corrects the counters by what an answer said about the limits.
    async fn observe(
        &self,
        lane: &Lane,
        observed: Observed,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<()>;
}
