//! Limits the participations of an activation whose brand file sets `most_participations`.
//!
//! A tally for each activation counts its participations: those that the store knew when it was last asked,
//! at most a second ago, and new ones since. A participation is admitted before it is stored; if it existed
//! already, its room is free again. A store that counts at each insert is asked while nothing is being
//! stored, so that nothing is counted twice. In one process the limit is therefore exact. If several
//! processes report to the store, each learns of the others' participations a second later.

mod tally;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use domain::brand::Activation;
use domain::ids::{ParticipationId, Scope};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::problem::Problem;
use crate::{Intake, failing};

use tally::{RoomTally, Turn};

/// The room of each activation that has a limit.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<HashMap<Scope, Arc<Room>>>);

#[derive(Debug, Default)]
struct Room {
    tally: Mutex<RoomTally>,
    /// Notified whenever a waiting request may go on.
    changed: Notify,
}

/// An admitted participation that is being stored. If this is dropped without `resolve`, it is not known
/// whether it was stored.
#[derive(Debug)]
pub(crate) struct Admitted {
    room: Arc<Room>,
    is_resolved: bool,
}

/// The right to ask the store. One request has it at a time, and none is admitted meanwhile.
struct AskRight<'a>(&'a Room);

/// Admits a participation to its activation. `None` if the activation has no limit, or if the participation
/// exists already, since storing it changes nothing. `field` is the activation's field in the body.
pub(crate) async fn enter(
    intake: &Intake,
    activation: &Activation,
    participation: ParticipationId,
    field: &str,
) -> Result<Option<Admitted>, Problem> {
    let Some(most) = activation.most_participations else { return Ok(None) };
    let admitted = admit(intake, &activation.scope, most).await?;
    if admitted.is_some() || takes_part(intake, participation).await? {
        return Ok(admitted);
    }
    let now = intake.clock.now();
    if let Some(line) =
        intake.troubles.repeats().line("intake.activation_full", activation.scope.as_str(), now)
    {
        tracing::warn!(
            event = "intake.activation_full", scope = %activation.scope, most, times = line.times, since = %line.since,
            "The activation has as many participations as its brand file allows."
        );
    }
    Err(Problem::full(field))
}

/// Reports new participations to the store, unless that was done a moment ago: this process may end, or be
/// frozen, before another request comes.
pub(crate) async fn tell(intake: &Intake, activation: &Activation) {
    if activation.most_participations.is_none() {
        return;
    }
    let room = intake.rooms.of(&activation.scope);
    let told = room.lock().tell(intake.clock.now());
    if let Some(more) = told {
        // What could not be reported now is reported at the next request.
        let _said_in_the_log = AskRight(&room).ask(intake, &activation.scope, more).await;
    }
}

/// Waits for a turn. `None` if the activation is full.
async fn admit(intake: &Intake, scope: &Scope, most: NonZeroU32) -> Result<Option<Admitted>, Problem> {
    let room = intake.rooms.of(scope);
    loop {
        let changed = room.changed.notified();
        let turn = room.lock().turn(u64::from(most.get()), intake.clock.now());
        match turn {
            Turn::Admitted => return Ok(Some(Admitted { room: room.clone(), is_resolved: false })),
            Turn::Full => return Ok(None),
            Turn::Unknown => return Err(Problem::unavailable()),
            Turn::Wait => changed.await,
            Turn::Ask(more) => {
                if let Err(error) = AskRight(&room).ask(intake, scope, more).await {
                    intake.health.failed(&error, intake.clock.now());
                }
            }
        }
    }
}

/// Whether the participation is stored, even if it cannot be read.
pub(crate) async fn takes_part(intake: &Intake, participation: ParticipationId) -> Result<bool, Problem> {
    let read = intake.store.get(&[participation]).await.map_err(|error| {
        failing::say(intake, "intake.store_failed", "", &error, "A participation was refused with 503.");
        intake.health.failed(&error, intake.clock.now());
        Problem::unavailable()
    })?;
    Ok(!(read.found.is_empty() && read.unreadable.is_empty()))
}

impl Rooms {
    fn of(&self, scope: &Scope) -> Arc<Room> {
        let mut rooms = self.0.lock();
        match rooms.get(scope) {
            Some(room) => room.clone(),
            None => rooms.entry(scope.clone()).or_default().clone(),
        }
    }
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, RoomTally> {
        self.tally.lock()
    }
}

impl Admitted {
    /// Records that the participation is stored: it is new, or it existed already.
    pub(crate) fn resolve(mut self, is_new: bool) {
        self.is_resolved = true;
        self.room.lock().resolve(Some(is_new));
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if !self.is_resolved {
            self.room.lock().resolve(None);
        }
        self.room.changed.notify_waiters();
    }
}

impl AskRight<'_> {
    async fn ask(self, intake: &Intake, scope: &Scope, more: u64) -> ports::Result<()> {
        let answer = intake.store.accepted(scope, more).await;
        let now = intake.clock.now();
        match answer {
            Ok(count) => {
                self.0.lock().learn(count, more, now);
                Ok(())
            }
            Err(error) => {
                self.0.lock().learn_nothing(now);
                let consequence =
                    "The store does not say how many participations an activation with a limit has.";
                failing::say(intake, "intake.uncounted", "", &error, consequence);
                Err(error)
            }
        }
    }
}

impl Drop for AskRight<'_> {
    fn drop(&mut self) {
        self.0.lock().is_asking = false;
        self.0.changed.notify_waiters();
    }
}
