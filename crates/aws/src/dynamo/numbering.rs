//! Which ledgers are numbered, and the number of a participation that is being accepted.

use std::collections::HashMap;
use std::time::Duration;

use domain::Timestamp;
use domain::ledger::numbers::{draws_number, numbered_up_to, standing_of, waiting_at_least};
use domain::ledger::{Entry, Rules, Standing};
use domain::time::later;
use parking_lot::Mutex;
use ports::clock::SystemClock;
use ports::{Clock, Result};
use tokio::time::timeout;

use crate::dynamo::Dynamo;
use crate::dynamo::read::name;

/// How long an acceptance waits for its number. A consumer is answered within a tenth of a second, with the place or without.
const PATIENCE: Duration = Duration::from_millis(80);

/// How long a patient acceptance waits.
const GREAT_PATIENCE: Duration = Duration::from_secs(60);

/// How long it is remembered how many wait behind the last number.
const FENCE_FRESH_FOR: Duration = Duration::from_secs(2);

/// What this process knows of the ledgers' numbers.
#[derive(Debug)]
pub(crate) struct Numbering {
    ledgers: Mutex<HashMap<String, LedgerNumbering>>,
    patience: Duration,
}

impl Default for Numbering {
    fn default() -> Self {
        Self { ledgers: Mutex::default(), patience: PATIENCE }
    }
}

impl Numbering {
    pub(crate) fn patient() -> Self {
        Self { patience: GREAT_PATIENCE, ..Self::default() }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct LedgerNumbering {
    is_numbered: bool,
    fence: Option<Fence>,
}

/// From here on, no more numbers are drawn, since everybody with one stands ahead.
#[derive(Debug, Clone, Copy)]
struct Fence {
    /// The quantity under which it was reached. Under another one, numbers are drawn again.
    quantity: Option<u32>,
    ahead: u32,
    read_at: Timestamp,
}

impl Dynamo {
    /// Draws the number of a participation that is being accepted, if it takes a place in a numbered ledger. Returns where it stands, too.
    /// If no number can be drawn in time, the participation is accepted without one, and the worker draws it.
    pub(crate) async fn draw_for(&self, entry: &Entry) -> (Option<u64>, Standing) {
        match timeout(self.numbering.patience, self.try_draw_for(entry)).await {
            Ok(Ok(drawn)) => drawn,
            // A number that was drawn and is not known here is reclaimed by the tick.
            Ok(Err(_)) | Err(_) => (None, Standing::later(Some(entry))),
        }
    }

    async fn try_draw_for(&self, entry: &Entry) -> Result<(Option<u64>, Standing)> {
        let later = (None, Standing::later(Some(entry)));
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
            return Ok((None, standing));
        }
        let number = *self.draw_numbers(&ledger, 1).await?.end();
        if numbered_up_to(incentive.quantity).is_some_and(|last| number > last) {
            // If this fails, the next acceptance draws a number, too, and reaches the fence.
            let _unread = self.reach_fence(&ledger, rules).await;
        }
        Ok((Some(number), standing_of(number, incentive.quantity)))
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

    async fn reach_fence(&self, ledger: &str, rules: &Rules) -> Result<()> {
        let quantity = rules.incentive.as_ref().and_then(|incentive| incentive.quantity.limit());
        let long_ago = Fence { quantity, ahead: 0, read_at: Timestamp::MIN };
        self.ahead(ledger, rules, long_ago).await.map(|_| ())
    }

    /// How many are ahead of everybody behind the fence, at least.
    async fn ahead(&self, ledger: &str, rules: &Rules, fence: Fence) -> Result<u32> {
        let now = SystemClock.now();
        if now < later(fence.read_at, FENCE_FRESH_FOR) {
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
