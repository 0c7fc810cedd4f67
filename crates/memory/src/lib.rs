#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod accepting;
mod callbacks;
mod calls;
mod chance;
mod clock;
mod drawing;
mod due_index;
mod faults;
mod inspection;
mod lanes;
mod ledger;
mod limits;
mod numbers;
mod outages;
mod pauses;
mod peek;
mod polls;
mod queues;
mod ranks;
mod read_backs;
mod reports;
mod rollups;
mod schedule;
mod search;
mod secrets;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use domain::Timestamp;
use domain::brand::SecretRef;
use domain::call::CallBatch;
use domain::ids::{BrandId, ContactKey, ParticipationId, Scope};
use domain::message::{QueueName, WorkMessage};
use domain::participation::Participation;
use domain::profile::ProfileHint;
use domain::reservation::Windows;
use domain::rollup::Rollup;
use ports::error::at_most;
use ports::ledger::MAKERS_LEASE;
use ports::limits::Lane;
use ports::numbering::{DrawSettings, Numbering};
use ports::outages::Outage;
use ports::store::MOST_ITEMS;
use ports::{Clock, Error, Result};
use tokio::sync::Notify;

pub use chance::SeededChance;
pub use clock::{TestClock, TokioClock};
pub use faults::Faults;

use parking_lot::{Mutex, MutexGuard};

use clock::CallClock;
use due_index::DueIndex;
use faults::Fate;
use ledger::Ledgers;
use queues::Messages;

/// The seed of the waits between an acceptance's calls.
const NUMBERING_SEED: u64 = 16;

/// A store in memory. It implements every port but the clock.
pub struct Memory {
    state: Arc<Mutex<MemoryState>>,
    clock: Arc<dyn Clock>,
    /// Notified when a message was sent.
    sent: Arc<Notify>,
    /// What this process knows of the ledgers' numbers.
    numbering: Mutex<Arc<Numbering>>,
}

struct MemoryState {
    fate: Fate,
    participations: HashMap<ParticipationId, Participation>,
    /// How many participations each activation has ever accepted.
    accepted: HashMap<Scope, u64>,
    /// The participations that cannot be read.
    damaged: HashSet<ParticipationId>,
    ended: usize,
    due_index: DueIndex,
    profiles: HashMap<ContactKey, ProfileHint>,
    queues: BTreeMap<QueueName, Messages>,
    sent: u64,
    lost_message: Option<u64>,
    scheduled: HashSet<(Timestamp, QueueName, WorkMessage)>,
    limits: HashMap<Lane, Windows>,
    outages: BTreeMap<BrandId, Outage>,
    paused: BTreeMap<Scope, Timestamp>,
    /// The records of batches that are to be read back, by their keys.
    read_backs: BTreeMap<String, String>,
    ledgers: Ledgers,
    rollup: Rollup,
    calls: Vec<CallBatch>,
    fires_exactly: bool,
    /// Whether the calls of an acceptance take time and may fail.
    calls_take_time: bool,
    /// How many calls acceptances have made.
    calls_made: usize,
    secrets: HashMap<SecretRef, String>,
}

impl Memory {
    /// Creates an empty store, with faults drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64, faults: Faults, clock: Arc<dyn Clock>) -> Self {
        let state = MemoryState {
            fate: Fate::new(seed, faults),
            participations: HashMap::new(),
            accepted: HashMap::new(),
            damaged: HashSet::new(),
            ended: 0,
            due_index: DueIndex::default(),
            profiles: HashMap::new(),
            queues: BTreeMap::new(),
            sent: 0,
            lost_message: None,
            scheduled: HashSet::new(),
            limits: HashMap::new(),
            outages: BTreeMap::new(),
            paused: BTreeMap::new(),
            read_backs: BTreeMap::new(),
            ledgers: Ledgers::default(),
            rollup: Rollup::default(),
            calls: Vec::new(),
            fires_exactly: false,
            calls_take_time: false,
            calls_made: 0,
            secrets: HashMap::new(),
        };
        let numbering = Mutex::new(numbering_by(DrawSettings::default(), &clock));
        Self { state: Arc::new(Mutex::new(state)), clock, sent: Arc::default(), numbering }
    }

    /// Another process over the same memory. It draws numbers by these settings.
    #[must_use]
    pub fn another_process(&self, settings: DrawSettings) -> Self {
        let numbering = Mutex::new(numbering_by(settings, &self.clock));
        Self { state: self.state.clone(), clock: self.clock.clone(), sent: self.sent.clone(), numbering }
    }

    /// From now on a participation draws its number when it is stored, and its line is entered later, as on DynamoDB.
    pub fn enter_later(&self) {
        self.lock().ledgers.enters_later = true;
    }

    /// The same, and from now on acceptances are made call by call, each of which takes time and may fail, as by functions. Numbers are drawn
    /// by these settings.
    pub fn accept_call_by_call(&self, settings: DrawSettings) {
        self.enter_later();
        self.lock().calls_take_time = true;
        *self.numbering.lock() = numbering_by(settings, &self.clock);
    }

    /// From now on each callback is reserved for the process that makes it, as functions do on DynamoDB.
    pub fn leave_callbacks_to_makers(&self) {
        self.lock().ledgers.makers_lease = Some(MAKERS_LEASE);
    }

    /// From now on no numbers are drawn for new participations, as by an earlier version.
    pub fn draw_no_numbers(&self) {
        self.lock().ledgers.draws_none = true;
    }

    /// From now on schedules fire exactly at their time, as in one process.
    pub fn fire_exactly(&self) {
        self.lock().fires_exactly = true;
    }

    /// Replaces the faults from now on.
    pub fn change_faults(&self, faults: Faults) {
        self.lock().fate.change(faults);
    }

    /// How many times each fault has occurred.
    #[must_use]
    pub fn struck(&self) -> BTreeMap<&'static str, u64> {
        self.lock().fate.struck().clone()
    }

    fn lock(&self) -> MutexGuard<'_, MemoryState> {
        self.state.lock()
    }

    /// Locks the state for a read of these ids, each once, unless a fault makes the read fail.
    fn reading<'a>(
        &self,
        doing: &'static str,
        ids: &'a [ParticipationId],
    ) -> Result<(MutexGuard<'_, MemoryState>, BTreeSet<&'a ParticipationId>)> {
        at_most(ids.len(), MOST_ITEMS, doing)?;
        let mut state = self.lock();
        state.read(doing)?;
        Ok((state, ids.iter().collect()))
    }
}

fn numbering_by(settings: DrawSettings, clock: &Arc<dyn Clock>) -> Arc<Numbering> {
    let chance = Arc::new(SeededChance::new(NUMBERING_SEED));
    Arc::new(Numbering::by(settings, Arc::new(CallClock(clock.clone())), chance))
}

/// The error of a fault that the dice chose.
fn failed(doing: &'static str) -> Error {
    Error::unavailable(doing, "a fault was drawn")
}
