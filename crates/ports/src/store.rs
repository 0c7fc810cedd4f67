//! Stores participations.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::Award;
use domain::ids::{BrandId, ContactKey, ParticipationId, Scope};
use domain::ledger::{Entry, Standing};
use domain::participation::Participation;
use domain::profile::ProfileHint;
use domain::rollup::Rollup;

use crate::{Error, Result};

/// The most items in one call (a DynamoDB batch get).
pub const MOST_ITEMS: usize = 100;

/// The result of an insert.
#[derive(Debug, Clone, PartialEq)]
pub enum Inserted {
    /// The participation is stored now, and stands there in the ledger of its incentive.
    New(Standing),
    /// A participation with this id was there already; it is unchanged.
    Existing(Box<Participation>),
}

/// The result of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// The participation is stored, with the version after the given one.
    Saved,
    /// Another worker saved it first; nothing was written.
    Conflict,
}

/// The oldest that a [`Glimpse`] may be. A store may keep what it has read of a participation that is only put off.
pub const OLDEST_GLIMPSE: Duration = Duration::from_secs(7_200);

/// A participation and its line as a store had them before, at most [`OLDEST_GLIMPSE`] ago. Meanwhile others may have changed both, so nothing may
/// follow from a glimpse that a question about the participation does not allow; a save is refused if its version is out of date.
///
/// A saved wait still ends in time: when it is over, the store reads the participation again.
#[derive(Debug, Clone, PartialEq)]
pub struct Glimpse {
    /// The participation.
    pub participation: Participation,
    /// Its line in a ledger, if it has one.
    pub award: Option<Award>,
}

/// A participation, and its line in a ledger if it has one.
pub type WithLine = (Participation, Option<Award>);

/// A participation that is due to be processed.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// The participation.
    pub id: ParticipationId,
    /// The brand of its activation.
    pub brand: BrandId,
    /// When it was to be processed.
    pub due_at: Timestamp,
    /// What the store knows of it because it had to find out that it is due, if that is all of it.
    pub glimpse: Option<Box<Glimpse>>,
}

/// The result of reading several items: those that can be read, and those that exist and cannot be read.
/// Items that do not exist are in neither list.
#[derive(Debug)]
pub struct Read<T> {
    /// The items, in any order.
    pub found: Vec<T>,
    /// The items that cannot be read. They must not hold up the others; see [`Store::set_aside`].
    pub unreadable: Vec<UnreadableParticipation>,
}

/// A stored participation, or a part of it, that cannot be read.
#[derive(Debug)]
pub struct UnreadableParticipation {
    /// The participation.
    pub id: ParticipationId,
    /// Why it cannot be read.
    pub why: Error,
}

impl<T> Default for Read<T> {
    fn default() -> Self {
        Self { found: Vec::new(), unreadable: Vec::new() }
    }
}

impl<T> Read<T> {
    /// Adds one item. A corrupt item is recorded; any other error is returned.
    ///
    /// # Errors
    /// Any error that is not about this item alone.
    pub fn add(&mut self, id: ParticipationId, read: Result<T>) -> Result<()> {
        match read {
            Ok(found) => self.found.push(found),
            Err(why @ Error::Corrupt(_)) => self.unreadable.push(UnreadableParticipation { id, why }),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The profile hints that a call found.
#[derive(Debug, Default)]
pub struct ProfileHints {
    /// The hints, by contact.
    pub profiles: HashMap<ContactKey, ProfileHint>,
    /// Why hints could not be read; they count as missing. Each error names its hint.
    pub unreadable: Vec<Error>,
}

/// Durable participations, and hints about the profiles of contacts.
///
/// # Errors
/// Every method fails if the store cannot be reached or written. After a failed write it is not known whether
/// the data was stored.
#[async_trait]
pub trait Store: Send + Sync {
    /// Stores a new participation, with its line in the ledger if it has one, unless its id is taken. Durable
    /// when it returns. The line is entered behind all that were entered before, by this call or by
    /// [`crate::Ledger::enter`].
    async fn insert(&self, participation: &Participation, entry: Option<&Entry>) -> Result<Inserted>;

    /// The participations with these ids, each of them once and in any order; unknown ids are left out. At
    /// most [`MOST_ITEMS`].
    async fn get(&self, ids: &[ParticipationId]) -> Result<Read<Participation>>;

    /// The same together with their lines in ledgers, from a store that keeps each line with its participation and is asked for one read less
    /// then. `None` from any other, whose lines [`crate::Ledger::awards`] has.
    async fn get_with_lines(&self, _ids: &[ParticipationId]) -> Result<Option<Read<WithLine>>> {
        Ok(None)
    }

    /// Makes participations that cannot be read due again at `until`, in case another version can read them,
    /// and deletes them from `expires_at` on unless they are saved before.
    async fn set_aside(&self, ids: &[ParticipationId], until: Timestamp, expires: Timestamp) -> Result<()>;

    /// Saves each participation on the condition that the stored version is the given one, and stores it with
    /// the next version. Returns one result for each, in order; each is saved independently. At most
    /// [`MOST_ITEMS`].
    async fn save(&self, participations: &[Participation]) -> Result<Vec<Saved>> {
        self.save_counted(participations, &[]).await
    }

    /// Does the same, and adds the figures of each participation that is saved to the roll-ups. `rollups` has one element for each
    /// participation, or none at all. A store that cannot store both together may lose the figures, and never counts them twice.
    async fn save_counted(&self, participations: &[Participation], rollups: &[Rollup]) -> Result<Vec<Saved>>;

    /// Does the same, and stores lines together with the participations that they belong to: those that
    /// [`crate::LedgerNumbers::credit`] has credited. A participation whose line another worker has stored is a conflict.
    async fn save_with_lines(
        &self,
        participations: &[Participation],
        rollups: &[Rollup],
        lines: &[Award],
    ) -> Result<Vec<Saved>> {
        if lines.is_empty() {
            return self.save_counted(participations, rollups).await;
        }
        Err(Error::unavailable(
            "saving participations",
            "this store enters each line when it stores the participation",
        ))
    }

    /// Saves participations about which Braze was only asked, so that nothing but the due time and the timeline has changed. A store may
    /// keep the time apart from the participation, leave these questions out of the timeline, and leave the version as it is. At most [`MOST_ITEMS`].
    async fn put_off(&self, participations: &[Participation]) -> Result<Vec<Saved>> {
        self.save(participations).await
    }

    /// At most `most` participations that are due at `now`, by themselves or by their line in a ledger,
    /// longest due first. If more are due, brands take turns ([`in_turns`]), so that a brand with few is not
    /// hidden behind a brand with many. The result may be slightly out of date.
    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<Due>>;

    /// The hints about these contacts' profiles. At most [`MOST_ITEMS`].
    async fn profile_hints(&self, contacts: &[ContactKey]) -> Result<ProfileHints>;

    /// Stores profile hints and replaces earlier ones. At most [`MOST_ITEMS`].
    async fn remember_profiles(&self, profiles: &[(ContactKey, ProfileHint)]) -> Result<()>;

    /// Stores a profile hint unless the contact has one, and returns the hint that is stored then. All
    /// workers that claim one contact get the same answer. A hint that cannot be read is replaced.
    async fn claim_profile(&self, contact: ContactKey, profile: &ProfileHint) -> Result<ProfileHint>;

    /// How many participations of an activation were ever stored, including those deleted since. A store that
    /// counts at each insert ignores `more`, and its answer includes every insert that began before the call.
    /// Any other store counts only what callers report: it adds `more`, the number of participations that the
    /// caller has stored and not reported yet.
    async fn accepted(&self, scope: &Scope, more: u64) -> Result<u64>;
}

/// Selects at most `most` due participations, longest due first: the first of each brand, then the second of
/// each, and so on.
#[must_use]
pub fn in_turns(mut due: Vec<Due>, most: usize) -> Vec<Due> {
    due.sort_by_key(|due| (due.due_at, due.id));
    if due.len() <= most {
        return due;
    }
    let mut turns: HashMap<BrandId, usize> = HashMap::new();
    let mut by_turn: Vec<(usize, Due)> = Vec::with_capacity(due.len());
    for one in due {
        let turn = turns.entry(one.brand.clone()).or_default();
        by_turn.push((*turn, one));
        *turn += 1;
    }
    by_turn.sort_by_key(|(turn, _)| *turn);
    let mut due: Vec<Due> = by_turn.into_iter().take(most).map(|(_, due)| due).collect();
    due.sort_by_key(|due| (due.due_at, due.id));
    due
}
