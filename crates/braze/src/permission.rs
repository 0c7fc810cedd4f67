//! Whether a key may do what acquisition needs, asked by requests that Braze has to refuse for what they hold: it looks at the key
//! first, so the refusal tells a missing permission from a present one, and nothing is changed.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::error::Error;

/// A permission of a REST API key, by the name that Braze's dashboard has for it.
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
    /// All that acquisition needs.
    pub const ALL: [Self; 4] =
        [Self::TrackUsers, Self::ExportUsers, Self::ReadSubscriptions, Self::SetSubscriptions];

    /// As Braze's dashboard shows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TrackUsers => "users.track",
            Self::ExportUsers => "users.export.ids",
            Self::ReadSubscriptions => "subscription.status.get",
            Self::SetSubscriptions => "subscription.status.set",
        }
    }

    /// A request that needs this permission and names nobody.
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

/// What Braze says of a permission.
#[derive(Debug)]
pub enum Grant {
    /// The key has it.
    Given,
    /// The key is good for nothing here: mistyped, revoked, another workspace's, or another instance's.
    UnknownKey(Error),
    /// The key is good, and has not this permission.
    Missing(Error),
    /// No answer that would tell.
    Unclear(Error),
}

impl Grant {
    pub(crate) fn of(answered: Result<(), Error>) -> Self {
        match answered {
            Ok(()) => Self::Given,
            Err(error) => match &error {
                // It got as far as what the request holds.
                Error::UnknownGroup | Error::TooLarge { .. } => Self::Given,
                Error::Refused { status, .. }
                    if matches!(*status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) =>
                {
                    Self::Given
                }
                // A 401 names a missing permission in some of Braze's pages; `Invalid API key` it says of keys only.
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
