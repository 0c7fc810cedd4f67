//! What a credit is, when it may be given, and what is given together with it.
//!
//! If nothing depends on a credit, it is a moment in the participation: a save is conditional on the version,
//! and there is one participation for each consumer, activation and channel or event, so nobody is credited
//! twice.
//!
//! If an incentive or a callback depends on it, the credit is a line in a ledger ([`Award`]). Only the
//! functions in this module change a ledger. Each runs inside one transaction of the store, on the
//! [`LedgerTx`] that the store provides. So credit, place, reward and counters change together or not at all.

mod bookkeeping;
#[cfg(test)]
mod credit_tests;
mod crediting;
#[cfg(test)]
mod crediting_tests;
pub mod draw_lane;
#[cfg(test)]
mod draw_tests;
mod entering;
pub mod numbers;
#[cfg(test)]
mod numbers_tests;
#[cfg(test)]
mod one_prize_tests;
#[cfg(test)]
mod plain;
mod resolved;
mod standing;

use std::sync::Arc;

pub use bookkeeping::{accept, draw, refill, resolve};
pub use crediting::{credit_by_number, is_decided_by_number};
pub use entering::{enter, give_back, reclaim};
pub use numbers::{NumberPage, NumberTx, NumbersUsed};
pub use resolved::Resolved;
pub use standing::Standing;

use crate::Timestamp;
use crate::award::{Award, AwardStatus};
use crate::brand::Brand;
use crate::callback::Callback;
use crate::id_key::IdKey;
use crate::ids::{LedgerKey, ParticipationId};
use crate::incentive::raffle::{Commitment, Drawing, DrawnList, Entrant};
use crate::incentive::{Incentive, Kind, Pool};
use crate::unknown::UnknownFields;

/// The rules of a ledger.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The ledger.
    pub ledger: LedgerKey,
    /// The incentive; `None` if only the credit counts.
    pub incentive: Option<Arc<Incentive>>,
    /// Whether callbacks are sent to Quikly.
    pub call_back: bool,
    /// The commitment to a raffle's seed.
    pub commitment: Option<Commitment>,
}

impl Rules {
    /// The current rules of a brand's ledger.
    #[must_use]
    pub fn of(brand: &Brand, ledger: &LedgerKey, id_key: &IdKey) -> Self {
        let activation = brand.activations.get(&ledger.scope);
        let incentive = ledger.incentive.as_ref().and_then(|id| activation?.incentives.get(id)).cloned();
        let raffled =
            incentive.as_ref().is_some_and(|incentive| matches!(incentive.kind, Kind::Raffle { .. }));
        let commitment = raffled.then(|| id_key.raffle_seed(ledger).commitment());
        Self { ledger: ledger.clone(), incentive, call_back: brand.callback.is_some(), commitment }
    }

    /// The rules of a ledger whose brand is not known any more: nothing is given, and nobody is told.
    #[must_use]
    pub fn without_brand(ledger: LedgerKey) -> Self {
        Self { ledger, incentive: None, call_back: false, commitment: None }
    }
}

/// A new line, and the rules under which it is entered.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The line. It gets its place and number when it is entered.
    pub award: Award,
    /// The rules.
    pub rules: Rules,
}

/// The counters of a ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many participations were accepted.
    pub arrivals: u64,
    /// The highest place that was ever given. Lower places may have been released.
    pub places: u32,
    /// How many places are reserved for participations that are not credited yet.
    pub held: u32,
    /// How many places were given for good.
    pub given: u32,
    /// How many participations are on the waiting list.
    pub waiting: u32,
    /// How many tickets are in the raffle.
    pub entered: u32,
    /// How many of these tickets belong to participations that are not credited yet. `None` while tickets are
    /// in the raffle that an earlier version entered.
    pub open_lots: Option<u32>,
    /// Whether the draw has begun. No ticket counts that is credited from then on.
    pub lots_closed: bool,
    /// The commitment to the raffle's seed, from when its first ticket was entered.
    pub commitment: Option<Commitment>,
    /// When the raffle was drawn.
    pub drawn_at: Option<Timestamp>,
    /// The lengths of the lists that were frozen at the draw. `None` for a raffle that an earlier version
    /// drew, until its result is frozen, too.
    pub frozen: Option<Frozen>,
    /// Which numbers are in use. `None` if numbers are not drawn before lines are entered.
    pub numbers: Option<NumbersUsed>,
    /// Counters that only a newer version knows.
    pub unknown: UnknownFields,
}

/// The lengths of the lists in a draw's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frozen {
    /// How many tickets took part.
    pub lots: u32,
    /// How many tickets won.
    pub winners: u32,
}

impl Frozen {
    /// The lengths of a result's lists.
    #[must_use]
    pub fn of(drawing: &Drawing) -> Self {
        let length = |list| u32::try_from(drawing.list(list).len()).unwrap_or(u32::MAX);
        Self { lots: length(DrawnList::Tickets), winners: length(DrawnList::Winners) }
    }

    /// The length of one list.
    #[must_use]
    pub fn length(&self, list: DrawnList) -> u32 {
        match list {
            DrawnList::Tickets => self.lots,
            DrawnList::Winners => self.winners,
        }
    }
}

impl Counts {
    fn moves(&mut self, from: Option<&AwardStatus>, to: &AwardStatus) {
        if *to == AwardStatus::Waiting
            && from != Some(to)
            && let Some(numbers) = &mut self.numbers
        {
            numbers.waited += 1;
        }
        if let Some(counter) = from.and_then(|from| self.counter(from)) {
            *counter = counter.saturating_sub(1);
        }
        if let Some(counter) = self.counter(to) {
            *counter = counter.saturating_add(1);
        }
    }

    fn counter(&mut self, status: &AwardStatus) -> Option<&mut u32> {
        match status {
            AwardStatus::Reserved { .. } => Some(&mut self.held),
            AwardStatus::Rewarded { place: Some(_), .. } => Some(&mut self.given),
            AwardStatus::Waiting => Some(&mut self.waiting),
            AwardStatus::InRaffle => Some(&mut self.entered),
            AwardStatus::New
            | AwardStatus::Rewarded { place: None, .. }
            | AwardStatus::NoPrize(_)
            | AwardStatus::Released => None,
        }
    }
}

/// A code that was taken from its pool.
#[derive(Clone, PartialEq, Eq)]
pub struct TakenCode {
    /// The code.
    pub code: String,
    /// How many codes are left.
    pub left: u32,
    /// How many codes the pool had.
    pub of: u32,
}

/// One ledger inside a transaction. Reads include what the transaction wrote before.
///
/// # Errors
/// Every method returns the store's error, and then nothing of the transaction is stored.
pub trait LedgerTx {
    /// The error of reading and writing.
    type Error;

    /// The counters, which are zero at first.
    fn counts(&mut self) -> Result<Counts, Self::Error>;
    /// Replaces the counters.
    fn keep_counts(&mut self, counts: &Counts) -> Result<(), Self::Error>;
    /// A participation's line.
    fn award(&mut self, id: ParticipationId) -> Result<Option<Award>, Self::Error>;
    /// Adds or replaces a line.
    fn keep(&mut self, award: &Award) -> Result<(), Self::Error>;
    /// The same participant's other lines.
    fn siblings_of(&mut self, award: &Award) -> Result<Vec<Award>, Self::Error>;
    /// The first line by arrival that is waiting and whose participant has no place.
    fn first_waiting(&mut self) -> Result<Option<Award>, Self::Error>;
    /// Lines that are credited and have a place, but no reward yet.
    fn owed(&mut self) -> Result<Vec<Award>, Self::Error>;
    /// Every line that is in the raffle and credited, and those that an interrupted draw has already
    /// rewarded.
    fn entered(&mut self) -> Result<Vec<Entrant>, Self::Error>;
    /// Gives a released place back.
    fn put_back(&mut self, place: u32) -> Result<(), Self::Error>;
    /// Takes the lowest place that was given back.
    fn take_back(&mut self) -> Result<Option<u32>, Self::Error>;
    /// Takes a pool's next code for a participation.
    fn take_code(&mut self, pool: &Pool, id: ParticipationId) -> Result<Option<TakenCode>, Self::Error>;
    /// Stores the result of a draw for good, at most once in a transaction.
    fn freeze(&mut self, drawing: Drawing) -> Result<(), Self::Error>;
    /// Stores a callback until it is delivered.
    fn call_back(&mut self, callback: &Callback) -> Result<(), Self::Error>;
    /// The ledger's numbers; `None` in a store that enters each line when it stores the participation.
    fn numbers(&mut self) -> Option<&mut dyn NumberTx<Error = Self::Error>> {
        None
    }
}
