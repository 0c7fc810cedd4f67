//! Entering a line together with the row of its participation. Whether the participation is new shows only when the row is inserted, so what else the line
//! changes is written after it.

use domain::award::Award;
use domain::callback::Callback;
use domain::ids::{ContactKey, ParticipationId};
use domain::incentive::Pool;
use domain::incentive::raffle::{Drawing, Entrant};
use domain::ledger::{Counts, LedgerTx, TakenCode};
use rusqlite::{Error, Result};

use crate::group::Group;
use crate::ledger_tx::{LineColumns, SqliteLedgerTx};

/// A ledger that keeps in memory what [`domain::ledger::accept`] changes, until the row of the line's participation is inserted: the line and its keys, the
/// counters, and the places that are taken. Other changes are written at once.
pub(crate) struct Entering<'a> {
    book: SqliteLedgerTx<'a>,
    id: ParticipationId,
    line: Option<LineColumns>,
    other_keys: Vec<ContactKey>,
    counts: Option<Counts>,
    /// Places that were given back before, in ascending order.
    taken_back: Vec<u32>,
}

impl<'a> Entering<'a> {
    pub(crate) fn of(transaction: &'a Group<'a>, award: &Award) -> Self {
        let (other_keys, taken_back) = (Vec::new(), Vec::new());
        let book = SqliteLedgerTx::new(transaction, &award.ledger);
        Self { book, id: award.id, line: None, other_keys, counts: None, taken_back }
    }

    /// Inserts the row with the line, and then writes what the line changes. Returns whether the id was free; otherwise, nothing is written.
    pub(crate) fn write(mut self, insert: impl FnOnce(Option<LineColumns>) -> Result<bool>) -> Result<bool> {
        if !insert(self.line)? {
            return Ok(false);
        }
        self.book.keep_keys(self.id, &self.other_keys)?;
        for place in self.taken_back {
            self.book.take(place)?;
        }
        self.counts.map_or(Ok(()), |counts| self.book.keep_counts(&counts))?;
        Ok(true)
    }
}

impl LedgerTx for Entering<'_> {
    type Error = Error;

    fn counts(&mut self) -> Result<Counts> {
        self.counts.clone().map_or_else(|| self.book.counts(), Ok)
    }

    fn keep_counts(&mut self, counts: &Counts) -> Result<()> {
        self.counts = Some(counts.clone());
        Ok(())
    }

    fn keep(&mut self, award: &Award) -> Result<()> {
        if award.id != self.id {
            return self.book.keep(award);
        }
        self.line = Some(self.book.line(award)?);
        self.other_keys.clone_from(&award.other_keys);
        Ok(())
    }

    fn take_back(&mut self) -> Result<Option<u32>> {
        let lowest = self.book.lowest_put_back(self.taken_back.last().copied().unwrap_or(0))?;
        self.taken_back.extend(lowest);
        Ok(lowest)
    }

    fn put_back(&mut self, place: u32) -> Result<()> {
        match self.taken_back.iter().position(|taken| *taken == place) {
            Some(index) => {
                self.taken_back.remove(index);
                Ok(())
            }
            None => self.book.put_back(place),
        }
    }

    fn award(&mut self, id: ParticipationId) -> Result<Option<Award>> {
        self.book.award(id)
    }

    fn siblings_of(&mut self, award: &Award) -> Result<Vec<Award>> {
        self.book.siblings_of(award)
    }

    fn first_waiting(&mut self) -> Result<Option<Award>> {
        self.book.first_waiting()
    }

    fn owed(&mut self) -> Result<Vec<Award>> {
        self.book.owed()
    }

    fn entered(&mut self) -> Result<Vec<Entrant>> {
        self.book.entered()
    }

    fn take_code(&mut self, pool: &Pool, id: ParticipationId) -> Result<Option<TakenCode>> {
        self.book.take_code(pool, id)
    }

    fn freeze(&mut self, drawing: Drawing) -> Result<()> {
        self.book.freeze(drawing)
    }

    fn call_back(&mut self, callback: &Callback) -> Result<()> {
        self.book.call_back(callback)
    }
}

#[cfg(test)]
mod tests;
