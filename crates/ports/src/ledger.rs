//! The ledgers of incentives, and the news that come of them.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::{Award, Resolutions};
use domain::callback::{Callback, CallbackId};
use domain::ids::{BrandId, LedgerKey, ParticipationId};
use domain::incentive::Pool;
use domain::incentive::raffle::{DrawnList, Seed, Ticket};
use domain::ledger::{Counts, Resolved, Rules};

use crate::store::Read;
use crate::{Error, Result};

/// What a pool holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stock {
    /// Codes that were imported.
    pub codes: u32,
    /// Codes that were given out.
    pub given: u32,
}

/// A part of one of a drawing's lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DrawnPart {
    /// The tickets.
    pub tickets: Vec<Ticket>,
    /// How many there are in the whole list.
    pub of: u32,
}

impl DrawnPart {
    /// The part of a whole list.
    #[must_use]
    pub fn of_whole(list: &[Ticket], after: u32, most: u32) -> Self {
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            tickets: list.iter().skip(index(after)).take(index(most)).copied().collect(),
            of: u32::try_from(list.len()).unwrap_or(u32::MAX),
        }
    }
}

/// What [`domain::ledger`] says, done in transactions: of a line, its place, its reward and the counters all is kept or nothing. What
/// is asked for at once may take several of them.
///
/// # Errors
/// Every method fails when the ledgers cannot be reached or written. After a failed write nothing is known of it; doing it again is
/// doing it once.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The lines of these participations, each once and in no order. At most [`crate::store::MOST_ITEMS`].
    async fn awards(&self, ids: &[ParticipationId]) -> Result<Read<Award>>;

    /// Enters lines behind all that were entered before, in this order, unless they are entered already: where a store takes a new
    /// participation without placing it. At most [`crate::store::MOST_ITEMS`].
    async fn enter(&self, rules: &Rules, ids: &[ParticipationId]) -> Result<()>;

    /// Credits or releases participations of one ledger; those that are not entered yet are entered first, in this order. At most [`crate::store::MOST_ITEMS`].
    async fn resolve(&self, rules: &Rules, resolutions: &Resolutions, now: Timestamp) -> Result<Resolved>;

    /// Gives what is free to those who wait for it.
    async fn refill(&self, rules: &Rules, now: Timestamp) -> Result<Resolved>;

    /// Draws a raffle; `None` when that was done before, or must not be done with this seed.
    async fn draw(&self, rules: &Rules, seed: &Seed, now: Timestamp) -> Result<Option<Resolved>>;

    /// Notes that the participations were looked at since their lines changed through somebody else.
    async fn noted(&self, ids: &[ParticipationId]) -> Result<()>;

    /// The counters of a ledger.
    async fn counts(&self, ledger: &LedgerKey) -> Result<Counts>;

    /// How many of the waiting list come before this participation. It costs the same however many wait.
    async fn waiting_ahead_of(&self, award: &Award) -> Result<u32>;

    /// A part of what a draw came to: at most `most` tickets of a list, behind the first `after`. It costs as much as the part is long.
    /// Empty before the draw.
    async fn drawn(&self, ledger: &LedgerKey, list: DrawnList, after: u32, most: u32) -> Result<DrawnPart>;

    /// Brings what an earlier version wrote of a ledger into the form of this one, a part of it at a time. Whether all of it is.
    async fn upgrade(&self, ledger: &LedgerKey) -> Result<bool>;

    /// Adds codes to a brand's pool, in their order; those that are known already stay as they are. The first one is known, too, if an
    /// earlier version kept it with a byte order mark in front.
    async fn import_codes(&self, brand: &BrandId, pool: &Pool, codes: &[String]) -> Result<Stock>;
}

/// Longest time a notice is kept from others by whoever took it.
pub const CALLBACK_LEASE: Duration = Duration::from_secs(20);

/// A notice on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackDelivery {
    /// What is to be told.
    pub callback: Callback,
    /// How often it was tried, since it was revived if it was.
    pub attempts: u32,
    /// When somebody had it tried again after it had been parked.
    pub revived_at: Option<Timestamp>,
}

/// Notices that were taken.
#[derive(Debug, Default)]
pub struct TakenCallbacks {
    /// Longest due first.
    pub callbacks: Vec<CallbackDelivery>,
    /// What cannot be read, and is parked now. Each says which one it is.
    pub unreadable: Vec<Error>,
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It was taken.
    Delivered,
    /// To be tried again then.
    RetryAt(Timestamp),
    /// Given up; kept for whoever is on call.
    Parked,
}

/// The news that Quikly is to be told, durable from the transaction that made them.
///
/// # Errors
/// Both methods fail when the store cannot be reached.
#[async_trait]
pub trait Callbacks: Send + Sync {
    /// Takes up to `most` that are due, longest due first, and keeps them from others for [`CALLBACK_LEASE`]. What cannot be read is parked.
    async fn take_callbacks(&self, now: Timestamp, most: usize) -> Result<TakenCallbacks>;

    /// Says what became of them.
    async fn delivered(&self, outcomes: &[(CallbackId, DeliveryOutcome)]) -> Result<()>;
}
