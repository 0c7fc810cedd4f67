//! Changes of people's profiles, as a plan has them.

use serde::{Deserialize, Serialize};

/// The number of consumers in a run.
pub const CONSUMERS: u8 = 6;

/// A change of a consumer's profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonChange {
    /// The app creates a profile with the address.
    AppCreates,
    /// The consumer signs in to the app: the profile under our alias is merged into the app's, with its fields and aliases.
    SignsIn,
    /// The same, and the app carries over attributes and events.
    SignsInWithEverything,
    /// The brand identifies the profile under our alias.
    Identified,
    /// One profile of the consumer is merged into another one.
    Merged,
    /// Everybody who has an address in common is merged.
    BulkMerged,
    /// The profile with the address is deleted.
    Deleted,
    /// The profile gets another external id, and the old one is removed.
    Renamed,
    /// The consumer changes the address in the app, or changes it back.
    ChangesAddress,
    /// The consumer changes the number in the app, or changes it back.
    ChangesPhone,
    /// The consumer's profile and another one's swap their addresses.
    Swaps(u8),
    /// The consumer follows the unsubscribe link of an e-mail.
    Unsubscribes,
}

impl PersonChange {
    /// Draws a change.
    pub(super) fn any(dice: &mut fastrand::Rng) -> Self {
        match dice.u8(..14) {
            0 | 1 => Self::AppCreates,
            2 => Self::SignsIn,
            3 => Self::SignsInWithEverything,
            4 => Self::Identified,
            5 | 6 => Self::Merged,
            7 => Self::BulkMerged,
            8 => Self::Deleted,
            9 => Self::Renamed,
            10 => Self::ChangesAddress,
            11 => Self::ChangesPhone,
            12 => Self::Swaps(dice.u8(..CONSUMERS)),
            _ => Self::Unsubscribes,
        }
    }

    /// What the change is counted as.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AppCreates => "profiles that the app created",
            Self::SignsIn | Self::SignsInWithEverything => "sign-ins",
            Self::Identified => "identifications",
            Self::Merged => "merges",
            Self::BulkMerged => "bulk merges",
            Self::Deleted => "deletions",
            Self::Renamed => "renames",
            Self::ChangesAddress => "changed addresses",
            Self::ChangesPhone => "changed numbers",
            Self::Swaps(_) => "swaps",
            Self::Unsubscribes => "unsubscribes by link",
        }
    }
}
