//! Which ledgers are numbered, and the number of a participation that is being accepted, for stores that enter lines later.

mod items;
mod lanes;
mod settings;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Timestamp;
use domain::ids::LedgerKey;
use domain::incentive::Incentive;
use domain::ledger::numbers::{draws_number, numbered_up_to, standing_of, waiting_at_least};
use domain::ledger::{Entry, Rules, Standing};
use domain::time::later;
use parking_lot::Mutex;
use tokio::time::timeout;

pub use items::{Closed, LaneKey, NumberItems, UnpublishedBatch};
pub use settings::DrawSettings;

use crate::{Chance, Clock, Result};
use lanes::{DrawnInLane, LaneDraws};

/// How many lanes a ledger has.
const LANES: u64 = 8;

/// How long numbers are drawn in lanes after the counter was throttled.
const IN_LANES_FOR: Duration = Duration::from_secs(30);

/// How a process draws numbers, and what it knows of the ledgers.
pub struct Numbering {
    settings: DrawSettings,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    ledgers: Mutex<HashMap<LedgerKey, LedgerNumbering>>,
    next_lane: AtomicU64,
}

#[derive(Debug, Clone, Copy, Default)]
struct LedgerNumbering {
    is_numbered: bool,
    fence: Option<Fence>,
    in_lanes_until: Option<Timestamp>,
}

/// From here on, no more numbers are drawn, since everybody with one stands ahead.
#[derive(Debug, Clone, Copy)]
struct Fence {
    /// The quantity under which it was reached. Under another one, numbers are drawn again.
    quantity: Option<u32>,
    ahead: u32,
    read_at: Timestamp,
}

/// What an acceptance has drawn.
#[derive(Debug)]
pub struct DrawnNumber {
    /// The number; `None` if the worker draws it.
    pub number: Option<u64>,
    /// Where the participation stands.
    pub standing: Standing,
    /// What was drawn for others together with it, and is to be published.
    pub others: Option<UnpublishedBatch>,
}

impl DrawnNumber {
    fn none(standing: Standing) -> Self {
        Self { number: None, standing, others: None }
    }
}

impl fmt::Debug for Numbering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Numbering").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Numbering {
    /// Draws numbers by these settings.
    #[must_use]
    pub fn by(settings: DrawSettings, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        // Each process begins with another lane.
        let next_lane = AtomicU64::new(chance.bits());
        Self { settings, clock, chance, ledgers: Mutex::default(), next_lane }
    }

    /// Draws the number of a participation that is being accepted, if it takes a place in a numbered ledger. Returns where it stands, too.
    /// If no number can be drawn in time, the participation is accepted without one, and the worker draws it.
    pub async fn draw_for(&self, items: &dyn NumberItems, entry: &Entry) -> DrawnNumber {
        match timeout(self.settings.patience, self.try_draw_for(items, entry)).await {
            Ok(Ok(drawn)) => drawn,
            // A number that was drawn and is not known here is reclaimed by the tick.
            Ok(Err(_)) | Err(_) => DrawnNumber::none(Standing::later(Some(entry))),
        }
    }

    /// Publishes what was drawn for others, who wait for it.
    pub async fn publish(&self, items: &dyn NumberItems, drawn: Option<&UnpublishedBatch>) {
        if let Some(batch) = drawn {
            self.lanes_of(items).publish(batch).await;
        }
    }

    async fn try_draw_for(&self, items: &dyn NumberItems, entry: &Entry) -> Result<DrawnNumber> {
        let later = DrawnNumber::none(Standing::later(Some(entry)));
        let (rules, offer) = (&entry.rules, &entry.award.offer);
        let Some(incentive) = rules.incentive.as_deref().filter(|_| draws_number(rules, offer)) else {
            return Ok(later);
        };
        let known = self.known(items, &rules.ledger).await?;
        if !known.is_numbered {
            return Ok(later);
        }
        if let Some(fence) = known.fence.filter(|fence| fence.quantity == incentive.quantity.limit()) {
            let ahead = self.ahead(items, rules, fence).await?;
            let standing = if ahead > 0 { Standing::WaitingAtLeast(ahead) } else { Standing::NotKnownYet };
            return Ok(DrawnNumber::none(standing));
        }
        let (number, others) = self.draw_number(items, &rules.ledger).await?;
        if numbered_up_to(incentive.quantity).is_some_and(|last| number > last) {
            self.reach_fence(&rules.ledger, incentive);
        }
        let standing = standing_of(number, incentive.quantity);
        Ok(DrawnNumber { number: Some(number), standing, others })
    }

    /// Draws one number: from the counter, or together with others while the counter is throttled.
    async fn draw_number(&self, items: &dyn NumberItems, ledger: &LedgerKey) -> Result<DrawnInLane> {
        let now = self.clock.now();
        if let Some(lanes) = self.lanes(ledger, now) {
            return self.lanes_of(items).draw(ledger, || self.next_lane(lanes)).await;
        }
        if let Some(drawn) = items.draw_unless_throttled(ledger, 1).await? {
            return Ok((*drawn.end(), None));
        }
        self.throttled(ledger, now);
        self.lanes_of(items).draw(ledger, || self.next_lane(LANES)).await
    }

    fn lanes_of<'a>(&'a self, items: &'a dyn NumberItems) -> LaneDraws<'a> {
        LaneDraws { items, settings: &self.settings, clock: &*self.clock, chance: &*self.chance }
    }

    /// In how many lanes the numbers of a ledger are drawn now; `None` if they are drawn from the counter.
    fn lanes(&self, ledger: &LedgerKey, now: Timestamp) -> Option<u64> {
        let until = self.ledgers.lock().get(ledger).and_then(|known| known.in_lanes_until);
        let was_throttled = until.is_some_and(|until| now < until);
        self.settings.always_in_lanes.or(was_throttled.then_some(LANES))
    }

    /// The lane of the next number, of so many.
    fn next_lane(&self, lanes: u64) -> u64 {
        let next = self.next_lane.fetch_add(1, Ordering::Relaxed);
        next.checked_rem(lanes).unwrap_or_default()
    }

    /// Remembers that a ledger's counter is throttled.
    fn throttled(&self, ledger: &LedgerKey, now: Timestamp) {
        let until = later(now, IN_LANES_FOR);
        self.ledgers.lock().entry(ledger.clone()).or_default().in_lanes_until = Some(until);
    }

    /// Whether a ledger is numbered. One with lines that have no numbers has none to its end.
    async fn known(&self, items: &dyn NumberItems, ledger: &LedgerKey) -> Result<LedgerNumbering> {
        if let Some(known) = self.ledgers.lock().get(ledger) {
            return Ok(*known);
        }
        let counts = items.counts(ledger).await?;
        let is_numbered = counts.numbers.is_some() || counts.arrivals == 0;
        let known = LedgerNumbering { is_numbered, ..LedgerNumbering::default() };
        self.ledgers.lock().insert(ledger.clone(), known);
        Ok(known)
    }

    /// Draws no more numbers. The next acceptance reads how many are ahead of it.
    fn reach_fence(&self, ledger: &LedgerKey, incentive: &Incentive) {
        let fence = Fence { quantity: incentive.quantity.limit(), ahead: 0, read_at: Timestamp::MIN };
        self.ledgers.lock().entry(ledger.clone()).or_default().fence = Some(fence);
    }

    /// How many are ahead of everybody behind the fence, at least.
    async fn ahead(&self, items: &dyn NumberItems, rules: &Rules, fence: Fence) -> Result<u32> {
        let now = self.clock.now();
        if now < later(fence.read_at, self.settings.fence_fresh_for) {
            return Ok(fence.ahead);
        }
        let Some(incentive) = &rules.incentive else { return Ok(0) };
        let counts = items.counts(&rules.ledger).await?;
        let last = numbered_up_to(incentive.quantity).unwrap_or_default();
        let ahead = waiting_at_least(&counts, last, incentive.quantity);
        let fence = Fence { ahead, read_at: now, ..fence };
        self.ledgers.lock().entry(rules.ledger.clone()).or_default().fence = Some(fence);
        Ok(ahead)
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{IncentiveId, Scope};

    use super::*;
    use crate::clock::{SystemChance, SystemClock};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn numbering() -> Numbering {
        Numbering::by(DrawSettings::default(), Arc::new(SystemClock), Arc::new(SystemChance))
    }

    fn ledger(incentive: &str) -> LedgerKey {
        let incentive = Some(IncentiveId::parse(incentive).unwrap());
        LedgerKey { scope: Scope::parse("spring").unwrap(), incentive }
    }

    #[test]
    fn numbers_are_drawn_in_lanes_for_half_a_minute_after_the_counter_was_throttled() {
        let (numbering, ledger, another) = (numbering(), ledger("early-bird"), ledger("another"));
        assert_eq!(numbering.lanes(&ledger, at(0)), None);
        numbering.throttled(&ledger, at(0));
        assert_eq!([0, 29, 30].map(|now| numbering.lanes(&ledger, at(now))), [Some(8), Some(8), None]);
        assert_eq!(numbering.lanes(&another, at(0)), None, "only this ledger's counter is throttled");
    }

    #[test]
    fn the_lanes_take_turns() {
        let numbering = numbering();
        let mut lanes: Vec<u64> = (0..4).map(|_| numbering.next_lane(4)).collect();
        lanes.sort_unstable();
        assert_eq!(lanes, [0, 1, 2, 3]);
    }
}
