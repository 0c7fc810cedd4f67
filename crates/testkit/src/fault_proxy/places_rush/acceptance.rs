//! What a function does to accept a participation, call by call.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use domain::incentive::Quantity;
use domain::ledger::draw_lane::{DrawnBatch, LaneTurn, MOST_READS};
use domain::ledger::numbers::numbered_up_to;

use crate::fault_proxy::places_rush::limited::{LOOK_SHARDS, LimitedCalls, ModelledLimit, Remembers};
use crate::fault_proxy::places_rush::{PlaceAnswer, PlaceTold};

/// How long an acceptance waits for its number.
const PATIENCE: Duration = Duration::from_millis(80);

/// How long numbers are drawn in lanes after the counter was throttled.
const IN_LANES_FOR: Duration = Duration::from_secs(30);

/// The longest wait before a throttled call of a lane or the counter is repeated.
const MOMENT: Duration = Duration::from_millis(6);

/// The attempts that the SDK makes of other calls, and the longest wait before the second one. It doubles before the third.
const ATTEMPTS: u32 = 3;
const LONGEST_FIRST_WAIT: Duration = Duration::from_secs(1);

const COUNTER: [ModelledLimit; 2] = [ModelledLimit::Counter, ModelledLimit::Ledgers];

fn written(lane: usize) -> [ModelledLimit; 2] {
    [ModelledLimit::Lane(lane), ModelledLimit::Ledgers]
}

/// A batch that is drawn, and its lane.
type BatchOfLane = (usize, DrawnBatch);

/// One request, from the front end to the answer.
pub(super) async fn asks(calls: Rc<LimitedCalls>) {
    let asked = calls.now();
    if !calls.lets_in() {
        return calls.too_many.set(calls.too_many.get() + 1);
    }
    let Some(environment) = calls.environment().await else {
        return calls.too_many.set(calls.too_many.get() + 1);
    };
    let mut request = ModelledAcceptance { calls: &calls, environment, made: 0 };
    match request.accept().await {
        Some(told) => {
            let (answered, made) = (calls.now(), request.made);
            calls.answers(PlaceAnswer { asked, answered, told, calls: made });
        }
        None => calls.unavailable.set(calls.unavailable.get() + 1),
    }
    calls.is_idle(request.environment);
}

struct ModelledAcceptance<'a> {
    calls: &'a LimitedCalls,
    environment: Remembers,
    /// How many calls were made one after another, without those that were throttled.
    made: u32,
}

impl ModelledAcceptance<'_> {
    /// Accepts a participation. `None` if a call fails for good.
    async fn accept(&mut self) -> Option<PlaceTold> {
        // Whether the consumer takes part already.
        self.repeated(&[]).await?;
        let (told, batch) = if self.environment.fenced {
            (PlaceTold::AtLeast, None)
        } else {
            let calls = self.calls;
            match calls.time.within(PATIENCE, self.draw()).await {
                Some(Some((number, batch))) => (PlaceTold::Number(number), batch),
                Some(None) | None => (PlaceTold::NotKnownYet, None),
            }
        };
        if let PlaceTold::Number(number) = told {
            self.environment.fenced = self.last_number().is_some_and(|last| number > last);
        }
        let shard = self.calls.chance() % LOOK_SHARDS;
        let put = [ModelledLimit::Participations, ModelledLimit::FirstLook(shard)];
        let calls = self.calls;
        let (put, ()) = futures::join!(self.repeated(&put), publish(calls, batch));
        put?;
        // The message.
        self.repeated(&[]).await?;
        Some(told)
    }

    fn last_number(&self) -> Option<u64> {
        numbered_up_to(Quantity::Limited(NonZeroU32::new(self.calls.rush.quantity)?))
    }

    /// Makes a call that the SDK repeats.
    async fn repeated(&mut self, limits: &[ModelledLimit]) -> Option<()> {
        for attempt in 1..=ATTEMPTS {
            if self.calls.call(limits, |_| ()).await.is_some() {
                self.made += 1;
                return Some(());
            }
            self.calls.passes(self.calls.up_to(LONGEST_FIRST_WAIT * attempt)).await;
        }
        None
    }

    /// Draws a number. `None` if the counter is throttled and no lane helps.
    async fn draw(&mut self) -> Option<(u64, Option<BatchOfLane>)> {
        let Some(lanes) = self.calls.rush.lanes else {
            // The SDK waits longer than the acceptance.
            loop {
                if let Some(number) = self.calls.call(&COUNTER, |calls| calls.add(1)).await {
                    self.made += 1;
                    return Some((number, None));
                }
                self.calls.passes(self.calls.up_to(LONGEST_FIRST_WAIT)).await;
            }
        };
        if self.environment.in_lanes_until.is_none_or(|until| until <= self.calls.now()) {
            if let Some(number) = self.calls.call(&COUNTER, |calls| calls.add(1)).await {
                self.made += 1;
                return Some((number, None));
            }
            self.environment.in_lanes_until = Some(self.calls.now() + IN_LANES_FOR);
        }
        self.draw_in_a_lane(lanes).await
    }

    async fn draw_in_a_lane(&mut self, lanes: u64) -> Option<(u64, Option<BatchOfLane>)> {
        let calls = self.calls;
        let (lane, mut seen) = loop {
            let lane = usize::try_from(calls.chance() % lanes.max(1)).unwrap_or_default();
            let join = |calls: &LimitedCalls| calls.change(lane, |lane| lane.joined += 1);
            if let Some(joined) = calls.call(&written(lane), join).await {
                break (lane, joined);
            }
            calls.passes(calls.up_to(MOMENT)).await;
        };
        self.made += 1;
        let (member, mut reads) = (seen.joined, 0);
        loop {
            match seen.turn(member, (reads, MOST_READS)) {
                LaneTurn::Numbered(number) => return Some((number, None)),
                LaneTurn::DrawsAlone => {
                    self.made += 1;
                    return Some((calls.call(&COUNTER, |calls| calls.add(1)).await?, None));
                }
                LaneTurn::ReadsAfter(wait) => {
                    calls.passes(wait).await;
                    let read =
                        calls.call(&[ModelledLimit::ReadsOfLane(lane)], |calls| calls.read(lane)).await;
                    seen = read.unwrap_or(seen);
                }
                LaneTurn::ClosesAfter(wait) => {
                    calls.passes(wait).await;
                    let after = seen.closed;
                    let closed = calls.call(&written(lane), |calls| calls.close(lane, after)).await;
                    if let Some((true, closed)) = closed {
                        self.made += 1;
                        let first = self.draw_soon(closed.closed - after).await;
                        let batch = DrawnBatch { after, to: closed.closed, first };
                        return Some((batch.number_of(member)?, Some((lane, batch))));
                    }
                    seen = closed.map_or(seen, |(_, read)| read);
                }
            }
            self.made += 1;
            reads += 1;
        }
    }

    async fn draw_soon(&mut self, count: u64) -> u64 {
        loop {
            if let Some(first) = self.calls.call(&COUNTER, |calls| calls.add(count)).await {
                self.made += 1;
                return first;
            }
            self.calls.passes(self.calls.up_to(MOMENT)).await;
        }
    }
}

async fn publish(calls: &LimitedCalls, drawn: Option<BatchOfLane>) {
    let Some((lane, batch)) = drawn else { return };
    let publish = |calls: &LimitedCalls| calls.change(lane, |lane| lane.batches.push(batch));
    let until_done = async {
        while calls.call(&written(lane), publish).await.is_none() {
            calls.passes(calls.up_to(MOMENT)).await;
        }
    };
    calls.time.within(PATIENCE, until_done).await;
}
