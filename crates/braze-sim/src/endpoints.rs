//! The REST endpoints that are simulated, their permissions, and the limits that they share.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;

use crate::windows::Window;

/// The simulated endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SimEndpoint {
    Track,
    ExportIds,
    StatusGet,
    StatusSet,
    Identify,
    Merge,
    Delete,
    NewAlias,
    UpdateAlias,
    RenameIds,
    RemoveIds,
}

/// The limits of requests. Some endpoints share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SimLimit {
    Track,
    /// The hour that is counted beside the three seconds.
    TrackHour,
    ExportIds,
    StatusGet,
    StatusSet,
    Identity,
    ExternalIds,
}

impl SimEndpoint {
    /// The endpoint of a method and a path.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::POST, "/users/track") => Some(Self::Track),
            (&Method::POST, "/users/export/ids") => Some(Self::ExportIds),
            (&Method::GET, "/subscription/status/get") => Some(Self::StatusGet),
            (&Method::POST, "/subscription/status/set" | "/v2/subscription/status/set") => {
                Some(Self::StatusSet)
            }
            (&Method::POST, "/users/identify") => Some(Self::Identify),
            (&Method::POST, "/users/merge") => Some(Self::Merge),
            (&Method::POST, "/users/delete") => Some(Self::Delete),
            (&Method::POST, "/users/alias/new") => Some(Self::NewAlias),
            (&Method::POST, "/users/alias/update") => Some(Self::UpdateAlias),
            (&Method::POST, "/users/external_ids/rename") => Some(Self::RenameIds),
            (&Method::POST, "/users/external_ids/remove") => Some(Self::RemoveIds),
            _ => None,
        }
    }

    /// The permission that it needs, by Braze's name.
    pub(crate) fn permission(self) -> &'static str {
        match self {
            Self::Track => "users.track",
            Self::ExportIds => "users.export.ids",
            Self::StatusGet => "subscription.status.get",
            Self::StatusSet => "subscription.status.set",
            Self::Identify => "users.identify",
            Self::Merge => "users.merge",
            Self::Delete => "users.delete",
            Self::NewAlias => "users.alias.new",
            Self::UpdateAlias => "users.alias.update",
            Self::RenameIds => "users.external_ids.rename",
            Self::RemoveIds => "users.external_ids.remove",
        }
    }

    /// The limit that its requests count towards.
    pub(crate) fn limit(self) -> SimLimit {
        match self {
            Self::Track => SimLimit::Track,
            Self::ExportIds => SimLimit::ExportIds,
            Self::StatusGet => SimLimit::StatusGet,
            Self::StatusSet => SimLimit::StatusSet,
            Self::Identify | Self::Merge | Self::Delete | Self::NewAlias | Self::UpdateAlias => {
                SimLimit::Identity
            }
            Self::RenameIds | Self::RemoveIds => SimLimit::ExternalIds,
        }
    }
}

/// The windows of the limits that no setting changes.
pub(crate) fn fixed_windows() -> BTreeMap<SimLimit, Window> {
    let minute = Duration::from_secs(60);
    BTreeMap::from([
        (SimLimit::StatusGet, Window::new(250_000, Duration::from_secs(3_600))),
        (SimLimit::StatusSet, Window::new(5_000, minute)),
        (SimLimit::Identity, Window::new(20_000, minute)),
        (SimLimit::ExternalIds, Window::new(1_000, minute)),
    ])
}
