//! What Quikly is told of a participation: that it was credited, with or without a reward, or that it ended without a credit.

use std::fmt;

use crate::Timestamp;
use crate::award::{Award, AwardStatus, Refusal};
use crate::ids::{BrandId, LedgerKey, ParticipationId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallbackKind {
    /// The participation was credited.
    Credited,
    /// One that was credited earlier got a reward now: a place was released, or a raffle drawn.
    Rewarded,
    /// It ended without a credit.
    Ended,
}

impl CallbackKind {
    /// The name in message ids and storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::Rewarded => "rewarded",
            Self::Ended => "ended",
        }
    }

    /// The news with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Credited, Self::Rewarded, Self::Ended].into_iter().find(|kind| kind.name() == name)
    }
}

/// Names a notice: each kind of news happens to a participation once, so telling it again is telling the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallbackId {
    /// The participation that it is about.
    pub participation: ParticipationId,
    /// What happened to the participation.
    pub kind: CallbackKind,
}

impl fmt::Display for CallbackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.participation, self.kind.name())
    }
}

/// News to be told. It holds what was true when it happened, so that every attempt tells the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Its name.
    pub id: CallbackId,
    /// Whose activation.
    pub brand: BrandId,
    /// The activation and the incentive.
    pub ledger: LedgerKey,
    /// How the participation stood.
    pub status: AwardStatus,
    /// Why it ended, where that is told.
    pub refusal: Option<Refusal>,
    /// When it happened.
    pub at: Timestamp,
}

impl Callback {
    /// News of an award as it stands.
    #[must_use]
    pub fn of(award: &Award, kind: CallbackKind, at: Timestamp) -> Self {
        Self {
            id: CallbackId { participation: award.id, kind },
            brand: award.brand.clone(),
            ledger: award.ledger.clone(),
            status: award.status.clone(),
            refusal: None,
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_stored_under_its_name_and_read_back() {
        let kinds = [CallbackKind::Credited, CallbackKind::Rewarded, CallbackKind::Ended];
        assert_eq!(kinds.map(CallbackKind::name), ["credited", "rewarded", "ended"]);
        assert_eq!(kinds.map(|kind| CallbackKind::named(kind.name())), kinds.map(Some));
        assert_eq!(CallbackKind::named("told"), None);
    }

    #[test]
    fn a_message_id_names_the_participation_and_what_happened() {
        let participation = ParticipationId::from_bytes([0xab; 16]);
        let id = CallbackId { participation, kind: CallbackKind::Rewarded };
        assert_eq!(id.to_string(), format!("{}-rewarded", "ab".repeat(16)));
    }
}
