//! Whether a key has the permissions that acquisition needs. We ask with requests whose content Braze must
//! refuse: Braze checks the key first, so its refusal shows whether the permission is missing, and nothing is
//! changed.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::error::Error;

/// A permission of a REST API key, named as in Braze's dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// `users.track`
    TrackUsers,
    /// `users.export.ids`
    ExportUsers,
    /// `subscription.status.get`
    ReadSubscriptions,
    /// `subscription.status.set`
    SetSubscriptions,
}

impl Permission {
    /// All permissions that acquisition needs.
    pub const ALL: [Self; 4] =
        [Self::TrackUsers, Self::ExportUsers, Self::ReadSubscriptions, Self::SetSubscriptions];

    /// The name that Braze's dashboard shows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TrackUsers => "users.track",
            Self::ExportUsers => "users.export.ids",
            Self::ReadSubscriptions => "subscription.status.get",
            Self::SetSubscriptions => "subscription.status.set",
        }
    }

    /// A request that needs this permission and names no profile.
    pub(crate) fn request(self) -> (Method, &'static str, Option<Value>) {
        match self {
            Self::TrackUsers => (Method::POST, "/users/track", Some(json!({}))),
            Self::ExportUsers => {
                let nobody = json!({ "external_ids": [], "fields_to_export": ["braze_id"] });
                (Method::POST, "/users/export/ids", Some(nobody))
            }
            Self::ReadSubscriptions => (Method::GET, "/subscription/status/get", None),
            Self::SetSubscriptions => {
                (Method::POST, "/v2/subscription/status/set", Some(json!({ "subscription_groups": [] })))
            }
        }
    }
}

/// Braze's answer about a permission.
#[derive(Debug)]
pub enum Grant {
    /// The key has the permission.
    Given,
    /// The key is not valid here: it is mistyped or revoked, or belongs to another workspace or instance.
    UnknownKey(Error),
    /// The key is valid but does not have this permission.
    Missing(Error),
    /// The answer does not show whether the key has the permission.
    Unclear(Error),
}

impl Grant {
    pub(crate) fn of(answered: Result<(), Error>) -> Self {
        match answered {
            Ok(()) => Self::Given,
            Err(error) => match &error {
                // Braze passed the key and went on to check the content.
                Error::UnknownGroup | Error::TooLarge { .. } => Self::Given,
                Error::Refused { status, .. }
                    if matches!(*status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) =>
                {
                    Self::Given
                }
                // Some of Braze's pages give 401 for a missing permission. Braze says `Invalid API key` only
                // about keys.
                Error::KeyRefused { status, message }
                    if *status == StatusCode::UNAUTHORIZED && message.contains("Invalid API key") =>
                {
                    Self::UnknownKey(error)
                }
                Error::KeyRefused { .. } => Self::Missing(error),
                _ => Self::Unclear(error),
            },
        }
    }
}
