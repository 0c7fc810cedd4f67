//! What a participation has won, or may still win.

use std::num::NonZeroU64;

use crate::Timestamp;
use crate::ids::{BrandId, ContactKey, LedgerKey, ParticipationId};
use crate::incentive::raffle::Entrant;
use crate::incentive::{NoPrize, Offer, Reward};
use crate::unknown::UnknownFields;

/// One participation's line in a ledger. It records the credit of every participation with an incentive or a
/// callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Award {
    /// The participation that the line belongs to.
    pub id: ParticipationId,
    /// The brand.
    pub brand: BrandId,
    /// The ledger that contains the line.
    pub ledger: LedgerKey,
    /// When it changed because of another participation; cleared once its own participation was processed.
    pub due_at: Option<Timestamp>,
    /// The consumer in any way of taking part; an incentive rewards each consumer once.
    pub participant: ContactKey,
    /// The line's number in the order of acceptance, once it is entered in an incentive's ledger.
    pub arrival: Option<NonZeroU64>,
    /// The number that was drawn when the participation was accepted, until the line is entered.
    pub number: Option<NonZeroU64>,
    /// The same consumer's other keys: of the Braze profile, and of what the profile carries. Two lines with a
    /// key in common belong to one consumer.
    pub other_keys: Vec<ContactKey>,
    /// Where lines with the key `participant` may be besides this one.
    pub others: SiblingLines,
    /// What may be won.
    pub offer: Offer,
    /// The current status.
    pub status: AwardStatus,
    /// When the participation was credited.
    pub credited_at: Option<Timestamp>,
    /// When it got its reward. `None` also of a reward that an earlier version gave.
    pub rewarded_at: Option<Timestamp>,
    /// Fields that only a newer version knows.
    pub unknown: UnknownFields,
}

impl Award {
    /// A new line of a participation, before it is entered. It has no sibling lines.
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
            other_keys: Vec::new(),
            others: SiblingLines::None,
            offer,
            arrival: None,
            number: None,
            status: AwardStatus::New,
            credited_at: None,
            rewarded_at: None,
            due_at: None,
            unknown: UnknownFields::default(),
        }
    }
}

/// Which other lines of the same participant a ledger may have; a store need not look for any others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiblingLines {
    /// None: there is one way in, and nobody can use it twice.
    None,
    /// The lines of these participations, and lines in ways whose ids cannot be computed from the
    /// address.
    Perhaps(Vec<ParticipationId>),
}

/// The status of an award.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwardStatus {
    /// The award was accepted and is not entered in its ledger yet.
    New,
    /// A place is reserved for it until it is credited.
    Reserved {
        /// The place, counted from 1.
        place: u32,
    },
    /// All places are taken. The first award that waits gets the next place that is released.
    Waiting,
    /// The award has a ticket in the raffle.
    InRaffle,
    /// The award has its reward.
    Rewarded {
        /// The place; `None` for a consolation.
        place: Option<u32>,
        /// The code or value that was won.
        reward: Reward,
    },
    /// The award wins nothing.
    NoPrize(NoPrize),
    /// The participation ended without a credit.
    Released,
}

/// What is to be done with an award.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Credit the participation.
    Credit,
    /// Credit the participation, now that more is known of its participant.
    CreditAs(Participant),
    /// Record who the participant is, after the credit.
    Identify(Participant),
    /// Release the award, because the participation ended without a credit.
    Release,
    /// Release the award, with a reason for Quikly's callback.
    Refuse(Refusal),
}

/// The keys of a participant that became known while the participation was processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Participant {
    /// The key of the contact, if the details were replaced since the acceptance.
    pub contact: Option<ContactKey>,
    /// The key of the Braze profile.
    pub profile: Option<ContactKey>,
    /// The key of the address that the profile carries, if the participant gave none.
    pub address: Option<ContactKey>,
}

/// What is to become of participations, each with its own resolution.
pub type Resolutions = [(ParticipationId, Resolution)];

/// Why a participation ended without a credit, if we decided that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The profile has another number than the consumer gave.
    PhoneMismatch,
}

impl Refusal {
    /// The reason as callbacks show it.
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

    /// All keys of its participant.
    pub fn keys(&self) -> impl Iterator<Item = ContactKey> {
        std::iter::once(self.participant).chain(self.other_keys.iter().copied())
    }

    /// The line as the draw of a raffle sees it.
    #[must_use]
    pub fn entrant(&self) -> Entrant {
        Entrant { id: self.id, keys: self.keys().collect() }
    }

    /// Whether another line belongs to the same participant.
    #[must_use]
    pub fn is_sibling_of(&self, other: &Self) -> bool {
        self.id != other.id && self.keys().any(|key| other.keys().any(|theirs| theirs == key))
    }

    /// Under which keys lines of the same participant may stand in its ledger.
    pub fn shared_keys(&self) -> impl Iterator<Item = ContactKey> {
        let own = (self.others != SiblingLines::None).then_some(self.participant);
        own.into_iter().chain(self.other_keys.iter().copied())
    }

    /// Whether it has all of these keys.
    #[must_use]
    pub fn knows(&self, who: Participant) -> bool {
        let others = [who.profile, who.address];
        who.contact.is_none_or(|contact| contact == self.participant)
            && others.into_iter().flatten().all(|key| self.keys().any(|known| known == key))
    }

    /// Adds the keys, and returns whether any of them is new. If the contact is another one, so is everybody
    /// that the line was linked to before.
    pub fn learn(&mut self, who: Participant) -> bool {
        if self.knows(who) {
            return false;
        }
        if let Some(contact) = who.contact.filter(|contact| *contact != self.participant) {
            self.participant = contact;
            self.other_keys.clear();
            self.others = SiblingLines::Perhaps(Vec::new());
        }
        for key in [who.profile, who.address].into_iter().flatten() {
            if self.keys().all(|known| known != key) {
                self.other_keys.push(key);
            }
        }
        true
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ids::Scope;

    /// An award in this status that arrived as this number.
    pub(crate) fn award(status: AwardStatus, arrival: u64) -> Award {
        Award {
            id: ParticipationId::from_bytes([1; 16]),
            brand: BrandId::parse("acme").unwrap(),
            ledger: LedgerKey { scope: Scope::parse("spring").unwrap(), incentive: None },
            participant: ContactKey::from_bytes([1; 16]),
            other_keys: Vec::new(),
            others: SiblingLines::None,
            offer: Offer::ByPlace,
            arrival: NonZeroU64::new(arrival),
            number: None,
            status,
            credited_at: None,
            rewarded_at: None,
            due_at: None,
            unknown: UnknownFields::default(),
        }
    }

    #[test]
    fn a_place_is_taken_by_what_is_reserved_and_by_a_reward_that_is_no_consolation() {
        let rewarded = |place| AwardStatus::Rewarded { place, reward: Reward::Code("A".into()) };
        for (status, place) in [
            (AwardStatus::Reserved { place: 7 }, Some(7)),
            (rewarded(Some(8)), Some(8)),
            (rewarded(None), None),
            (AwardStatus::New, None),
            (AwardStatus::Waiting, None),
            (AwardStatus::InRaffle, None),
            (AwardStatus::NoPrize(NoPrize::Closed), None),
            (AwardStatus::Released, None),
        ] {
            let award = award(status, 1);
            assert_eq!((award.place(), award.has_place()), (place, place.is_some()), "{:?}", award.status);
        }
    }

    #[test]
    fn what_is_not_entered_is_kept_ahead_of_all_others() {
        let new = award(AwardStatus::New, 0);
        assert_eq!((new.is_entered(), new.arrival_number()), (false, 0));
        let entered = award(AwardStatus::Waiting, 9);
        assert_eq!((entered.is_entered(), entered.arrival_number()), (true, 9));
    }

    #[test]
    fn a_refusal_is_stored_under_its_name() {
        assert_eq!(Refusal::PhoneMismatch.name(), "phone_mismatch");
        assert_eq!(Refusal::named("phone_mismatch"), Some(Refusal::PhoneMismatch));
        assert_eq!(Refusal::named("another"), None);
    }
}
