//! A part of one ledger as it was read, and the changes that are to be written to it.
//!
//! The rules of [`domain::ledger`] run over what was read so far. If they need more, they return what they need. It is read, and the rules
//! run again from the start. Once nothing is missing, all changes are written, on condition that no other worker has changed what was read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::award::{Award, AwardStatus, SiblingLines};
use domain::callback::Callback;
use domain::ids::{ContactKey, ParticipationId};
use domain::incentive::Pool;
use domain::incentive::raffle::{Drawing, Entrant};
use domain::ledger::{Counts, LedgerTx, NumberPage, NumberTx, TakenCode};
use ports::store::UnreadableParticipation;

use crate::dynamo::ranks::Ranks;

/// The rules move no more lines up once this many lines, and pages of waiting lines, have changed. Each changed line may need a callback
/// and take a place that was put back, and all of it has to fit one transaction. The caller continues with another transaction.
pub(crate) const MOST_LINES: usize = 30;

/// How many owed rewards one transaction gives. Each comes with a callback and may end the wait of up to four more lines, each with a
/// page.
const MOST_OWED: usize = 9;

/// Data that the rules need and that was not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Need {
    /// The lines of these participations.
    Lines(Vec<ParticipationId>),
    /// Which lines have a participant's key.
    SiblingLines(ContactKey),
    /// At least this many of the first waiting lines.
    Waiting(usize),
    /// The lines that are owed a reward.
    Owed,
    /// The lines of a raffle.
    Entered,
    /// The places that were put back.
    PutBack,
    /// A pool's counters, and at least this many of its next codes.
    Codes(Pool, u32),
    /// Numbers for lines that have none.
    Numbers,
    /// A page of the numbers that are in use.
    NumberPage(u64),
}

/// A line and its version, which counts its writes. Version 0 was never written.
#[derive(Debug, Clone)]
pub(crate) struct VersionedLine {
    pub(crate) award: Award,
    pub(crate) version: u64,
}

/// A page of numbers and its version, which counts its writes.
#[derive(Debug, Clone, Default)]
pub(crate) struct VersionedPage {
    pub(crate) page: NumberPage,
    pub(crate) version: u64,
}

/// A pool's counters and its next codes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    pub(crate) version: u64,
    pub(crate) codes: u32,
    pub(crate) given: u32,
    pub(crate) next: Vec<String>,
    /// Whether `next` holds all remaining codes.
    pub(crate) all: bool,
}

/// Everything that was read of a ledger.
#[derive(Debug, Default)]
pub(crate) struct LedgerSnapshot {
    pub(crate) counts: Counts,
    pub(crate) counts_version: u64,
    pub(crate) ranks: Option<Ranks>,
    pub(crate) lines: HashMap<ParticipationId, Option<VersionedLine>>,
    /// The lines that cannot be read.
    pub(crate) unreadable: Vec<UnreadableParticipation>,
    pub(crate) others: HashMap<ContactKey, Vec<ParticipationId>>,
    /// The waiting lines that were read, in the order of arrival, and whether these are all.
    pub(crate) waiting: Option<(Vec<ParticipationId>, bool)>,
    /// Whether others wait behind these whom the index does not show yet.
    pub(crate) waiting_lags: bool,
    pub(crate) owed: Option<Vec<ParticipationId>>,
    pub(crate) entered: Option<Vec<Entrant>>,
    pub(crate) put_back: Option<BTreeSet<u32>>,
    pub(crate) shelves: HashMap<Pool, Shelf>,
    pub(crate) pages: HashMap<u64, VersionedPage>,
    /// The numbers that were drawn for lines that have none.
    pub(crate) drawn: Vec<u64>,
}

impl LedgerSnapshot {
    /// From which arrival on the ledger has pages of waiting lines. If an earlier version kept none, pages begin with the next arrival.
    pub(crate) fn ranks(&self) -> Ranks {
        self.ranks.unwrap_or_else(|| Ranks::beginning(self.counts.arrivals))
    }

    /// Counts codes that were given out since the snapshot was read.
    pub(crate) fn took(&mut self, taken: &HashMap<Pool, u32>) {
        for (pool, taken) in taken.iter().filter(|(_, taken)| **taken > 0) {
            if let Some(shelf) = self.shelves.get_mut(pool) {
                shelf.version += 1;
                shelf.given += taken;
            }
        }
    }
}

/// Everything that the rules have changed and that is to be written.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) counts: Option<Counts>,
    pub(crate) lines: BTreeMap<ParticipationId, Award>,
    pub(crate) put_back: Option<BTreeSet<u32>>,
    pub(crate) taken: HashMap<Pool, u32>,
    pub(crate) callbacks: Vec<Callback>,
    /// The result of a draw. It is stored before the rest is written.
    pub(crate) drawing: Option<Drawing>,
    pub(crate) pages: BTreeMap<u64, NumberPage>,
    /// How many of the drawn numbers were used.
    pub(crate) numbers: usize,
}

/// A snapshot with the changes made so far.
pub(crate) struct DynamoLedgerTx<'a> {
    snapshot: &'a LedgerSnapshot,
    pub(crate) changes: Changes,
}

impl<'a> DynamoLedgerTx<'a> {
    pub(crate) fn of(snapshot: &'a LedgerSnapshot) -> Self {
        Self { snapshot, changes: Changes::default() }
    }

    fn lines(&mut self, ids: &[ParticipationId]) -> Result<Vec<Award>, Need> {
        let unread = |id: &&ParticipationId| {
            !self.changes.lines.contains_key(id) && !self.snapshot.lines.contains_key(id)
        };
        let unread: Vec<ParticipationId> = ids.iter().filter(unread).copied().collect();
        if !unread.is_empty() {
            return Err(Need::Lines(unread));
        }
        let read = |id: &ParticipationId| {
            let stored = self.snapshot.lines.get(id).and_then(Option::as_ref).map(|line| &line.award);
            self.changes.lines.get(id).or(stored).cloned()
        };
        Ok(ids.iter().filter_map(read).collect())
    }

    /// The places that were put back, including the changes made so far.
    fn places(&mut self) -> Result<&mut BTreeSet<u32>, Need> {
        let stored = self.snapshot.put_back.as_ref().ok_or(Need::PutBack)?;
        Ok(self.changes.put_back.get_or_insert_with(|| stored.clone()))
    }
}

impl LedgerTx for DynamoLedgerTx<'_> {
    type Error = Need;

    fn counts(&mut self) -> Result<Counts, Need> {
        Ok(self.changes.counts.clone().unwrap_or_else(|| self.snapshot.counts.clone()))
    }

    fn keep_counts(&mut self, counts: &Counts) -> Result<(), Need> {
        self.changes.counts = Some(counts.clone());
        Ok(())
    }

    fn award(&mut self, id: ParticipationId) -> Result<Option<Award>, Need> {
        Ok(self.lines(&[id])?.pop())
    }

    fn keep(&mut self, award: &Award) -> Result<(), Need> {
        self.changes.lines.insert(award.id, award.clone());
        Ok(())
    }

    fn siblings_of(&mut self, award: &Award) -> Result<Vec<Award>, Need> {
        let mut ids: BTreeSet<ParticipationId> = match &award.others {
            SiblingLines::None => BTreeSet::new(),
            SiblingLines::Perhaps(known) => known.iter().copied().collect(),
        };
        for key in award.shared_keys() {
            ids.extend(self.snapshot.others.get(&key).ok_or(Need::SiblingLines(key))?);
        }
        if ids.is_empty() && award.shared_keys().next().is_none() {
            return Ok(Vec::new());
        }
        let changed = self.changes.lines.values().filter(|line| line.is_sibling_of(award));
        ids.extend(changed.map(|line| line.id));
        ids.remove(&award.id);
        let mut others = self.lines(&ids.into_iter().collect::<Vec<_>>())?;
        // A line that was another's before does not count.
        others.retain(|other| other.is_sibling_of(award));
        others.sort_by_key(|other| other.arrival);
        Ok(others)
    }

    fn first_waiting(&mut self) -> Result<Option<Award>, Need> {
        if self.changes.weight(self.snapshot) >= MOST_LINES {
            return Ok(None);
        }
        let (ids, all) = self.snapshot.waiting.as_ref().ok_or(Need::Waiting(1))?;
        let waits = |line: &&Award| line.status == AwardStatus::Waiting && !self.snapshot.waiting_lags;
        let entered = self.changes.lines.values().filter(waits);
        let mut ids: Vec<ParticipationId> = ids.iter().copied().chain(entered.map(|line| line.id)).collect();
        ids.sort_unstable();
        ids.dedup();
        let wanted = ids.len().max(MOST_LINES) * 2;
        let mut lines = self.lines(&ids)?;
        lines.retain(|line| line.status == AwardStatus::Waiting);
        lines.sort_by_key(|line| line.arrival);
        for line in lines {
            if !self.siblings_of(&line)?.iter().any(Award::has_place) {
                return Ok(Some(line));
            }
        }
        if *all { Ok(None) } else { Err(Need::Waiting(wanted)) }
    }

    fn owed(&mut self) -> Result<Vec<Award>, Need> {
        let ids = self.snapshot.owed.clone().ok_or(Need::Owed)?;
        let mut lines = self.lines(&ids)?;
        lines
            .retain(|line| line.credited_at.is_some() && matches!(line.status, AwardStatus::Reserved { .. }));
        lines.sort_by_key(|line| line.arrival);
        lines.truncate(MOST_OWED);
        Ok(lines)
    }

    fn entered(&mut self) -> Result<Vec<Entrant>, Need> {
        self.snapshot.entered.clone().ok_or(Need::Entered)
    }

    fn put_back(&mut self, place: u32) -> Result<(), Need> {
        self.places()?.insert(place);
        Ok(())
    }

    fn take_back(&mut self) -> Result<Option<u32>, Need> {
        Ok(self.places()?.pop_first())
    }

    fn take_code(&mut self, pool: &Pool, _id: ParticipationId) -> Result<Option<TakenCode>, Need> {
        let shelf = self.snapshot.shelves.get(pool).ok_or_else(|| Need::Codes(pool.clone(), 1))?;
        let taken = self.changes.taken.entry(pool.clone()).or_default();
        let Some(code) = shelf.next.get(usize::try_from(*taken).unwrap_or(usize::MAX)) else {
            return if shelf.all {
                Ok(None)
            } else {
                Err(Need::Codes(pool.clone(), taken.saturating_mul(2)))
            };
        };
        *taken += 1;
        Ok(Some(TakenCode { code: code.clone(), left: shelf.codes - shelf.given - *taken, of: shelf.codes }))
    }

    fn freeze(&mut self, drawing: Drawing) -> Result<(), Need> {
        self.changes.drawing = Some(drawing);
        Ok(())
    }

    fn call_back(&mut self, callback: &Callback) -> Result<(), Need> {
        self.changes.callbacks.push(callback.clone());
        Ok(())
    }

    fn numbers(&mut self) -> Option<&mut dyn NumberTx<Error = Need>> {
        Some(self)
    }
}

impl NumberTx for DynamoLedgerTx<'_> {
    type Error = Need;

    fn draw(&mut self) -> Result<u64, Need> {
        let number = *self.snapshot.drawn.get(self.changes.numbers).ok_or(Need::Numbers)?;
        self.changes.numbers += 1;
        Ok(number)
    }

    fn page(&mut self, page: u64) -> Result<NumberPage, Need> {
        let read = self.snapshot.pages.get(&page).map(|read| &read.page);
        self.changes.pages.get(&page).or(read).cloned().ok_or(Need::NumberPage(page))
    }

    fn keep_page(&mut self, number: u64, page: NumberPage) -> Result<(), Need> {
        self.changes.pages.insert(number, page);
        Ok(())
    }
}
