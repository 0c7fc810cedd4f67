//! Acceptances that draw a number first and then store the participation, as functions do on DynamoDB.

use std::future::pending;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use domain::ids::LedgerKey;
use domain::ledger::draw_lane::DrawLane;
use domain::ledger::{Counts, Entry, Standing};
use domain::participation::Participation;
use ports::clock::SystemClock;
use ports::numbering::{Closed, LaneKey, NumberItems, UnpublishedBatch};
use ports::store::Inserted;
use ports::{Clock, Result};
use tokio::sync::Notify;

use crate::lanes::StoredLane;
use crate::{Memory, MemoryState, failed};

const DOING: &str = "drawing a number";

impl Memory {
    /// Draws a number, stores the participation under it, and publishes what was drawn for others. If the process dies, nothing of that goes
    /// on.
    pub(crate) async fn insert_under_number(
        &self,
        participation: &Participation,
        entry: &Entry,
    ) -> Result<Inserted> {
        let calls = AcceptanceCalls { memory: self, died: Notify::new() };
        tokio::select! {
            biased;
            inserted = calls.insert(participation, entry) => inserted,
            () = calls.died.notified() => Err(failed("storing a participation")),
        }
    }

    /// How many calls acceptances have made one by one.
    #[must_use]
    pub fn calls_made(&self) -> usize {
        self.lock().calls_made
    }
}

/// The calls of one acceptance, during each of which its process may die.
struct AcceptanceCalls<'a> {
    memory: &'a Memory,
    /// Notified when the process is dead.
    died: Notify,
}

impl AcceptanceCalls<'_> {
    async fn insert(&self, participation: &Participation, entry: &Entry) -> Result<Inserted> {
        let is_there = |state: &mut MemoryState| state.participations.contains_key(&participation.id());
        let draws = !self.call(is_there).await && !self.memory.lock().ledgers.draws_none;
        let numbering = self.memory.numbering.lock().clone();
        let (standing, number, others) = match draws {
            true => {
                let drawn = numbering.draw_for(self, entry).await;
                (drawn.standing, drawn.number, drawn.others)
            }
            false => (Standing::later(Some(entry)), None, None),
        };
        let numbered = (standing, number.and_then(NonZeroU64::new));
        let put = async {
            self.half().await;
            let inserted = self.memory.store_new(participation, Some(entry), numbered);
            self.half().await;
            inserted
        };
        let (inserted, ()) = tokio::join!(put, numbering.publish(self, others.as_ref()));
        if let (Ok(Inserted::Existing(_)), Some(number)) = (&inserted, number) {
            self.call(|state| state.ledgers.give_back(&entry.rules, number)).await;
        }
        inserted
    }

    /// Lets the time pass that half of a call takes. A process that dies meanwhile does not return from it.
    async fn half(&self) {
        let takes = {
            let mut state = self.memory.lock();
            if !state.calls_take_time {
                return;
            }
            let died =
                state.fate.strikes_acceptance("acceptances that died", |faults| faults.acceptance_dies);
            (!died).then(|| state.fate.half_of_call())
        };
        match takes {
            Some(time) => SystemClock.sleep(time).await,
            None => {
                self.died.notify_one();
                pending().await
            }
        }
    }

    /// Makes a call that has its effect halfway.
    async fn call<T>(&self, effect: impl FnOnce(&mut MemoryState) -> T) -> T {
        self.half().await;
        let done = {
            let mut state = self.memory.lock();
            state.calls_made += 1;
            effect(&mut state)
        };
        self.half().await;
        done
    }

    /// Makes a call to an item that may be throttled, and whose answer may be lost.
    async fn call_to_item<T>(&self, effect: impl FnOnce(&mut MemoryState) -> T) -> ItemAnswer<T> {
        self.call(|state| {
            if state.strikes_draw("draws that were throttled", |faults| faults.draw_throttled) {
                return ItemAnswer::Throttled;
            }
            let done = effect(state);
            match state.strikes_draw("draws whose answer was lost", |faults| faults.draw_lost_answer) {
                true => ItemAnswer::Lost,
                false => ItemAnswer::Done(done),
            }
        })
        .await
    }

    async fn call_to_lane<T>(&self, lane: &LaneKey, effect: impl FnOnce(&mut StoredLane) -> T) -> Result<T> {
        let effect = |state: &mut MemoryState| effect(state.ledgers.lanes.entry(lane.clone()).or_default());
        match self.call_to_item(effect).await {
            ItemAnswer::Done(done) => Ok(done),
            ItemAnswer::Throttled | ItemAnswer::Lost => Err(failed(DOING)),
        }
    }
}

/// What came of a call to a counter or a lane.
enum ItemAnswer<T> {
    Done(T),
    /// It had no effect.
    Throttled,
    /// It had its effect, which the caller does not know.
    Lost,
}

impl MemoryState {
    /// Whether this fault occurs now in a call to a counter or a lane.
    fn strikes_draw(&mut self, name: &'static str, which: fn(&crate::Faults) -> f64) -> bool {
        self.calls_take_time && self.fate.strikes_acceptance(name, which)
    }
}

#[async_trait]
impl NumberItems for AcceptanceCalls<'_> {
    async fn counts(&self, ledger: &LedgerKey) -> Result<Counts> {
        Ok(self.call(|state| state.ledgers.counts.get(ledger).cloned().unwrap_or_default()).await)
    }

    /// Draws again when an answer is lost, as the SDK does.
    async fn draw_unless_throttled(
        &self,
        ledger: &LedgerKey,
        count: u32,
    ) -> Result<Option<RangeInclusive<u64>>> {
        loop {
            let draw = |state: &mut MemoryState| {
                state.ledgers.numbers.entry(ledger.clone()).or_default().next(count)
            };
            match self.call_to_item(draw).await {
                ItemAnswer::Done(drawn) => return Ok(Some(drawn)),
                ItemAnswer::Throttled => return Ok(None),
                ItemAnswer::Lost => {}
            }
        }
    }

    async fn join(&self, lane: &LaneKey) -> Result<DrawLane> {
        self.call_to_lane(lane, StoredLane::join).await
    }

    /// Reads again when an answer is lost, as the SDK does.
    async fn read_lane(&self, lane: &LaneKey) -> Result<DrawLane> {
        loop {
            if let Ok(read) = self.call_to_lane(lane, |lane| lane.read()).await {
                return Ok(read);
            }
        }
    }

    async fn close(&self, lane: &LaneKey, seen: &DrawLane) -> Result<Closed> {
        self.call_to_lane(lane, |lane| lane.close(seen)).await
    }

    async fn publish(&self, batch: &UnpublishedBatch) -> Result<()> {
        self.call_to_lane(&batch.lane, |lane| lane.publish(batch.rank, batch.batch)).await
    }
}
