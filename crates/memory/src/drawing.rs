//! Numbers that are drawn before lines are entered.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::Award;
use domain::ids::LedgerKey;
use domain::ledger::{Resolved, Rules, credit_by_number, reclaim};
use ports::Result;
use ports::error::at_most;
use ports::ledger::LedgerNumbers;
use ports::store::MOST_ITEMS;

use crate::Memory;

#[async_trait]
impl LedgerNumbers for Memory {
    async fn draw(&self, ledger: &LedgerKey, count: u32) -> Result<RangeInclusive<u64>> {
        self.lock().write("drawing a number", |state| {
            let numbers = state.ledgers.numbers.entry(ledger.clone()).or_default();
            Ok(numbers.next(count))
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
