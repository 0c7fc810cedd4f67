//! Numbers that are drawn before lines are entered.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::Award;
use domain::ids::LedgerKey;
use domain::ledger::numbers::{draws_number, standing_of};
use domain::ledger::{Entry, Resolved, Rules, Standing, credit_by_number, reclaim};
use ports::Result;
use ports::error::at_most;
use ports::ledger::LedgerNumbers;
use ports::store::MOST_ITEMS;

use crate::Memory;
use crate::ledger::Ledgers;

impl Ledgers {
    /// Draws the number of a participation that is being accepted, if it takes a place in a numbered ledger.
    pub(crate) fn draw_for(&mut self, entry: &Entry) -> (Standing, Option<NonZeroU64>) {
        let (rules, ledger) = (&entry.rules, &entry.rules.ledger);
        let counts = self.counts.get(ledger);
        let is_new = counts.is_none_or(|counts| counts.numbers.is_some() || counts.arrivals == 0);
        let is_numbered = is_new && !self.draws_none;
        let incentive = rules.incentive.as_deref();
        match incentive.filter(|_| is_numbered && draws_number(rules, &entry.award.offer)) {
            Some(incentive) => {
                let number = self.numbers.entry(ledger.clone()).or_default().next();
                (standing_of(number, incentive.quantity), NonZeroU64::new(number))
            }
            None => (Standing::later(Some(entry)), None),
        }
    }
}

#[async_trait]
impl LedgerNumbers for Memory {
    async fn draw(&self, ledger: &LedgerKey, count: u32) -> Result<RangeInclusive<u64>> {
        self.lock().write("drawing a number", |state| {
            let numbers = state.ledgers.numbers.entry(ledger.clone()).or_default();
            let first = numbers.next();
            (1..count).for_each(|_| {
                numbers.next();
            });
            Ok(first..=first + u64::from(count.saturating_sub(1)))
        })
    }

    async fn long_drawn(&self, ledger: &LedgerKey, now: Timestamp) -> Result<Option<RangeInclusive<u64>>> {
        self.lock().write("reading a ledger", |state| {
            let counts = state.ledgers.counts.get(ledger).and_then(|counts| counts.numbers);
            let used_to = counts.map_or(0, |numbers| numbers.used_to);
            let Some(numbers) = state.ledgers.numbers.get_mut(ledger) else { return Ok(None) };
            let long = numbers.long_drawn(now);
            Ok((long > used_to).then(|| used_to + 1..=long))
        })
    }

    async fn credit(&self, rules: &Rules, lines: &[Award], now: Timestamp) -> Result<Resolved> {
        const DOING: &str = "crediting by numbers";
        at_most(lines.len(), MOST_ITEMS, DOING)?;
        let credited =
            self.lock().in_book(DOING, &rules.ledger, |book| credit_by_number(book, rules, lines, now))?;
        Ok(credited.unwrap_or_default())
    }

    async fn reclaim(&self, rules: &Rules, numbers: RangeInclusive<u64>, now: Timestamp) -> Result<Resolved> {
        let resolved = self
            .lock()
            .in_book("reclaiming numbers", &rules.ledger, |book| reclaim(book, rules, numbers, now))?;
        Ok(resolved.unwrap_or_default())
    }
}
