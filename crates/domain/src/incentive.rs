//! What consumers can win, and by which rule. Everything that depends on a moment or on chance is settled when a participation is
//! accepted, from what is known then; so nothing can be rolled again, and waiting for Braze costs nobody a prize.

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

/// What a consumer gets. `Debug` does not show codes: they are worth money.
#[derive(Clone, PartialEq, Eq)]
pub enum Reward {
    /// A code.
    Code(String),
    /// A value, in whatever unit the brand means.
    Value(Amount),
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
    /// The same for everyone.
    Fixed(Reward),
    /// The next code of a pool.
    Codes(Pool),
}

/// From when on time is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From the incentive's opening.
    Opens,
    /// From the moment that the webhook names as `sent_at`.
    SentAt,
}

/// A prize for the places up to a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The last place of the tier.
    pub up_to: u32,
    /// What it gives.
    pub prize: Prize,
}

/// A prize for those who answer within a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeedTier {
    /// The time, itself included.
    pub within: Duration,
    /// What it gives.
    pub prize: Prize,
}

/// A chance to win: the share of all 64-bit lots that do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Odds(u64);

impl Odds {
    /// One in `of`; `None` for none in anything.
    #[must_use]
    pub fn new(wins: u32, of: u32) -> Option<Self> {
        if wins == 0 || wins > of {
            return None;
        }
        let share = (u128::from(u64::MAX) + 1) * u128::from(wins) / u128::from(of);
        Some(Self(u64::try_from(share - 1).unwrap_or(u64::MAX)))
    }

    /// Whether a lot wins.
    #[must_use]
    pub fn wins(self, lot: u64) -> bool {
        lot <= self.0
    }
}

/// The rule by which an incentive is given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// To the first ones.
    First(Prize),
    /// By place, in rising order; never empty.
    Tiers(Vec<Tier>),
    /// By the time a consumer took, in rising order; never empty.
    Speed {
        /// Measured from here.
        since: Since,
        /// The prizes.
        speed_tiers: Vec<SpeedTier>,
    },
    /// A value that falls with time.
    Decay {
        /// Measured from here.
        since: Since,
        /// How the value falls.
        decay: Decay,
    },
    /// At once and by chance.
    Draw {
        /// The chance.
        odds: Odds,
        /// What is won.
        prize: Prize,
    },
    /// Among all, at the close.
    Raffle(Prize),
}

/// How many rewards an incentive has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// So many.
    Limited(NonZeroU32),
    /// Any number.
    Unlimited,
}

impl Quantity {
    /// So many at most, if there is a limit.
    #[must_use]
    pub fn limit(self) -> Option<u32> {
        match self {
            Self::Limited(limit) => Some(limit.get()),
            Self::Unlimited => None,
        }
    }

    /// Whether there is another place after so many.
    #[must_use]
    pub fn exceeds(self, places: u32) -> bool {
        self.limit().is_none_or(|limit| places < limit)
    }
}

/// One incentive of an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incentive {
    /// Its id, unique in its activation.
    pub id: IncentiveId,
    /// Who is accepted earlier gets nothing.
    pub opens: Timestamp,
    /// Who is accepted then or later gets nothing; a raffle is drawn then.
    pub closes: Timestamp,
    /// How many rewards there are.
    pub quantity: Quantity,
    /// The rule.
    pub kind: Kind,
    /// What everyone gets who is credited without a prize; given out without limit.
    pub consolation: Option<Reward>,
}

/// What a participation may win, settled when it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// What the incentive gives for its place.
    ByPlace,
    /// This, if there is a place.
    Prize(Prize),
    /// A lot in the raffle.
    Lot,
    /// No prize.
    Nothing(NoPrize),
}

/// Why a participation wins no prize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPrize {
    /// There is none to win: no incentive is configured.
    NoIncentive,
    /// It came before the incentive opened.
    NotOpen,
    /// It came after the incentive closed.
    Closed,
    /// It took longer than the slowest prize allows.
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
    /// When Braze sent what the consumer answered to, where the webhook says so.
    pub sent_at: Option<Timestamp>,
}

impl Incentive {
    /// Whoever takes part at the last moment is credited by then, and has a lot.
    const CREDITED_BY: Duration = Duration::from_secs(45);

    /// By then every credit that counts has been written down.
    const DRAWN_AFTER: Duration = Duration::from_secs(60);

    /// Who is credited later has no lot in a raffle, whenever it is drawn.
    #[must_use]
    pub fn lots_until(&self) -> Timestamp {
        later(self.closes, Self::CREDITED_BY)
    }

    /// When a raffle is drawn.
    #[must_use]
    pub fn drawn_from(&self) -> Timestamp {
        later(self.closes, Self::DRAWN_AFTER)
    }

    /// What a participation may win. `lot` is its number in a draw: a keyed hash of participant and incentive, so that it can be
    /// audited and falls the same way however often it is asked.
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
            Kind::Raffle(_) => Offer::Lot,
        }
    }

    /// What an offer comes to at a place.
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
                Kind::First(prize) | Kind::Draw { prize, .. } | Kind::Raffle(prize),
            ) => Some(prize.clone()),
            // Only a brand file that was changed meanwhile comes here: these kinds settle their prize at acceptance.
            (Offer::ByPlace | Offer::Lot, Kind::Speed { .. } | Kind::Decay { .. }) => None,
        }
    }

    /// Whether a webhook has to name the moment of sending.
    #[must_use]
    pub fn needs_sent_at(&self) -> bool {
        matches!(
            &self.kind,
            Kind::Speed { since: Since::SentAt, .. } | Kind::Decay { since: Since::SentAt, .. }
        )
    }

    /// Whether what it gives out can be used up.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.quantity != Quantity::Unlimited || !self.pools().is_empty()
    }

    /// The pools that it gives codes from, each with how many codes it may need; `None` for any number.
    #[must_use]
    pub fn pools(&self) -> Vec<(&Pool, Option<u32>)> {
        let all = |prize| (prize, self.quantity.limit());
        let prizes: Vec<(&Prize, Option<u32>)> = match &self.kind {
            Kind::First(prize) | Kind::Raffle(prize) | Kind::Draw { prize, .. } => vec![all(prize)],
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
                // Tiers that share a pool add up; paces share one quantity.
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
        // A clock that runs ahead of ours makes nobody early.
        between(from, moments.accepted_at)
    }
}

#[cfg(test)]
mod tests;
