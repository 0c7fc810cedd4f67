//! The ledgers of incentives, and the callbacks that result from them.

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::{Award, Resolutions};
use domain::callback::{Callback, CallbackId, LastAnswer};
use domain::ids::{BrandId, LedgerKey, ParticipationId};
use domain::incentive::Pool;
use domain::incentive::raffle::{DrawnList, Seed, Ticket};
use domain::ledger::{Counts, Resolved, Rules};

use crate::store::Read;
use crate::{Error, Result};

/// How many codes a pool has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stock {
    /// How many codes were imported.
    pub codes: u32,
    /// How many codes were given out.
    pub given: u32,
}

/// A part of one list of a raffle's draw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DrawnPart {
    /// The tickets of the part.
    pub tickets: Vec<Ticket>,
    /// How many tickets the whole list has.
    pub of: u32,
}

impl DrawnPart {
    /// Cuts the part from a whole list: at most `most` tickets behind the first `after`.
    #[must_use]
    pub fn of_whole(list: &[Ticket], after: u32, most: u32) -> Self {
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            tickets: list.iter().skip(index(after)).take(index(most)).copied().collect(),
            of: u32::try_from(list.len()).unwrap_or(u32::MAX),
        }
    }
}

/// Performs the rules of [`domain::ledger`] in transactions: a line, its place, its reward and the counters
/// are stored together or not at all. One call may need several transactions.
///
/// # Errors
/// Every method fails if the ledgers cannot be read or written. After a failed write it is not known what was
/// stored; repeating the call is safe.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The lines of these participations, each of them once and in any order. At most
    /// [`crate::store::MOST_ITEMS`].
    async fn awards(&self, ids: &[ParticipationId]) -> Result<Read<Award>>;

    /// Enters lines, each under the number that was drawn for it, or else behind all lines that were entered
    /// before, in this order. Skips those that are entered already. Needed if a store does not enter a line
    /// when it stores the participation. At most [`crate::store::MOST_ITEMS`].
    async fn enter(&self, rules: &Rules, ids: &[ParticipationId], now: Timestamp) -> Result<Resolved>;

    /// Credits or releases participations of one ledger. Those that are not entered yet are entered first, in
    /// this order. At most [`crate::store::MOST_ITEMS`].
    async fn resolve(&self, rules: &Rules, resolutions: &Resolutions, now: Timestamp) -> Result<Resolved>;

    /// Gives free places to the participations that wait for one.
    async fn refill(&self, rules: &Rules, now: Timestamp) -> Result<Resolved>;

    /// Draws a raffle; `None` if it was drawn before, or must not be drawn with this seed.
    async fn draw(&self, rules: &Rules, seed: &Seed, now: Timestamp) -> Result<Option<Resolved>>;

    /// Records that these participations were processed since another participation last changed their lines.
    async fn noted(&self, ids: &[ParticipationId]) -> Result<()>;

    /// The counters of a ledger.
    async fn counts(&self, ledger: &LedgerKey) -> Result<Counts>;

    /// How many participations on the waiting list come before this one. The cost does not grow with the
    /// list.
    async fn waiting_ahead_of(&self, award: &Award) -> Result<u32>;

    /// A part of a draw's result: at most `most` tickets of a list, behind the first `after`. The cost grows
    /// with the part, not with the list. Empty before the draw.
    async fn drawn(&self, ledger: &LedgerKey, list: DrawnList, after: u32, most: u32) -> Result<DrawnPart>;

    /// Converts a part of what an earlier version wrote of a ledger to the current form. Returns whether the
    /// whole ledger is converted.
    async fn upgrade(&self, ledger: &LedgerKey) -> Result<bool>;

    /// Adds codes to a brand's pool, in their order. Codes that are known already stay as they are; the first
    /// one also counts as known if an earlier version stored it with a leading byte order mark.
    async fn import_codes(&self, brand: &BrandId, pool: &Pool, codes: &[String]) -> Result<Stock>;

    /// The numbers of the ledgers; `None` if the store enters each line when it stores the participation.
    fn numbers(&self) -> Option<&dyn LedgerNumbers> {
        None
    }
}

/// How long a number may be unused before it is reclaimed. A function that accepts participations ends within
/// fifteen seconds.
pub const UNUSED_FOR: Duration = Duration::from_secs(120);

/// Draws numbers while participations are accepted, before their lines are entered. A number that is drawn in
/// a call that begins after another call has returned is the higher one.
///
/// # Errors
/// Every method fails if the ledgers cannot be read or written. After a failed draw numbers may have been
/// drawn that nobody uses.
#[async_trait]
pub trait LedgerNumbers: Send + Sync {
    /// Draws this many numbers of a ledger, which are counted from 1.
    async fn draw(&self, ledger: &LedgerKey, count: u32) -> Result<RangeInclusive<u64>>;

    /// The numbers of a ledger that were drawn at least [`UNUSED_FOR`] ago, from the first that is not in use.
    /// `None` if all of them are in use. It has to be called regularly, because each call remembers which
    /// numbers were drawn before it.
    async fn long_drawn(&self, ledger: &LedgerKey, now: Timestamp) -> Result<Option<RangeInclusive<u64>>>;

    /// Credits lines by [`domain::ledger::credit_by_number`], and returns those that it has credited. Their numbers are kept, and the lines
    /// are not stored: the caller stores each with its participation, by [`crate::Store::save_with_lines`]. If the caller fails to, a
    /// later call returns the line again, and other methods of the ledger treat it as credited. At most [`crate::store::MOST_ITEMS`].
    async fn credit(&self, rules: &Rules, lines: &[Award], now: Timestamp) -> Result<Resolved>;

    /// Reclaims the numbers of this range that no line uses, so that somebody else gets their places.
    async fn reclaim(&self, rules: &Rules, numbers: RangeInclusive<u64>, now: Timestamp) -> Result<Resolved>;
}

/// How long a worker that took a callback keeps it from other workers.
pub const CALLBACK_LEASE: Duration = Duration::from_secs(20);

/// How long a callback is reserved for the process that makes it, if that process also delivers it. A worker delivers its callbacks at the end of a
/// batch, which takes less time.
pub const MAKERS_LEASE: Duration = Duration::from_secs(60);

/// A callback that a worker has taken to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackDelivery {
    /// The callback.
    pub callback: Callback,
    /// How many attempts were made, counted from its revival if it was revived.
    pub attempts: u32,
    /// When an operator had the parked callback tried again.
    pub revived_at: Option<Timestamp>,
}

/// The callbacks that one call took.
#[derive(Debug, Default)]
pub struct TakenCallbacks {
    /// The callbacks, longest due first.
    pub callbacks: Vec<CallbackDelivery>,
    /// Why callbacks could not be read; they are parked now. Each error names its callback.
    pub unreadable: Vec<Error>,
}

/// The outcome of an attempt to deliver a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver accepted it at this moment.
    Delivered(Timestamp),
    /// It is to be tried again at this moment, after this answer.
    RetryAt(Timestamp, LastAnswer),
    /// It was given up after this answer and is kept for the engineer on call.
    Parked(LastAnswer),
}

/// The callbacks that Quikly is to receive. They are durable from the transaction that creates them.
///
/// # Errors
/// Every method fails if the store cannot be reached.
#[async_trait]
pub trait Callbacks: Send + Sync {
    /// Takes up to `most` callbacks that are due, longest due first, and keeps them from other workers for
    /// [`CALLBACK_LEASE`]. Those that cannot be read are parked.
    async fn take_callbacks(&self, now: Timestamp, most: usize) -> Result<TakenCallbacks>;

    /// How long a callback is reserved for the process whose change in a ledger made it. The process gets it with the result of the change
    /// ([`Resolved::callbacks`]) and delivers it. `None` if every callback is due at once.
    fn makers_lease(&self) -> Option<Duration> {
        None
    }

    /// Stores a callback that results from no change in a ledger, unless one with its id is there. It is due at once.
    async fn call_back(&self, callback: &Callback) -> Result<()>;

    /// Stores the outcomes of deliveries.
    async fn delivered(&self, outcomes: &[(CallbackId, DeliveryOutcome)]) -> Result<()>;
}
