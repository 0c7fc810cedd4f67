//! What a participation has won, or may still win.

use std::num::NonZeroU64;

use crate::Timestamp;
use crate::ids::{BrandId, ContactKey, LedgerKey, ParticipationId};
use crate::incentive::{NoPrize, Offer, Reward};
use crate::unknown::UnknownFields;

/// One participation's line in a ledger. It is what a credit is kept in wherever something hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Award {
    /// Whose line it is.
    pub id: ParticipationId,
    /// The brand.
    pub brand: BrandId,
    /// In which ledger.
    pub ledger: LedgerKey,
    /// The consumer, whichever way they took part: an incentive rewards each once.
    pub participant: ContactKey,
    /// Where the same consumer's other lines may be.
    pub others: SiblingLines,
    /// What may be won.
    pub offer: Offer,
    /// Its number in the order of acceptance, once it is entered in the ledger of an incentive.
    pub arrival: Option<NonZeroU64>,
    /// How it stands.
    pub status: AwardStatus,
    /// When the participation was credited.
    pub credited_at: Option<Timestamp>,
    /// Set when it has changed through somebody else, until its participation was looked at.
    pub due_at: Option<Timestamp>,
    /// What a newer version keeps of it.
    pub unknown: UnknownFields,
}

impl Award {
    /// A new line of a participation, before it is entered: nobody else's may be the same consumer's.
    #[must_use]
    pub fn new(
        (id, brand): (ParticipationId, BrandId),
        ledger: LedgerKey,
        participant: ContactKey,
        offer: Offer,
    ) -> Self {
        Self {
            id,
            brand,
            ledger,
            participant,
            others: SiblingLines::None,
            offer,
            arrival: None,
            status: AwardStatus::New,
            credited_at: None,
            due_at: None,
            unknown: UnknownFields::default(),
        }
    }
}

/// Which other lines of the same participant there may be in a ledger: a store need look for no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiblingLines {
    /// None: there is one way in, and nobody can take it twice.
    None,
    /// Those of these participations, and of ways whose ids only who takes them knows.
    Perhaps(Vec<ParticipationId>),
}

/// How a participation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwardStatus {
    /// It was accepted, and is not entered in its ledger yet.
    New,
    /// A place is kept for it until it is credited.
    Reserved {
        /// Which, from 1.
        place: u32,
    },
    /// All places are taken. The first one waiting gets the next that is released.
    Waiting,
    /// Its lot is in the raffle.
    InRaffle,
    /// It has its reward.
    Rewarded {
        /// The place; none for a consolation.
        place: Option<u32>,
        /// The code or value that was won.
        reward: Reward,
    },
    /// It gets nothing.
    NoPrize(NoPrize),
    /// It ended without a credit.
    Released,
}

/// What is to become of an award.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The participation is credited.
    Credit,
    /// It ended without a credit.
    Release,
    /// The same, for a reason that Quikly is told.
    Refuse(Refusal),
}

/// What is to become of participations, each with its own resolution.
pub type Resolutions = [(ParticipationId, Resolution)];

/// Why a participation ended without a credit, where it was for us to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The profile carries another number than the consumer gave.
    PhoneMismatch,
}

impl Refusal {
    /// The reason as it is told.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::PhoneMismatch => "the profile carries another phone number",
        }
    }

    /// The reason's name in storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PhoneMismatch => "phone_mismatch",
        }
    }

    /// The reason with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::PhoneMismatch].into_iter().find(|reason| reason.name() == name)
    }
}

impl Award {
    /// Whether it is entered in the ledger of an incentive.
    #[must_use]
    pub fn is_entered(&self) -> bool {
        self.arrival.is_some()
    }

    /// Its number in the order of acceptance as stores keep it: 0, ahead of all others, where it has none.
    #[must_use]
    pub fn arrival_number(&self) -> u64 {
        self.arrival.map_or(0, NonZeroU64::get)
    }

    /// Whether it was credited or released: neither happens twice.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.credited_at.is_some() || self.status == AwardStatus::Released
    }

    /// The reward and its place, if it has one.
    #[must_use]
    pub fn reward(&self) -> Option<(&Reward, Option<u32>)> {
        match &self.status {
            AwardStatus::Rewarded { place, reward } => Some((reward, *place)),
            AwardStatus::New
            | AwardStatus::Reserved { .. }
            | AwardStatus::Waiting
            | AwardStatus::InRaffle
            | AwardStatus::NoPrize(_)
            | AwardStatus::Released => None,
        }
    }

    /// Which of the incentive's places it takes, if any.
    #[must_use]
    pub fn place(&self) -> Option<u32> {
        match self.status {
            AwardStatus::Reserved { place } => Some(place),
            AwardStatus::Rewarded { place, .. } => place,
            AwardStatus::New
            | AwardStatus::Waiting
            | AwardStatus::InRaffle
            | AwardStatus::NoPrize(_)
            | AwardStatus::Released => None,
        }
    }

    /// Whether it takes one of the incentive's places.
    #[must_use]
    pub fn has_place(&self) -> bool {
        self.place().is_some()
    }
}
