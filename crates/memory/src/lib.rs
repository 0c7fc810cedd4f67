#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod callbacks;
mod calls;
mod chance;
mod clock;
mod drawing;
mod due_index;
mod faults;
mod inspection;
mod ledger;
mod limits;
mod numbers;
mod outages;
mod pauses;
mod peek;
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
use ports::outages::Outage;
use ports::store::MOST_ITEMS;
use ports::{Clock, Error, Result};
use tokio::sync::Notify;

pub use chance::SeededChance;
pub use clock::{TestClock, TokioClock};
pub use faults::Faults;

use parking_lot::{Mutex, MutexGuard};

use due_index::DueIndex;
use faults::Fate;
use ledger::Ledgers;
use queues::Messages;

/// A store in memory. It implements every port but the clock.
pub struct Memory {
    state: Mutex<MemoryState>,
    clock: Arc<dyn Clock>,
    /// Notified when a message was sent.
    sent: Notify,
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
            secrets: HashMap::new(),
        };
        Self { state: Mutex::new(state), clock, sent: Notify::new() }
    }

    /// From now on a participation draws its number when it is stored, and its line is entered later, as on DynamoDB.
    pub fn enter_later(&self) {
        self.lock().ledgers.enters_later = true;
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

/// The error of a fault that the dice chose.
fn failed(doing: &'static str) -> Error {
    Error::unavailable(doing, "a fault was drawn")
}
