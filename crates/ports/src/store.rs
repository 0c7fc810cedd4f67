//! Where participations are kept.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::{BrandId, ContactKey, ParticipationId, Scope};
use domain::ledger::Entry;
use domain::participation::Participation;
use domain::profile::ProfileHint;

use crate::{Error, Result};

/// How many items one call takes at most (a DynamoDB batch get).
pub const MOST_ITEMS: usize = 100;

/// What became of an insert.
#[derive(Debug, Clone, PartialEq)]
pub enum Inserted {
    /// It is stored now.
    New,
    /// One with this id was there already; it is unchanged.
    Existing(Box<Participation>),
}

/// What became of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is stored, as the version after the one given.
    Saved,
    /// Somebody else saved it first; nothing was written.
    Conflict,
}

/// A participation whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The participation.
    pub id: ParticipationId,
    /// The brand of its activation.
    pub brand: BrandId,
    /// When it was to be processed.
    pub due_at: Timestamp,
}

/// What became of reading several: those that can be read, and those that are there and cannot. The ones that are not there are in
/// neither.
#[derive(Debug)]
pub struct Read<T> {
    /// In no order.
    pub found: Vec<T>,
    /// What cannot be read holds up nobody else; see [`Store::set_aside`].
    pub unreadable: Vec<UnreadableParticipation>,
}

/// Something of a participation that is stored and cannot be read.
#[derive(Debug)]
pub struct UnreadableParticipation {
    /// The participation.
    pub id: ParticipationId,
    /// Why not.
    pub why: Error,
}

impl<T> Default for Read<T> {
    fn default() -> Self {
        Self { found: Vec::new(), unreadable: Vec::new() }
    }
}

impl<T> Read<T> {
    /// Adds one: what is corrupt is noted, and everything else that went wrong is given back.
    ///
    /// # Errors
    /// Whatever is not about this one only.
    pub fn add(&mut self, id: ParticipationId, read: Result<T>) -> Result<()> {
        match read {
            Ok(found) => self.found.push(found),
            Err(why @ Error::Corrupt(_)) => self.unreadable.push(UnreadableParticipation { id, why }),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// What is known of profiles.
#[derive(Debug, Default)]
pub struct KnownHints {
    /// By contact.
    pub profiles: HashMap<ContactKey, ProfileHint>,
    /// What was known and cannot be read: as good as nothing. Each says which one it is.
    pub unreadable: Vec<Error>,
}

/// Durable participations, and what is known of contacts' profiles.
///
/// # Errors
/// Every method fails when the store cannot be reached or written. After a failed write nothing is known of it: it
/// may have been kept.
#[async_trait]
pub trait Store: Send + Sync {
    /// Stores a new participation unless its id is taken, with its line in the ledger, if it has one. Durable when it returns. The line is
    /// entered behind all that were entered before: by this call, or by [`crate::Ledger::enter`].
    async fn insert(&self, participation: &Participation, entry: Option<&Entry>) -> Result<Inserted>;

    /// The participations with these ids, each once and in no order; unknown ids are left out. At most [`MOST_ITEMS`].
    async fn get(&self, ids: &[ParticipationId]) -> Result<Read<Participation>>;

    /// Has participations that cannot be read come again at `until`, in case another version can read them, and deletes them from
    /// `expires_at` on, unless they are saved before.
    async fn set_aside(&self, ids: &[ParticipationId], until: Timestamp, expires: Timestamp) -> Result<()>;

    /// Saves each participation on the condition that the stored version is the one given, and stores the version after
    /// it. One answer for each, in order; each stands alone. At most [`MOST_ITEMS`].
    async fn save(&self, participations: &[Participation]) -> Result<Vec<Saved>>;

    /// Which participations are due at `now`, themselves or by their line in a ledger, longest due first, at most `most`. Where more
    /// are due, brands take turns ([`in_turns`]): no brand's few are hidden behind another's many. May be a moment behind.
    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<Due>>;

    /// What is known of these contacts' profiles. At most [`MOST_ITEMS`].
    async fn known_profiles(&self, contacts: &[ContactKey]) -> Result<KnownHints>;

    /// Remembers profiles, replacing what was known. At most [`MOST_ITEMS`].
    async fn remember_profiles(&self, profiles: &[(ContactKey, ProfileHint)]) -> Result<()>;

    /// Remembers a profile unless one is known for the contact; returns what is known then. Of many who claim one contact,
    /// all get the same answer. What is known and cannot be read is replaced.
    async fn claim_profile(&self, contact: ContactKey, profile: &ProfileHint) -> Result<ProfileHint>;

    /// How many participations of an activation were ever stored; those that are kept no longer count, too. A store that counts as it
    /// stores ignores `more`, and its answer has all whose insert began before the call. Any other store knows only what it is told: it
    /// adds `more`, the number of those whom the caller has stored and not told of yet.
    async fn accepted(&self, scope: &Scope, more: u64) -> Result<u64>;
}

/// Of what is due, at most `most`, longest due first: of each brand the first, then of each the second, and so on.
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
