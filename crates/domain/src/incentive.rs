//! What consumers can win, and by which rule. Everything that depends on a moment or on chance is decided when a participation is
//! accepted. So nothing can be rolled again, and waiting for Braze costs nobody a prize.

mod amount;
mod decay;
mod pool;
pub mod raffle;

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

pub use amount::{Amount, AmountError};
pub use decay::{Decay, Rounding};
pub use pool::Pool;

use crate::Timestamp;
use crate::ids::IncentiveId;
use crate::time::{between, later};

/// What a consumer gets. `Debug` does not show codes, since they are worth money.
#[derive(Clone, PartialEq, Eq)]
pub enum Reward {
    /// A code.
    Code(String),
    /// A value, in the brand's unit.
    Value(Amount),
}

impl Reward {
    /// Whether it is this code.
    #[must_use]
    pub fn is_code(&self, code: &str) -> bool {
        matches!(self, Self::Code(own) if own == code)
    }
}

impl fmt::Debug for Reward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(_) => f.write_str("Code(…)"),
            Self::Value(amount) => write!(f, "Value({amount})"),
        }
    }
}

/// Where a reward comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prize {
    /// The same reward for everyone.
    Fixed(Reward),
    /// The next code of a pool.
    Codes(Pool),
}

/// The beginning of the time that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The incentive's opening.
    Opens,
    /// The moment that the webhook names as `sent_at`.
    SentAt,
}

/// A prize for all places up to a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The last place of the tier.
    pub up_to: u32,
    /// The prize of the tier.
    pub prize: Prize,
}

/// A prize for consumers who answer within a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeedTier {
    /// The time; an answer at exactly this time still counts.
    pub within: Duration,
    /// The prize of the speed tier.
    pub prize: Prize,
}

/// The odds of winning, as the share of all 64-bit numbers that win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Odds(u64);

impl Odds {
    /// Odds of `wins` in `of`; `None` if these are no odds.
    #[must_use]
    pub fn new(wins: u32, of: u32) -> Option<Self> {
        if wins == 0 || wins > of {
            return None;
        }
        let share = (u128::from(u64::MAX) + 1) * u128::from(wins) / u128::from(of);
        Some(Self(u64::try_from(share - 1).unwrap_or(u64::MAX)))
    }

    /// Whether a number wins.
    #[must_use]
    pub fn wins(self, lot: u64) -> bool {
        lot <= self.0
    }
}

/// The rule by which an incentive gives out rewards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The first participations win.
    First(Prize),
    /// The place decides, by tiers in rising order; never empty.
    Tiers(Vec<Tier>),
    /// The time that a consumer took decides, by speed tiers in rising order; never empty.
    Speed {
        /// The beginning of the measured time.
        since: Since,
        /// The prizes.
        speed_tiers: Vec<SpeedTier>,
    },
    /// The value falls with time.
    Decay {
        /// The beginning of the measured time.
        since: Since,
        /// How the value falls.
        decay: Decay,
    },
    /// The participation wins at once, by chance.
    Draw {
        /// The odds of winning.
        odds: Odds,
        /// The prize.
        prize: Prize,
    },
    /// The prize is drawn among all participations, after the close.
    Raffle {
        /// The prize.
        prize: Prize,
        /// How long after the close the draw waits at most for participations that were accepted before it.
        draw_after: Duration,
    },
}

/// How many rewards an incentive has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// At most this many.
    Limited(NonZeroU32),
    /// Any number.
    Unlimited,
}

impl Quantity {
    /// The limit, if there is one.
    #[must_use]
    pub fn limit(self) -> Option<u32> {
        match self {
            Self::Limited(limit) => Some(limit.get()),
            Self::Unlimited => None,
        }
    }

    /// Whether there is another place after this many.
    #[must_use]
    pub fn exceeds(self, places: u32) -> bool {
        self.limit().is_none_or(|limit| places < limit)
    }
}

/// One incentive of an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incentive {
    /// The incentive's id, unique in its activation.
    pub id: IncentiveId,
    /// A participation accepted before this moment wins nothing.
    pub opens: Timestamp,
    /// A participation accepted at or after this moment wins nothing. A raffle is drawn after it.
    pub closes: Timestamp,
    /// How many rewards there are.
    pub quantity: Quantity,
    /// The rule.
    pub kind: Kind,
    /// The reward for consumers who are credited and win no prize. Its quantity is unlimited.
    pub consolation: Option<Reward>,
}

/// What a participation may win, decided when it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// The prize for its place.
    ByPlace,
    /// This prize, if there is a place.
    Prize(Prize),
    /// A ticket in the raffle.
    Lot,
    /// No prize.
    Nothing(NoPrize),
}

/// Why a participation wins no prize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPrize {
    /// No incentive is configured.
    NoIncentive,
    /// The participation came before the incentive opened.
    NotOpen,
    /// The participation came after the incentive closed.
    Closed,
    /// The consumer took longer than the slowest speed tier allows.
    TooSlow,
    /// The instant win was drawn, and the participant did not win.
    NotDrawn,
    /// The participant has a reward of this incentive already.
    Already,
}

impl NoPrize {
    /// The reason's name in storage and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoIncentive => "no_incentive",
            Self::NotOpen => "not_open",
            Self::Closed => "closed",
            Self::TooSlow => "too_slow",
            Self::NotDrawn => "not_drawn",
            Self::Already => "already_rewarded",
        }
    }

    /// The reason with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::NoIncentive, Self::NotOpen, Self::Closed, Self::TooSlow, Self::NotDrawn, Self::Already]
            .into_iter()
            .find(|reason| reason.name() == name)
    }
}

/// The moments that an offer depends on.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    /// When the participation was accepted.
    pub accepted_at: Timestamp,
    /// When Braze sent what the consumer answered, if the webhook says so.
    pub sent_at: Option<Timestamp>,
}

impl Incentive {
    /// How long after the close every participation that was accepted before it is in its ledger.
    const DRAWN_AFTER: Duration = Duration::from_secs(60);

    /// How long a credit may take to be stored.
    const STORED_BY: Duration = Duration::from_secs(15);

    /// A participation that is credited later than this has no ticket, whenever the raffle is drawn.
    #[must_use]
    pub fn lots_until(&self) -> Timestamp {
        match self.kind {
            Kind::Raffle { draw_after, .. } => later(self.closes, draw_after),
            Kind::First(_) | Kind::Tiers(_) | Kind::Speed { .. } | Kind::Decay { .. } | Kind::Draw { .. } => {
                self.closes
            }
        }
    }

    /// When a raffle is drawn at the earliest: if nobody with a ticket is still waiting to be credited.
    #[must_use]
    pub fn drawn_from(&self) -> Timestamp {
        later(self.closes, Self::DRAWN_AFTER)
    }

    /// When a raffle is drawn at the latest, even if participations still wait to be credited.
    #[must_use]
    pub fn drawn_by(&self) -> Timestamp {
        later(self.lots_until(), Self::STORED_BY)
    }

    /// What a participation may win. `lot` is its number in a draw, a keyed hash of participant and incentive, so that the outcome can be
    /// audited and is the same however often it is computed.
    #[must_use]
    pub fn offer(&self, moments: Moments, lot: u64) -> Offer {
        let now = moments.accepted_at;
        if now < self.opens {
            return Offer::Nothing(NoPrize::NotOpen);
        }
        if now >= self.closes {
            return Offer::Nothing(NoPrize::Closed);
        }
        match &self.kind {
            Kind::First(_) | Kind::Tiers(_) => Offer::ByPlace,
            Kind::Speed { since, speed_tiers } => {
                let taken = self.elapsed(*since, moments);
                let pace = speed_tiers.iter().find(|pace| taken <= pace.within);
                pace.map_or(Offer::Nothing(NoPrize::TooSlow), |pace| Offer::Prize(pace.prize.clone()))
            }
            Kind::Decay { since, decay } => {
                let value = decay.value_after(self.elapsed(*since, moments));
                Offer::Prize(Prize::Fixed(Reward::Value(value)))
            }
            Kind::Draw { odds, .. } if odds.wins(lot) => Offer::ByPlace,
            Kind::Draw { .. } => Offer::Nothing(NoPrize::NotDrawn),
            Kind::Raffle { .. } => Offer::Lot,
        }
    }

    /// The prize of an offer at a place.
    #[must_use]
    pub fn prize(&self, offer: &Offer, place: u32) -> Option<Prize> {
        match (offer, &self.kind) {
            (Offer::Nothing(_), _) => None,
            (Offer::Prize(prize), _) => Some(prize.clone()),
            (Offer::ByPlace | Offer::Lot, Kind::Tiers(tiers)) => {
                tiers.iter().find(|tier| place <= tier.up_to).map(|tier| tier.prize.clone())
            }
            (
                Offer::ByPlace | Offer::Lot,
                Kind::First(prize) | Kind::Draw { prize, .. } | Kind::Raffle { prize, .. },
            ) => Some(prize.clone()),
            // This happens only if the brand file was changed in between: these kinds decide their prize at acceptance.
            (Offer::ByPlace | Offer::Lot, Kind::Speed { .. } | Kind::Decay { .. }) => None,
        }
    }

    /// Whether a webhook must name the time of sending.
    #[must_use]
    pub fn needs_sent_at(&self) -> bool {
        matches!(
            &self.kind,
            Kind::Speed { since: Since::SentAt, .. } | Kind::Decay { since: Since::SentAt, .. }
        )
    }

    /// Whether its rewards can be used up.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.quantity != Quantity::Unlimited || !self.pools().is_empty()
    }

    /// The pools that it gives codes from, each with the most codes that it may need; `None` for no limit.
    #[must_use]
    pub fn pools(&self) -> Vec<(&Pool, Option<u32>)> {
        let all = |prize| (prize, self.quantity.limit());
        let prizes: Vec<(&Prize, Option<u32>)> = match &self.kind {
            Kind::First(prize) | Kind::Raffle { prize, .. } | Kind::Draw { prize, .. } => vec![all(prize)],
            Kind::Speed { speed_tiers, .. } => speed_tiers.iter().map(|pace| all(&pace.prize)).collect(),
            Kind::Decay { .. } => Vec::new(),
            Kind::Tiers(tiers) => {
                let before = std::iter::once(0).chain(tiers.iter().map(|tier| tier.up_to));
                tiers
                    .iter()
                    .zip(before)
                    .map(|(tier, before)| (&tier.prize, Some(tier.up_to - before)))
                    .collect()
            }
        };
        let mut pools: Vec<(&Pool, Option<u32>)> = Vec::new();
        for (prize, count) in prizes {
            let Prize::Codes(pool) = prize else { continue };
            match pools.iter_mut().find(|(known, _)| *known == pool) {
                // Tiers that share a pool add up; speed tiers share one quantity.
                Some((_, needed)) => {
                    let sum = needed.zip(count).map(|(needed, count)| needed.saturating_add(count));
                    *needed = sum.map(|sum| self.quantity.limit().map_or(sum, |limit| sum.min(limit)));
                }
                None => pools.push((pool, count)),
            }
        }
        pools
    }

    fn elapsed(&self, since: Since, moments: Moments) -> Duration {
        let from = match since {
            Since::Opens => self.opens,
            Since::SentAt => moments.sent_at.unwrap_or(self.opens),
        };
        // A clock that runs ahead of ours does not make anybody early.
        between(from, moments.accepted_at)
    }
}

#[cfg(test)]
mod tests;
