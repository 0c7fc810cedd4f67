//! Where a participation stands when it has just been accepted.

use crate::award::{Award, AwardStatus};
use crate::incentive::Offer;
use crate::ledger::{Counts, Entry};

/// Where a participation stands in its incentive's ledger when it has just been accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody is numbered there: the participation has no incentive, or chance decides.
    Unnumbered,
    /// It has this place, counted from 1.
    Place(u32),
    /// It waits for a place, and is this one in line, counted from 1.
    Waiting(u32),
    /// It waits behind at least this many others.
    WaitingAtLeast(u32),
    /// It is numbered, but the store enters its line later.
    NotKnownYet,
}

impl Standing {
    /// The standing of a line that has just been entered, behind everybody who waits.
    pub(super) fn entered(award: &Award, counts: &Counts) -> Self {
        match award.status {
            AwardStatus::Reserved { place } | AwardStatus::Rewarded { place: Some(place), .. } => {
                Self::Place(place)
            }
            AwardStatus::Waiting => Self::Waiting(counts.waiting),
            AwardStatus::New
            | AwardStatus::InRaffle
            | AwardStatus::NoPrize(_)
            | AwardStatus::Rewarded { place: None, .. }
            | AwardStatus::Released => Self::Unnumbered,
        }
    }

    /// The standing of a line that is entered later.
    #[must_use]
    pub fn later(entry: Option<&Entry>) -> Self {
        let is_numbered = |entry: &Entry| {
            entry.rules.incentive.is_some() && matches!(entry.award.offer, Offer::ByPlace | Offer::Prize(_))
        };
        if entry.is_some_and(is_numbered) { Self::NotKnownYet } else { Self::Unnumbered }
    }
}
