//! Ledgers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::{Award, AwardStatus, Resolutions};
use domain::callback::{Callback, CallbackId, LastAnswer};
use domain::codes::with_mark;
use domain::ids::{BrandId, LedgerKey, ParticipationId};
use domain::incentive::Pool;
use domain::incentive::raffle::{Drawing, DrawnList, Entrant, Seed};
use domain::ledger::{Counts, LedgerTx, Resolved, Rules, TakenCode, draw, enter, give_back, refill, resolve};
use domain::time::later;
use ports::Result;
use ports::error::at_most;
use ports::inspection::InspectedCallback;
use ports::ledger::{DrawnPart, Ledger, LedgerNumbers, Stock};
use ports::numbering::LaneKey;
use ports::store::{MOST_ITEMS, Read};

use crate::lanes::StoredLane;
use crate::numbers::DrawnNumbers;
use crate::ranks::RankTree;
use crate::{Memory, MemoryState};

/// Everything that the ledgers hold.
#[derive(Default)]
pub(crate) struct Ledgers {
    pub(crate) awards: HashMap<ParticipationId, Award>,
    pub(crate) counts: BTreeMap<LedgerKey, Counts>,
    put_back: BTreeMap<LedgerKey, BTreeSet<u32>>,
    waiting: BTreeMap<LedgerKey, RankTree>,
    drawings: BTreeMap<LedgerKey, Drawing>,
    codes: BTreeMap<(BrandId, Pool), Codes>,
    pub(crate) callbacks: BTreeMap<CallbackId, KeptCallback>,
    /// When the first callback with a participation's result was delivered.
    pub(crate) told_at: BTreeMap<ParticipationId, Timestamp>,
    /// The numbers of each ledger, where lines are entered later.
    pub(crate) numbers: BTreeMap<LedgerKey, DrawnNumbers>,
    /// The lanes in which numbers are drawn together.
    pub(crate) lanes: BTreeMap<LaneKey, StoredLane>,
    /// Whether lines are entered later than they are stored.
    pub(crate) enters_later: bool,
    /// How long callbacks that result from a change in a ledger are kept from others.
    pub(crate) makers_lease: Option<Duration>,
    /// Whether new participations get no numbers.
    pub(crate) draws_none: bool,
}

#[derive(Default)]
struct Codes {
    all: Vec<String>,
    given: usize,
}

/// A callback until it is delivered.
pub(crate) struct KeptCallback {
    pub(crate) callback: Callback,
    pub(crate) attempts: u32,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) last_answer: Option<LastAnswer>,
}

impl KeptCallback {
    pub(crate) fn due_at(callback: &Callback, due_at: Timestamp) -> Self {
        Self { callback: callback.clone(), attempts: 0, due_at: Some(due_at), last_answer: None }
    }
}

impl Ledgers {
    /// The callbacks about a participation.
    pub(crate) fn callbacks_about(&self, id: ParticipationId) -> Vec<InspectedCallback> {
        let about = self.callbacks.values().filter(|kept| kept.callback.id.participation == id);
        let inspected = |kept: &KeptCallback| InspectedCallback {
            callback: kept.callback.clone(),
            attempts: kept.attempts,
            due_at: kept.due_at,
            last_answer: kept.last_answer,
        };
        about.map(inspected).collect()
    }

    /// Whether a pool has this code and has not given it out.
    pub(crate) fn has_unused(&self, code: &str) -> bool {
        self.codes.values().any(|codes| codes.all.iter().skip(codes.given).any(|one| one == code))
    }

    /// One ledger of a brand, for a transaction.
    pub(crate) fn book<'a>(
        &'a mut self,
        brand: &'a BrandId,
        ledger: &'a LedgerKey,
    ) -> impl LedgerTx<Error = Infallible> {
        MemoryLedgerTx { ledgers: self, brand, ledger }
    }

    /// Whether every callback was delivered or given up.
    pub(crate) fn nothing_to_deliver(&self) -> bool {
        self.callbacks.values().all(|kept| kept.due_at.is_none())
    }

    /// Gives back a number that no participation has.
    pub(crate) fn give_back(&mut self, rules: &Rules, number: u64) {
        let Some(brand) = self.brand_of(&rules.ledger) else { return };
        let Ok(()) = give_back(&mut self.book(&brand, &rules.ledger), rules, number);
    }

    fn brand_of(&self, ledger: &LedgerKey) -> Option<BrandId> {
        self.awards.values().find(|award| award.ledger == *ledger).map(|award| award.brand.clone())
    }
}

pub(crate) struct MemoryLedgerTx<'a> {
    ledgers: &'a mut Ledgers,
    brand: &'a BrandId,
    ledger: &'a LedgerKey,
}

impl MemoryLedgerTx<'_> {
    fn lines(&self) -> impl Iterator<Item = &Award> {
        self.ledgers.awards.values().filter(|award| award.ledger == *self.ledger)
    }

    fn by_arrival(&self, wanted: impl Fn(&Award) -> bool) -> Vec<Award> {
        let mut lines: Vec<Award> = self.lines().filter(|award| wanted(award)).cloned().collect();
        lines.sort_by_key(|award| award.arrival);
        lines
    }
}

impl LedgerTx for MemoryLedgerTx<'_> {
    type Error = Infallible;

    fn counts(&mut self) -> std::result::Result<Counts, Infallible> {
        Ok(self.ledgers.counts.get(self.ledger).cloned().unwrap_or_default())
    }

    fn keep_counts(&mut self, counts: &Counts) -> std::result::Result<(), Infallible> {
        self.ledgers.counts.insert(self.ledger.clone(), counts.clone());
        Ok(())
    }

    fn award(&mut self, id: ParticipationId) -> std::result::Result<Option<Award>, Infallible> {
        Ok(self.ledgers.awards.get(&id).cloned())
    }

    fn keep(&mut self, award: &Award) -> std::result::Result<(), Infallible> {
        // A store returns what went through the stored form.
        #[expect(clippy::expect_used, reason = "a store that keeps what it cannot read must not pass a test")]
        let stored = stored::award::encode(award)
            .map_err(ports::Error::from)
            .and_then(|text| Ok(stored::award::decode(award.id, &text)?))
            .expect("an award can be written down and read back");
        let waits = |award: &Award| award.status == AwardStatus::Waiting;
        let now = waits(&stored);
        let before = self.ledgers.awards.insert(award.id, stored).is_some_and(|before| waits(&before));
        if before != now {
            self.ledgers.waiting.entry(self.ledger.clone()).or_default().set(award.arrival_number(), now);
        }
        Ok(())
    }

    fn siblings_of(&mut self, award: &Award) -> std::result::Result<Vec<Award>, Infallible> {
        Ok(self.by_arrival(|other| other.is_sibling_of(award)))
    }

    fn first_waiting(&mut self) -> std::result::Result<Option<Award>, Infallible> {
        let placed: BTreeSet<_> =
            self.lines().filter(|award| award.has_place()).flat_map(Award::keys).collect();
        let waits = |award: &Award| {
            award.status == AwardStatus::Waiting && !award.keys().any(|key| placed.contains(&key))
        };
        Ok(self.by_arrival(waits).into_iter().next())
    }

    fn owed(&mut self) -> std::result::Result<Vec<Award>, Infallible> {
        let owed = |award: &Award| {
            award.credited_at.is_some() && matches!(award.status, AwardStatus::Reserved { .. })
        };
        Ok(self.by_arrival(owed))
    }

    fn entered(&mut self) -> std::result::Result<Vec<Entrant>, Infallible> {
        let entered = |award: &&Award| award.status == AwardStatus::InRaffle && award.credited_at.is_some();
        Ok(self.lines().filter(entered).map(Award::entrant).collect())
    }

    fn put_back(&mut self, place: u32) -> std::result::Result<(), Infallible> {
        self.ledgers.put_back.entry(self.ledger.clone()).or_default().insert(place);
        Ok(())
    }

    fn take_back(&mut self) -> std::result::Result<Option<u32>, Infallible> {
        Ok(self.ledgers.put_back.get_mut(self.ledger).and_then(BTreeSet::pop_first))
    }

    fn take_code(
        &mut self,
        pool: &Pool,
        _id: ParticipationId,
    ) -> std::result::Result<Option<TakenCode>, Infallible> {
        let Some(codes) = self.ledgers.codes.get_mut(&(self.brand.clone(), pool.clone())) else {
            return Ok(None);
        };
        let Some(code) = codes.all.get(codes.given).cloned() else { return Ok(None) };
        codes.given += 1;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(Some(TakenCode { code, left: count(codes.all.len() - codes.given), of: count(codes.all.len()) }))
    }

    fn freeze(&mut self, drawing: Drawing) -> std::result::Result<(), Infallible> {
        self.ledgers.drawings.insert(self.ledger.clone(), drawing);
        Ok(())
    }

    fn call_back(&mut self, callback: &Callback) -> std::result::Result<(), Infallible> {
        let lease = self.ledgers.makers_lease.unwrap_or_default();
        let kept = KeptCallback::due_at(callback, later(callback.at, lease));
        self.ledgers.callbacks.entry(callback.id).or_insert(kept);
        Ok(())
    }

    fn numbers(&mut self) -> Option<&mut dyn domain::ledger::NumberTx<Error = Infallible>> {
        if !self.ledgers.enters_later {
            return None;
        }
        Some(self.ledgers.numbers.entry(self.ledger.clone()).or_default())
    }
}

fn certain<T>(done: std::result::Result<T, Infallible>) -> T {
    match done {
        Ok(done) => done,
    }
}

impl MemoryState {
    pub(crate) fn in_book<T>(
        &mut self,
        doing: &'static str,
        ledger: &LedgerKey,
        work: impl FnOnce(&mut MemoryLedgerTx<'_>) -> std::result::Result<T, Infallible>,
    ) -> Result<Option<T>> {
        self.write(doing, |state| {
            let Some(brand) = state.ledgers.brand_of(ledger) else { return Ok(None) };
            let mut page = MemoryLedgerTx { ledgers: &mut state.ledgers, brand: &brand, ledger };
            Ok(Some(certain(work(&mut page))))
        })
    }
}

#[async_trait]
impl Ledger for Memory {
    async fn awards(&self, ids: &[ParticipationId]) -> Result<Read<Award>> {
        const DOING: &str = "reading awards";
        let (state, ids) = self.reading(DOING, ids)?;
        let found = ids.iter().filter_map(|id| state.ledgers.awards.get(id).cloned()).collect();
        Ok(Read { found, unreadable: Vec::new() })
    }

    /// Does nothing unless lines are entered later: otherwise `insert` has entered the line.
    async fn enter(&self, rules: &Rules, ids: &[ParticipationId], now: Timestamp) -> Result<Resolved> {
        const DOING: &str = "entering awards";
        at_most(ids.len(), MOST_ITEMS, DOING)?;
        let entered = self.lock().in_book(DOING, &rules.ledger, |book| enter(book, rules, ids, now))?;
        Ok(entered.unwrap_or_default())
    }

    async fn resolve(&self, rules: &Rules, resolutions: &Resolutions, now: Timestamp) -> Result<Resolved> {
        const DOING: &str = "settling awards";
        at_most(resolutions.len(), MOST_ITEMS, DOING)?;
        let resolved = self.lock().in_book(DOING, &rules.ledger, |book| {
            let ids: Vec<ParticipationId> = resolutions.iter().map(|(id, _)| *id).collect();
            let mut entered = enter(book, rules, &ids, now)?;
            entered.add(resolve(book, rules, resolutions, now)?);
            Ok(entered)
        })?;
        Ok(resolved.unwrap_or_default())
    }

    async fn refill(&self, rules: &Rules, now: Timestamp) -> Result<Resolved> {
        let resolved =
            self.lock().in_book("refilling a ledger", &rules.ledger, |book| refill(book, rules, now))?;
        Ok(resolved.unwrap_or_default())
    }

    async fn draw(&self, rules: &Rules, seed: &Seed, now: Timestamp) -> Result<Option<Resolved>> {
        let drawn =
            self.lock().in_book("drawing a raffle", &rules.ledger, |book| draw(book, rules, seed, now))?;
        Ok(drawn.flatten())
    }

    async fn noted(&self, ids: &[ParticipationId]) -> Result<()> {
        self.lock().write("noting awards", |state| {
            for id in ids {
                if let Some(award) = state.ledgers.awards.get_mut(id) {
                    award.due_at = None;
                }
            }
            Ok(())
        })
    }

    async fn counts(&self, ledger: &LedgerKey) -> Result<Counts> {
        let mut state = self.lock();
        state.read("reading a ledger")?;
        Ok(state.ledgers.counts.get(ledger).cloned().unwrap_or_default())
    }

    async fn waiting_ahead_of(&self, award: &Award) -> Result<u32> {
        let mut state = self.lock();
        state.read("reading a ledger")?;
        let arrival = award.arrival_number();
        let numbers = state.ledgers.counts.get(&award.ledger).and_then(|counts| counts.numbers);
        if let Some(most) = numbers.and_then(|numbers| numbers.ahead_at_most(arrival)) {
            return Ok(most);
        }
        Ok(state.ledgers.waiting.get(&award.ledger).map_or(0, |ranks| ranks.before(arrival)))
    }

    async fn drawn(&self, ledger: &LedgerKey, list: DrawnList, after: u32, most: u32) -> Result<DrawnPart> {
        let mut state = self.lock();
        state.read("reading a ledger")?;
        let drawing = state.ledgers.drawings.get(ledger);
        Ok(drawing
            .map_or_else(DrawnPart::default, |drawing| DrawnPart::of_whole(drawing.list(list), after, most)))
    }

    /// Data in memory is never of an earlier version.
    async fn upgrade(&self, _ledger: &LedgerKey) -> Result<bool> {
        Ok(true)
    }

    async fn import_codes(&self, brand: &BrandId, pool: &Pool, codes: &[String]) -> Result<Stock> {
        self.lock().write("importing codes", |state| {
            let marked = codes.first().map(|first| (with_mark(first), first));
            let kept = state.ledgers.codes.iter_mut().filter(|((owner, _), _)| owner == brand);
            for code in kept.flat_map(|(_, kept)| &mut kept.all) {
                if let Some((_, first)) = marked.as_ref().filter(|(marked, _)| marked == code) {
                    code.clone_from(first);
                }
            }
            let known: BTreeSet<String> = state
                .ledgers
                .codes
                .iter()
                .filter(|((owner, _), _)| owner == brand)
                .flat_map(|(_, codes)| codes.all.iter().cloned())
                .collect();
            let kept = state.ledgers.codes.entry((brand.clone(), pool.clone())).or_default();
            kept.all.extend(codes.iter().filter(|code| !known.contains(*code)).cloned());
            let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            Ok(Stock { codes: count(kept.all.len()), given: count(kept.given) })
        })
    }

    fn numbers(&self) -> Option<&dyn LedgerNumbers> {
        self.lock().ledgers.enters_later.then_some(self)
    }
}
