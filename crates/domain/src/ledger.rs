//! What a credit is, when it may be given, and what is given with it.
//!
//! Where nothing hangs on a credit it is a moment kept in the participation: participations are saved under a condition on their
//! version, and there is one per consumer, activation and channel or event, so nobody is credited twice.
//!
//! Where an incentive or a callback hangs on it, it is a line in a ledger ([`Award`]). The functions here are all that ever happens in
//! one; each runs inside one transaction of the store, over whatever the store shows as a [`LedgerTx`]. Credit, place, reward and
//! counters so change together or not at all.

mod bookkeeping;

use std::sync::Arc;

pub use bookkeeping::{Resolved, accept, draw, refill, resolve};

use crate::Timestamp;
use crate::award::{Award, AwardStatus};
use crate::brand::Brand;
use crate::callback::Callback;
use crate::id_key::IdKey;
use crate::ids::{LedgerKey, ParticipationId};
use crate::incentive::raffle::{Commitment, Drawing, DrawnList, Entrant};
use crate::incentive::{Incentive, Kind, Pool};
use crate::unknown::UnknownFields;

/// By what rules a ledger is kept.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The ledger.
    pub ledger: LedgerKey,
    /// The incentive; none where only the credit counts.
    pub incentive: Option<Arc<Incentive>>,
    /// Whether Quikly is told what happens.
    pub call_back: bool,
    /// What a raffle's seed is committed to by.
    pub commitment: Option<Commitment>,
}

impl Rules {
    /// The rules of a ledger as its brand has them now.
    #[must_use]
    pub fn of(brand: &Brand, ledger: &LedgerKey, id_key: &IdKey) -> Self {
        let activation = brand.activations.get(&ledger.scope);
        let incentive = ledger.incentive.as_ref().and_then(|id| activation?.incentives.get(id)).cloned();
        let raffled = incentive.as_ref().is_some_and(|incentive| matches!(incentive.kind, Kind::Raffle(_)));
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
    /// The line; its place and number are given to it when it is entered.
    pub award: Award,
    /// The rules.
    pub rules: Rules,
}

/// The counters of a ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Participations accepted.
    pub arrivals: u64,
    /// The highest place that was ever given; lower ones may have been released.
    pub places: u32,
    /// Places kept for participations that are not credited yet.
    pub held: u32,
    /// Places given for good.
    pub given: u32,
    /// Participations on the waiting list.
    pub waiting: u32,
    /// Lots in the raffle.
    pub entered: u32,
    /// What the raffle's seed was committed to by when its first lot came in.
    pub commitment: Option<Commitment>,
    /// When the raffle was drawn.
    pub drawn_at: Option<Timestamp>,
    /// How long the lists are that were frozen at the draw. None for a raffle that an earlier version drew, until its result is
    /// frozen, too.
    pub frozen: Option<Frozen>,
    /// What a newer version counts.
    pub unknown: UnknownFields,
}

/// How long the lists of a drawing are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frozen {
    /// Tickets that took part.
    pub lots: u32,
    /// Tickets that won.
    pub winners: u32,
}

impl Frozen {
    /// The lengths of a drawing's lists.
    #[must_use]
    pub fn of(drawing: &Drawing) -> Self {
        let length = |list| u32::try_from(drawing.list(list).len()).unwrap_or(u32::MAX);
        Self { lots: length(DrawnList::Tickets), winners: length(DrawnList::Winners) }
    }

    /// The length of one of them.
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

/// A code taken from its pool.
#[derive(Clone, PartialEq, Eq)]
pub struct TakenCode {
    /// The code.
    pub code: String,
    /// How many are left.
    pub left: u32,
    /// How many there were.
    pub of: u32,
}

/// One ledger inside a transaction: what is read includes what was written before.
///
/// # Errors
/// Every method fails as the store does, and then nothing of the transaction is kept.
pub trait LedgerTx {
    /// What reading and writing may fail with.
    type Error;

    /// The counters; zero at first.
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
    /// Lines that are credited and whose place still lacks its reward.
    fn owed(&mut self) -> Result<Vec<Award>, Self::Error>;
    /// Every line that is in the raffle and credited, and those that a draw which was cut off has rewarded.
    fn entered(&mut self) -> Result<Vec<Entrant>, Self::Error>;
    /// Puts a released place back.
    fn put_back(&mut self, place: u32) -> Result<(), Self::Error>;
    /// Takes the lowest place that was put back.
    fn take_back(&mut self) -> Result<Option<u32>, Self::Error>;
    /// Takes a pool's next code for a participation.
    fn take_code(&mut self, pool: &Pool, id: ParticipationId) -> Result<Option<TakenCode>, Self::Error>;
    /// Keeps what a draw came to, as it is from now on. In a transaction it is kept once at most.
    fn freeze(&mut self, drawing: Drawing) -> Result<(), Self::Error>;
    /// Keeps a notice until it is delivered.
    fn call_back(&mut self, callback: &Callback) -> Result<(), Self::Error>;
}
