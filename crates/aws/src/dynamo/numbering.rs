//! Which ledgers are numbered, and the number of a participation that is being accepted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Timestamp;
use domain::incentive::Incentive;
use domain::ledger::draw_lane::MOST_READS;
use domain::ledger::numbers::{draws_number, numbered_up_to, standing_of, waiting_at_least};
use domain::ledger::{Entry, Rules, Standing};
use domain::time::later;
use parking_lot::Mutex;
use ports::clock::{SystemChance, SystemClock};
use ports::{Chance, Clock, Result};
use tokio::time::timeout;

use crate::dynamo::Dynamo;
use crate::dynamo::lanes::UnpublishedBatch;
use crate::dynamo::read::name;

/// How many lanes a ledger has.
const LANES: u64 = 8;

/// How long numbers are drawn in lanes after the counter was throttled.
const IN_LANES_FOR: Duration = Duration::from_secs(30);

/// How numbers are drawn.
#[derive(Debug, Clone, Copy)]
pub struct DrawSettings {
    /// How long an acceptance waits for its number.
    pub patience: Duration,
    /// How many lanes every number is drawn in, even if no counter is throttled.
    pub always_in_lanes: Option<u64>,
    /// How often a member of a lane reads it again before it no longer waits for others.
    pub most_reads: usize,
    /// How long it is remembered how many wait behind the last number.
    pub fence_fresh_for: Duration,
}

impl Default for DrawSettings {
    /// A consumer is answered within a tenth of a second, with the place or without.
    fn default() -> Self {
        Self {
            patience: Duration::from_millis(80),
            always_in_lanes: None,
            most_reads: MOST_READS,
            fence_fresh_for: Duration::from_secs(2),
        }
    }
}

impl DrawSettings {
    /// A participation is accepted only after its number is drawn, however long that takes.
    #[must_use]
    pub fn patient() -> Self {
        Self { patience: Duration::from_secs(60), most_reads: 100, ..Self::default() }
    }
}

/// What this process knows of the ledgers' numbers.
#[derive(Debug)]
pub(crate) struct Numbering {
    settings: DrawSettings,
    ledgers: Mutex<HashMap<String, LedgerNumbering>>,
    next_lane: AtomicU64,
}

impl Numbering {
    pub(crate) fn by(settings: DrawSettings) -> Self {
        // Each process begins with another lane.
        Self { settings, ledgers: Mutex::default(), next_lane: AtomicU64::new(SystemChance.bits()) }
    }

    pub(crate) fn patience(&self) -> Duration {
        self.settings.patience
    }

    pub(crate) fn most_reads(&self) -> usize {
        self.settings.most_reads
    }

    /// In how many lanes the numbers of a ledger are drawn now; `None` if they are drawn from the counter.
    fn lanes(&self, ledger: &str, now: Timestamp) -> Option<u64> {
        let until = self.ledgers.lock().get(ledger).and_then(|known| known.in_lanes_until);
        let was_throttled = until.is_some_and(|until| now < until);
        self.settings.always_in_lanes.or(was_throttled.then_some(LANES))
    }

    /// The lane of the next number, of so many.
    pub(crate) fn next_lane(&self, lanes: u64) -> u64 {
        let next = self.next_lane.fetch_add(1, Ordering::Relaxed);
        next.checked_rem(lanes).unwrap_or_default()
    }

    /// Remembers that a ledger's counter is throttled.
    fn throttled(&self, ledger: &str, now: Timestamp) {
        let until = later(now, IN_LANES_FOR);
        self.ledgers.lock().entry(ledger.to_owned()).or_default().in_lanes_until = Some(until);
    }
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
pub(crate) struct DrawnNumber {
    pub(crate) number: Option<u64>,
    pub(crate) standing: Standing,
    /// What was drawn for others together with it.
    pub(crate) others: Option<UnpublishedBatch>,
}

impl DrawnNumber {
    fn none(standing: Standing) -> Self {
        Self { number: None, standing, others: None }
    }
}

impl Dynamo {
    /// Draws the number of a participation that is being accepted, if it takes a place in a numbered ledger. Returns where it stands, too.
    /// If no number can be drawn in time, the participation is accepted without one, and the worker draws it.
    pub(crate) async fn draw_for(&self, entry: &Entry) -> DrawnNumber {
        match timeout(self.numbering.patience(), self.try_draw_for(entry)).await {
            Ok(Ok(drawn)) => drawn,
            // A number that was drawn and is not known here is reclaimed by the tick.
            Ok(Err(_)) | Err(_) => DrawnNumber::none(Standing::later(Some(entry))),
        }
    }

    async fn try_draw_for(&self, entry: &Entry) -> Result<DrawnNumber> {
        let later = DrawnNumber::none(Standing::later(Some(entry)));
        let (rules, offer) = (&entry.rules, &entry.award.offer);
        let Some(incentive) = rules.incentive.as_deref().filter(|_| draws_number(rules, offer)) else {
            return Ok(later);
        };
        let ledger = name(&rules.ledger);
        let known = self.known(&ledger).await?;
        if !known.is_numbered {
            return Ok(later);
        }
        if let Some(fence) = known.fence.filter(|fence| fence.quantity == incentive.quantity.limit()) {
            let ahead = self.ahead(&ledger, rules, fence).await?;
            let standing = if ahead > 0 { Standing::WaitingAtLeast(ahead) } else { Standing::NotKnownYet };
            return Ok(DrawnNumber::none(standing));
        }
        let (number, others) = self.draw_number(&ledger).await?;
        if numbered_up_to(incentive.quantity).is_some_and(|last| number > last) {
            self.reach_fence(&ledger, incentive);
        }
        let standing = standing_of(number, incentive.quantity);
        Ok(DrawnNumber { number: Some(number), standing, others })
    }

    /// Draws one number: from the counter, or together with others while the counter is throttled.
    async fn draw_number(&self, ledger: &str) -> Result<(u64, Option<UnpublishedBatch>)> {
        let now = SystemClock.now();
        if let Some(lanes) = self.numbering.lanes(ledger, now) {
            return self.draw_in_a_lane(ledger, lanes).await;
        }
        if let Some(drawn) = self.draw_unless_throttled(ledger, 1).await? {
            return Ok((*drawn.end(), None));
        }
        self.numbering.throttled(ledger, now);
        self.draw_in_a_lane(ledger, LANES).await
    }

    /// Whether a ledger is numbered. One with lines that have no numbers has none to its end.
    async fn known(&self, ledger: &str) -> Result<LedgerNumbering> {
        if let Some(known) = self.numbering.ledgers.lock().get(ledger) {
            return Ok(*known);
        }
        let counts = self.read_counts(ledger).await?.counts;
        let is_numbered = counts.numbers.is_some() || counts.arrivals == 0;
        let known = LedgerNumbering { is_numbered, ..LedgerNumbering::default() };
        self.numbering.ledgers.lock().insert(ledger.to_owned(), known);
        Ok(known)
    }

    /// Draws no more numbers. The next acceptance reads how many are ahead of it.
    fn reach_fence(&self, ledger: &str, incentive: &Incentive) {
        let fence = Fence { quantity: incentive.quantity.limit(), ahead: 0, read_at: Timestamp::MIN };
        self.numbering.ledgers.lock().entry(ledger.to_owned()).or_default().fence = Some(fence);
    }

    /// How many are ahead of everybody behind the fence, at least.
    async fn ahead(&self, ledger: &str, rules: &Rules, fence: Fence) -> Result<u32> {
        let now = SystemClock.now();
        if now < later(fence.read_at, self.numbering.settings.fence_fresh_for) {
            return Ok(fence.ahead);
        }
        let Some(incentive) = &rules.incentive else { return Ok(0) };
        let counts = self.read_counts(ledger).await?.counts;
        let last = numbered_up_to(incentive.quantity).unwrap_or_default();
        let ahead = waiting_at_least(&counts, last, incentive.quantity);
        let fence = Fence { ahead, read_at: now, ..fence };
        self.numbering.ledgers.lock().entry(ledger.to_owned()).or_default().fence = Some(fence);
        Ok(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: &str = "spring early-bird";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn numbers_are_drawn_in_lanes_for_half_a_minute_after_the_counter_was_throttled() {
        let numbering = Numbering::by(DrawSettings::default());
        assert_eq!(numbering.lanes(LEDGER, at(0)), None);
        numbering.throttled(LEDGER, at(0));
        assert_eq!([0, 29, 30].map(|now| numbering.lanes(LEDGER, at(now))), [Some(8), Some(8), None]);
        assert_eq!(numbering.lanes("spring another", at(0)), None, "only this ledger's counter is throttled");
    }

    #[test]
    fn the_lanes_take_turns() {
        let numbering = Numbering::by(DrawSettings::default());
        let mut lanes: Vec<u64> = (0..4).map(|_| numbering.next_lane(4)).collect();
        lanes.sort_unstable();
        assert_eq!(lanes, [0, 1, 2, 3]);
    }
}
