//! The transaction of a group of operations, with the counters that they change.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Deref;

use domain::ledger::Counts;
use domain::rollup::Rollup;
use rusqlite::{Connection, Result, params};

use crate::rollup_rows;
use crate::rows::{self, one, unencodable};

/// A transaction that writes each counter once, at its end, however many operations change it. It is rolled back if it is dropped before it is
/// committed.
pub(crate) struct Group<'c> {
    connection: &'c Connection,
    ledgers: RefCell<HashMap<String, LedgerCounters>>,
    tallies: RefCell<Vec<Tally>>,
    rollup: RefCell<Rollup>,
    /// Whether any line of the file may have keys besides its first one. Known once the counters of a ledger are read.
    are_further_keys: Cell<bool>,
}

/// How many more there are of a kind and a name.
struct Tally {
    what: &'static str,
    name: String,
    more: u64,
}

/// The counters of a ledger that an operation of the group has read.
struct LedgerCounters {
    counts: Counts,
    is_changed: bool,
    /// Whether places may have been given back and not taken since.
    are_places_put_back: bool,
}

impl<'c> Group<'c> {
    pub(crate) fn begin(connection: &'c mut Connection) -> Result<Self> {
        // rusqlite's own transaction parses its statements anew each time, which takes longer than running them.
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self {
            connection,
            ledgers: RefCell::default(),
            tallies: RefCell::default(),
            rollup: RefCell::default(),
            are_further_keys: Cell::new(false),
        })
    }

    /// Writes the counters. Only then can the transaction be committed.
    pub(crate) fn counted(self) -> Result<CountedGroup<'c>> {
        self.write_counts()?;
        self.write_tallies()?;
        rollup_rows::add(self.connection, &self.rollup.borrow())?;
        Ok(CountedGroup(self))
    }

    /// The counters of a ledger, with the changes of this group.
    pub(crate) fn counts(&self, ledger: &str) -> Result<Counts> {
        self.with_counters(ledger, |counters| counters.counts.clone())
    }

    /// Replaces the counters of a ledger.
    pub(crate) fn keep_counts(&self, ledger: &str, counts: &Counts) -> Result<()> {
        self.with_counters(ledger, |counters| {
            counters.counts = counts.clone();
            counters.is_changed = true;
        })
    }

    /// Whether places of a ledger may have been given back. Nearly always none was, so that no operation of the group need look for them.
    pub(crate) fn may_have_places_put_back(&self, ledger: &str) -> Result<bool> {
        self.with_counters(ledger, |counters| counters.are_places_put_back)
    }

    /// Notes that a place of a ledger was given back.
    pub(crate) fn note_place_put_back(&self, ledger: &str) -> Result<()> {
        self.with_counters(ledger, |counters| counters.are_places_put_back = true)
    }

    /// Whether any line may have keys besides its first one. In many files none has, so that no operation of the group need look for them.
    pub(crate) fn may_have_further_keys(&self, ledger: &str) -> Result<bool> {
        self.with_counters(ledger, |_| self.are_further_keys.get())
    }

    /// Notes that a line got a further key.
    pub(crate) fn note_further_key(&self) {
        self.are_further_keys.set(true);
    }

    /// Gives the counters of a ledger to `with`. The first time, they are read.
    fn with_counters<T>(&self, ledger: &str, with: impl FnOnce(&mut LedgerCounters) -> T) -> Result<T> {
        let mut ledgers = self.ledgers.borrow_mut();
        if let Some(read) = ledgers.get_mut(ledger) {
            return Ok(with(read));
        }
        let mut query = self.connection.prepare_cached(
            "SELECT (SELECT counts FROM ledgers WHERE ledger = ?1),
                    EXISTS (SELECT 1 FROM places_put_back WHERE ledger = ?1), EXISTS (SELECT 1 FROM award_keys)",
        )?;
        let (stored, are_places_put_back, are_further_keys): (Option<String>, bool, bool) =
            query.query_row([ledger], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        self.are_further_keys.set(self.are_further_keys.get() || are_further_keys);
        let counts = rows::decode_counts(ledger, stored)?;
        let read = LedgerCounters { counts, is_changed: false, are_places_put_back };
        Ok(with(ledgers.entry(ledger.to_owned()).or_insert(read)))
    }

    /// Counts one more of a kind and a name. A group has few of them.
    pub(crate) fn tally(&self, what: &'static str, name: &str) {
        let mut tallies = self.tallies.borrow_mut();
        match tallies.iter_mut().find(|tally| tally.what == what && tally.name == name) {
            Some(tally) => tally.more += 1,
            None => tallies.push(Tally { what, name: name.to_owned(), more: 1 }),
        }
    }

    /// Adds figures to the roll-ups.
    pub(crate) fn roll_up(&self, rollup: &Rollup) {
        self.rollup.borrow_mut().merge(rollup);
    }

    /// How many there are of a kind and a name, with those of this group.
    pub(crate) fn tallied(&self, what: &'static str, name: &str) -> Result<u64> {
        let sql = "SELECT count FROM tallies WHERE what = ?1 AND name = ?2";
        let written: Option<u64> = one(self.connection, sql, [what, name], |row| row.get(0))?;
        let tallies = self.tallies.borrow();
        let more = tallies.iter().find(|tally| tally.what == what && tally.name == name);
        Ok(written.unwrap_or(0).saturating_add(more.map_or(0, |tally| tally.more)))
    }

    fn write_counts(&self) -> Result<()> {
        let ledgers = self.ledgers.borrow();
        for (ledger, kept) in ledgers.iter().filter(|(_, kept)| kept.is_changed) {
            let mut statement = self.connection.prepare_cached(
                "INSERT INTO ledgers (ledger, counts) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET counts = excluded.counts",
            )?;
            let counts = stored::counters::encode(ledger, &kept.counts).map_err(unencodable)?;
            statement.execute([ledger, &counts])?;
        }
        Ok(())
    }

    fn write_tallies(&self) -> Result<()> {
        for Tally { what, name, more } in self.tallies.borrow().iter() {
            let mut statement = self.connection.prepare_cached(
                "INSERT INTO tallies VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            )?;
            statement.execute(params![what, name, more])?;
        }
        Ok(())
    }
}

/// A group whose counters are written.
pub(crate) struct CountedGroup<'c>(Group<'c>);

impl CountedGroup<'_> {
    pub(crate) fn commit(self) -> Result<()> {
        self.0.connection.prepare_cached("COMMIT")?.execute([]).map(|_| ())
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() {
            // A connection that cannot roll back cannot begin the next group either, which fails loudly.
            let _fails_again = self.connection.execute_batch("ROLLBACK");
        }
    }
}

impl Deref for Group<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
