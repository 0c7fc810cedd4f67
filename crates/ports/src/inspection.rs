//! Everything that is stored about one participation, for people who ask.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::{Award, AwardStatus, SiblingLines};
use domain::callback::{Callback, CallbackId, CallbackKind, LastAnswer};
use domain::ids::{Channel, ParticipationId};
use domain::ledger::Counts;
use domain::participation::Participation;

use crate::store::{MOST_ITEMS, Read};
use crate::{Error, Ledger, Result, Store};

/// A participation with everything that the store keeps about it.
#[derive(Debug, Clone, PartialEq)]
pub struct InspectedParticipation {
    /// The participation.
    pub participation: Participation,
    /// Its line in a ledger, if it has one.
    pub award: Option<Award>,
    /// The same participant's other lines in that ledger, as far as they are known, with the channels of their participations.
    pub siblings: Vec<(Award, Option<Channel>)>,
    /// The counters of that ledger.
    pub counts: Option<Counts>,
    /// How many wait ahead of it, if it waits for a place.
    pub waiting_ahead: Option<u32>,
    /// When the participation was accepted that has the last place, if it waits and the store finds that cheaply.
    pub last_place_at: Option<Timestamp>,
    /// The callbacks about it that are not delivered.
    pub callbacks: Vec<InspectedCallback>,
    /// When the first callback with its result was delivered. A store may keep this for [`TOLD_KEPT_FOR`] only.
    pub told_at: Option<Timestamp>,
}

/// How long it is kept at least when a callback was delivered, unless its participation is deleted before.
pub const TOLD_KEPT_FOR: Duration = Duration::from_secs(180 * 86_400);

/// A callback that is not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedCallback {
    /// The callback.
    pub callback: Callback,
    /// How many attempts were made, counted from its revival if it was revived.
    pub attempts: u32,
    /// When it is tried again; `None` if it is parked.
    pub due_at: Option<Timestamp>,
    /// What the last attempt led to.
    pub last_answer: Option<LastAnswer>,
}

/// Reads one participation for people who ask about it.
#[async_trait]
pub trait Inspection: Send + Sync {
    /// Reads a participation with its award and its callbacks; `None` if no participation has this id.
    ///
    /// # Errors
    /// If it cannot be read.
    async fn inspect(&self, id: ParticipationId) -> Result<Option<InspectedParticipation>>;
}

/// The ids of all callbacks that there can be about a participation.
#[must_use]
pub fn callback_ids(participation: ParticipationId) -> [CallbackId; 6] {
    CallbackKind::ALL.map(|kind| CallbackId { participation, kind })
}

/// Reads a participation through its store and its ledger. Its callbacks are left out.
///
/// # Errors
/// If it cannot be read.
pub async fn through(
    store: &dyn Store,
    ledger: &dyn Ledger,
    id: ParticipationId,
) -> Result<Option<InspectedParticipation>> {
    let Some(participation) = only(store.get(&[id]).await?)? else { return Ok(None) };
    let award = only(ledger.awards(&[id]).await?)?;
    let mut inspected = InspectedParticipation {
        participation,
        award: award.clone(),
        siblings: Vec::new(),
        counts: None,
        waiting_ahead: None,
        last_place_at: None,
        callbacks: Vec::new(),
        told_at: None,
    };
    if let Some(award) = award.filter(|award| award.ledger.incentive.is_some()) {
        inspected.counts = Some(ledger.counts(&award.ledger).await?);
        if award.status == AwardStatus::Waiting {
            inspected.waiting_ahead = Some(ledger.waiting_ahead_of(&award).await?);
        }
        inspected.siblings = siblings(store, ledger, &award).await?;
    }
    Ok(Some(inspected))
}

/// The lines of the same participant whose ids are known.
async fn siblings(
    store: &dyn Store,
    ledger: &dyn Ledger,
    award: &Award,
) -> Result<Vec<(Award, Option<Channel>)>> {
    let SiblingLines::Perhaps(ids) = &award.others else { return Ok(Vec::new()) };
    let ids: Vec<ParticipationId> = ids.iter().copied().take(MOST_ITEMS).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (lines, participations) = (ledger.awards(&ids).await?.found, store.get(&ids).await?.found);
    let channel = |id| participations.iter().find(|one| one.id() == id).map(Participation::channel);
    let same = lines.into_iter().filter(|line| line.ledger == award.ledger);
    Ok(same.map(|line| (line.clone(), channel(line.id))).collect())
}

/// The only item that was asked for.
fn only<T>(read: Read<T>) -> Result<Option<T>> {
    match read.unreadable.into_iter().next() {
        Some(unreadable) => Err(unreadable.why),
        None => Ok(read.found.into_iter().next()),
    }
}

/// The error of a store that an earlier version wrote, and that is brought up to date when it is served.
#[must_use]
pub fn of_an_earlier_version() -> Error {
    Error::unavailable("reading a participation", "an earlier version wrote the data; start `serve` once")
}
