//! Lines that were stored with their participations and are entered later.

use std::ops::RangeInclusive;

use super::bookkeeping::{Keeper, enter_line};
use crate::Timestamp;
use crate::ids::ParticipationId;
use crate::incentive::Incentive;
use crate::ledger::{LedgerTx, Resolved, Rules};

/// Enters lines that were stored and are not entered yet, each under the number that it has, or behind all others in this order.
///
/// # Errors
/// The store's error.
pub fn enter<B: LedgerTx>(
    book: &mut B,
    rules: &Rules,
    ids: &[ParticipationId],
    now: Timestamp,
) -> Result<Resolved, B::Error> {
    let Some(incentive) = &rules.incentive else { return Ok(Resolved::default()) };
    let mut keeper = Keeper::of(book, rules, now)?;
    let mut has_entered = false;
    for id in ids {
        let Some(award) = keeper.book.award(*id)?.filter(|award| !award.is_entered()) else { continue };
        match keeper.kept_line(incentive, &award)? {
            Some(kept) => keeper.book.keep(&kept)?,
            None => {
                enter_line(keeper.book, (rules, incentive), &mut keeper.counts, award)?;
            }
        }
        has_entered = true;
    }
    if has_entered {
        keeper.give_out(incentive)?;
    }
    keeper.close()
}

/// Reclaims the numbers of this range that no line has used. No other participation gets such a number. If a participation still
/// comes with one, it waits ahead of all others.
///
/// # Errors
/// The store's error.
pub fn reclaim<B: LedgerTx>(
    book: &mut B,
    rules: &Rules,
    numbers: RangeInclusive<u64>,
    now: Timestamp,
) -> Result<Resolved, B::Error> {
    let Some(incentive) = &rules.incentive else { return Ok(Resolved::default()) };
    let mut keeper = Keeper::of(book, rules, now)?;
    if !keeper.counts.begin_numbers(incentive) {
        return keeper.close();
    }
    for number in numbers {
        if keeper.counts.use_number(keeper.book, number)? {
            keeper.counts.ends_wait_of(Some(number));
        }
    }
    keeper.give_out(incentive)?;
    keeper.close()
}

/// Gives back a number that was drawn for a participation which turned out to be stored already. If somebody waits, the next change of
/// the ledger gives them the place.
///
/// # Errors
/// The store's error.
pub fn give_back<B: LedgerTx>(book: &mut B, rules: &Rules, number: u64) -> Result<(), B::Error> {
    let Some(incentive) = &rules.incentive else { return Ok(()) };
    let mut counts = book.counts()?;
    if counts.begin_numbers(incentive) && counts.use_number(book, number)? {
        counts.ends_wait_of(Some(number));
        counts.follow_numbers(book)?;
        book.keep_counts(&counts)?;
    }
    Ok(())
}

impl<B: LedgerTx> Keeper<'_, B> {
    /// Gives places that have become free to those who wait.
    pub(super) fn give_out(&mut self, incentive: &Incentive) -> Result<(), B::Error> {
        self.counts.follow_numbers(self.book)?;
        if self.counts.waiting > 0 && self.counts.has_free_place(self.book, incentive.quantity)? {
            self.move_up()?;
        }
        Ok(())
    }
}
