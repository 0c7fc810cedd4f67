//! Calls that take time and use the limits of items, and the items that acceptances share.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use domain::ledger::draw_lane::{DrawLane, REMEMBERED};

use crate::fault_proxy::places_rush::virtual_time::VirtualTime;
use crate::fault_proxy::places_rush::{PlaceAnswer, PlacesGiven, PlacesRush, summed_up};

/// What a new environment takes to start.
const COLD_START: Duration = Duration::from_millis(250);

/// The partitions of the index of first looks.
pub(super) const LOOK_SHARDS: u64 = 16;

/// What has a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ModelledLimit {
    /// Requests that the API lets in.
    Api,
    /// Writes of the counter of numbers.
    Counter,
    /// Writes of the table of ledgers, and of participations.
    Ledgers,
    Participations,
    /// Writes of one partition of the index of first looks.
    FirstLook(u64),
    /// Writes and reads of one lane.
    Lane(usize),
    ReadsOfLane(usize),
}

impl ModelledLimit {
    /// How much it allows a second. A new table takes four thousand writes.
    fn a_second(self, rush: &PlacesRush) -> u32 {
        match self {
            Self::Api => rush.let_in.unwrap_or(u32::MAX),
            Self::Counter | Self::FirstLook(_) | Self::Lane(_) => 1_000,
            Self::Ledgers | Self::Participations => 4_000,
            Self::ReadsOfLane(_) => 3_000,
        }
    }
}

/// What is left of a limit. A second's worth is saved up.
struct LeftOfLimit {
    count: f64,
    at: Duration,
}

/// What an environment of a function remembers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Remembers {
    /// When numbers are drawn from the counter again, after it was throttled.
    pub(super) in_lanes_until: Option<Duration>,
    /// Whether the last number was drawn that counts.
    pub(super) fenced: bool,
}

/// Everything that requests share.
pub(super) struct LimitedCalls {
    pub(super) rush: PlacesRush,
    pub(super) time: Rc<VirtualTime>,
    dice: RefCell<fastrand::Rng>,
    left: RefCell<HashMap<ModelledLimit, LeftOfLimit>>,
    first_used_up: Cell<Option<(ModelledLimit, Duration)>>,
    /// The last number that was drawn.
    counter: Cell<u64>,
    lanes: RefCell<Vec<DrawLane>>,
    idle: RefCell<Vec<Remembers>>,
    environments: Cell<usize>,
    pub(super) too_many: Cell<u32>,
    pub(super) unavailable: Cell<u32>,
    answers: RefCell<Vec<PlaceAnswer>>,
}

impl LimitedCalls {
    pub(super) fn by(rush: PlacesRush, time: Rc<VirtualTime>) -> Self {
        Self {
            rush,
            time,
            dice: RefCell::new(fastrand::Rng::with_seed(rush.seed)),
            left: RefCell::default(),
            first_used_up: Cell::default(),
            counter: Cell::default(),
            lanes: RefCell::new((0..rush.lanes.unwrap_or_default()).map(|_| DrawLane::default()).collect()),
            idle: RefCell::default(),
            environments: Cell::default(),
            too_many: Cell::default(),
            unavailable: Cell::default(),
            answers: RefCell::default(),
        }
    }

    /// The time since the beginning.
    pub(super) fn now(&self) -> Duration {
        self.time.now()
    }

    pub(super) async fn passes(&self, time: Duration) {
        self.time.until(self.now() + time).await;
    }

    /// A random time up to this one.
    pub(super) fn up_to(&self, time: Duration) -> Duration {
        time.mul_f64(self.dice.borrow_mut().f64())
    }

    pub(super) fn chance(&self) -> u64 {
        self.dice.borrow_mut().u64(..)
    }

    /// How long a call takes: five milliseconds in the middle, and once in a hundred times 20 to 80 more.
    fn takes(&self) -> Duration {
        let mut dice = self.dice.borrow_mut();
        let normal = (-2.0 * dice.f64().max(1e-9).ln()).sqrt() * (std::f64::consts::TAU * dice.f64()).cos();
        let tail = if dice.f64() < 0.01 { 20.0 + 60.0 * dice.f64() } else { 0.0 };
        Duration::from_secs_f64((5.0 * (0.45 * normal).exp() + tail) / 1_000.0)
    }

    /// Makes a call. It has its effect halfway. `None` if it is throttled.
    pub(super) async fn call<T>(
        &self,
        limits: &[ModelledLimit],
        effect: impl FnOnce(&Self) -> T,
    ) -> Option<T> {
        let half = self.takes() / 2;
        self.passes(half).await;
        let done = self.has_room(limits).then(|| effect(self));
        self.passes(half).await;
        done
    }

    fn has_room(&self, limits: &[ModelledLimit]) -> bool {
        let (now, mut left) = (self.now(), self.left.borrow_mut());
        for limit in limits {
            let a_second = f64::from(limit.a_second(&self.rush));
            let left = left.entry(*limit).or_insert(LeftOfLimit { count: a_second, at: now });
            let come_back = now.saturating_sub(left.at).as_secs_f64() * a_second;
            (left.count, left.at) = ((left.count + come_back).min(a_second), now);
            if left.count < 1.0 {
                let first = self.first_used_up.get().unwrap_or((*limit, now));
                self.first_used_up.set(Some(first));
                return false;
            }
        }
        for limit in limits {
            if let Some(left) = left.get_mut(limit) {
                left.count -= 1.0;
            }
        }
        true
    }

    /// Whether the API lets a request in.
    pub(super) fn lets_in(&self) -> bool {
        self.rush.let_in.is_none() || self.has_room(&[ModelledLimit::Api])
    }

    /// An environment for a request; `None` if all are busy.
    pub(super) async fn environment(&self) -> Option<Remembers> {
        if let Some(idle) = self.idle.borrow_mut().pop() {
            return Some(idle);
        }
        if self.environments.get() == self.rush.environments {
            return None;
        }
        self.environments.set(self.environments.get() + 1);
        self.passes(COLD_START).await;
        Some(Remembers::default())
    }

    pub(super) fn is_idle(&self, environment: Remembers) {
        self.idle.borrow_mut().push(environment);
    }

    /// Adds to the counter. Returns the first of the numbers that were drawn.
    pub(super) fn add(&self, count: u64) -> u64 {
        let first = self.counter.get() + 1;
        self.counter.set(self.counter.get() + count);
        first
    }

    /// Changes a lane. Returns it as it is then.
    pub(super) fn change(&self, lane: usize, change: impl FnOnce(&mut DrawLane)) -> DrawLane {
        let mut lanes = self.lanes.borrow_mut();
        let Some(lane) = lanes.get_mut(lane) else { return DrawLane::default() };
        change(lane);
        let forgotten = lane.batches.len().saturating_sub(usize::try_from(REMEMBERED).unwrap_or(usize::MAX));
        lane.batches.drain(..forgotten);
        lane.clone()
    }

    /// Closes a batch, if no other was closed since. Returns whether it did, and the lane as it is then.
    pub(super) fn close(&self, lane: usize, after: u64) -> (bool, DrawLane) {
        let seen = self.read(lane);
        if seen.closed != after {
            return (false, seen);
        }
        (true, self.change(lane, |lane| lane.closed = lane.joined))
    }

    pub(super) fn read(&self, lane: usize) -> DrawLane {
        self.lanes.borrow().get(lane).cloned().unwrap_or_default()
    }

    pub(super) fn answers(&self, answer: PlaceAnswer) {
        self.answers.borrow_mut().push(answer);
    }

    pub(super) fn given(&self) -> PlacesGiven {
        let given = PlacesGiven {
            too_many: self.too_many.get(),
            unavailable: self.unavailable.get(),
            environments: self.environments.get(),
            first_used_up: self.first_used_up.get().map(|(limit, at)| (format!("{limit:?}"), at)),
            ..PlacesGiven::default()
        };
        summed_up(&self.answers.borrow(), self.counter.get(), given)
    }
}
