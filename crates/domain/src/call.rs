//! Calls to Braze, as they are kept for people who ask what was said. Nothing is decided by them.

use std::time::Duration;

use crate::Timestamp;
use crate::ids::{BrandId, ParticipationId};
use crate::participation::Cause;
use crate::time::later;

/// How long calls are kept.
pub const CALLS_KEPT_FOR: Duration = Duration::from_secs(7 * 86_400);

/// The most participations that a call names.
pub const MOST_NAMED: usize = 3;

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
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ExportIds, Self::Track, Self::StatusGet, Self::StatusSet];

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

    /// The endpoint with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }

    /// Its path.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::ExportIds => "/users/export/ids",
            Self::Track => "/users/track",
            Self::StatusGet => "/subscription/status/get",
            Self::StatusSet => "/subscription/status/set",
        }
    }
}

/// One request to Braze, without contacts and bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrazeCall {
    /// When it was sent.
    pub at: Timestamp,
    /// Where it was sent.
    pub endpoint: Endpoint,
    /// How many objects or identifiers it had.
    pub objects: u32,
    /// How many of the objects Braze refused.
    pub refused: u32,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// Why it failed as a whole, if it did.
    pub cause: Option<Cause>,
    /// How long the answer took.
    pub took: Duration,
    /// How many requests were left in the window, as Braze said.
    pub left: Option<u64>,
    /// What Braze said about a failure. It is a text that is known to name nobody.
    pub message: Option<String>,
    /// Some of the participations that it was about, at most [`MOST_NAMED`].
    pub participations: Vec<ParticipationId>,
}

impl BrazeCall {
    /// Whether it failed, as a whole or for some objects.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.cause.is_some() || self.refused > 0
    }
}

/// Calls of one brand that are kept together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBatch {
    /// The brand whose workspace was called.
    pub brand: BrandId,
    /// When it was kept.
    pub kept_at: Timestamp,
    /// The calls.
    pub calls: Vec<BrazeCall>,
}

impl CallBatch {
    /// When it may be deleted.
    #[must_use]
    pub fn kept_until(&self) -> Timestamp {
        later(self.kept_at, CALLS_KEPT_FOR)
    }
}
