//! Numbers that are drawn by a process that may end.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use connector::Deps;
use domain::Timestamp;
use domain::award::Award;
use domain::ids::LedgerKey;
use domain::ledger::{Resolved, Rules};
use ports::{LedgerNumbers, Result};

use super::Mortal;

#[async_trait]
impl LedgerNumbers for Mortal {
    async fn draw(&self, ledger: &LedgerKey, count: u32) -> Result<RangeInclusive<u64>> {
        self.life.effect(numbers_of(&self.ports)?.draw(ledger, count)).await
    }

    async fn long_drawn(&self, ledger: &LedgerKey, now: Timestamp) -> Result<Option<RangeInclusive<u64>>> {
        self.life.effect(numbers_of(&self.ports)?.long_drawn(ledger, now)).await
    }

    async fn credit(&self, rules: &Rules, lines: &[Award], now: Timestamp) -> Result<Resolved> {
        for line in lines {
            self.may_be_credited(line.id);
        }
        self.life.effect(numbers_of(&self.ports)?.credit(rules, lines, now)).await
    }

    async fn reclaim(&self, rules: &Rules, numbers: RangeInclusive<u64>, now: Timestamp) -> Result<Resolved> {
        self.life.effect(numbers_of(&self.ports)?.reclaim(rules, numbers, now)).await
    }
}

/// The numbers of a store that has some.
fn numbers_of(ports: &Deps) -> Result<&dyn LedgerNumbers> {
    ports
        .ledger
        .numbers()
        .ok_or_else(|| ports::Error::unavailable("drawing a number", "the store draws none"))
}
