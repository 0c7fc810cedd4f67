//! Ledgers: each operation runs the rules of [`domain::ledger`] in one transaction.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::Timestamp;
use domain::award::{Award, Resolutions};
use domain::callback::Callback;
use domain::ids::{BrandId, LedgerKey, ParticipationId};
use domain::incentive::Pool;
use domain::incentive::raffle::{DrawnList, Seed};
use domain::ledger::{self, Counts, Resolved, Rules};
use ports::error::at_most;
use ports::ledger::{DrawnPart, Ledger, LedgerNumbers, Stock};
use ports::store::{MOST_ITEMS, Read};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::ledger_tx::{Changes, DynamoLedgerTx, LedgerSnapshot, MOST_LINES, Need};
use crate::dynamo::read::name;
use crate::dynamo::write::is_too_large;

/// Resolutions in one transaction. Each may release a place that moves another line up, and both may need a callback.
const VERDICTS: usize = 12;

/// Lines entered in one transaction. Each comes with an entry under its participant, and may take a place that was put back.
const ENTRIES: usize = 30;

/// Lines of a draw in one transaction. Each comes with a callback.
const WINNERS: usize = 40;

/// After this many lost races in a row, a caller gives up for now.
const MOST_TRIES: u32 = 200;

pub(crate) type WithChanges<T> = (T, Changes);

#[async_trait]
impl Ledger for Dynamo {
    async fn awards(&self, ids: &[ParticipationId]) -> Result<Read<Award>> {
        at_most(ids.len(), MOST_ITEMS, "reading awards")?;
        self.read_awards(ids).await
    }

    async fn enter(&self, rules: &Rules, ids: &[ParticipationId], now: Timestamp) -> Result<Resolved> {
        at_most(ids.len(), MOST_ITEMS, "entering awards")?;
        let mut all = Resolved::default();
        let (mut rest, mut at_once) = (ids, ENTRIES);
        while !rest.is_empty() {
            let (some, behind) = rest.split_at(at_once.min(rest.len()));
            let enter_all = |book: &mut DynamoLedgerTx<'_>| ledger::enter(book, rules, some, now);
            match self.transaction(&rules.ledger, some, enter_all).await {
                // Lines of participants with several keys take more items.
                Err(error) if some.len() > 1 && is_too_large(&error) => at_once = some.len() / 2,
                done => {
                    let (resolved, weight) = done?;
                    all.add(resolved);
                    (rest, at_once) = (behind, ENTRIES);
                    if weight > MOST_LINES {
                        all.add(self.refill_all(rules, now).await?);
                    }
                }
            }
        }
        Ok(all)
    }

    async fn resolve(&self, rules: &Rules, resolutions: &Resolutions, now: Timestamp) -> Result<Resolved> {
        at_most(resolutions.len(), MOST_ITEMS, "settling awards")?;
        let mut all = Resolved::default();
        let (mut rest, mut at_once) = (resolutions, VERDICTS);
        while !rest.is_empty() {
            let (some, behind) = rest.split_at(at_once.min(rest.len()));
            let ids: Vec<ParticipationId> = some.iter().map(|(id, _)| *id).collect();
            let resolve = |book: &mut DynamoLedgerTx<'_>| {
                let mut entered = ledger::enter(book, rules, &ids, now)?;
                entered.add(ledger::resolve(book, rules, some, now)?);
                Ok(entered)
            };
            let (resolved, weight) = match self.transaction(&rules.ledger, &ids, resolve).await {
                Err(error) if some.len() > 1 && is_too_large(&error) => {
                    at_once = some.len() / 2;
                    continue;
                }
                done => done?,
            };
            (rest, at_once) = (behind, VERDICTS);
            all.add(resolved);
            if weight >= MOST_LINES {
                all.add(self.refill_all(rules, now).await?);
            }
        }
        Ok(all)
    }

    async fn refill(&self, rules: &Rules, now: Timestamp) -> Result<Resolved> {
        self.refill_all(rules, now).await
    }

    async fn draw(&self, rules: &Rules, seed: &Seed, now: Timestamp) -> Result<Option<Resolved>> {
        let (mut snapshot, (drawn, mut changes)) =
            self.run(&rules.ledger, &[], |book| ledger::draw(book, rules, seed, now)).await?;
        let brand = brand_of(&snapshot);
        let (Some(_), Some(brand)) = (&drawn, brand) else { return Ok(drawn) };
        let ledger = name(&rules.ledger);
        // From this write on, no credit adds a ticket, so a draw that is interrupted comes to the same result.
        if !snapshot.counts.lots_closed {
            let counts = Some(Counts { lots_closed: true, ..snapshot.counts.clone() });
            if !self.write(&brand, &ledger, &snapshot, &Changes { counts, ..Changes::default() }).await? {
                return Err(Error::unavailable("drawing a raffle", "another process is writing the ledger"));
            }
            snapshot.counts.lots_closed = true;
            snapshot.counts_version += 1;
        }
        if let Some(drawing) = changes.drawing.take() {
            self.keep_drawing(&ledger, &drawing).await?;
        }
        for part in parts(changes) {
            if !self.write(&brand, &ledger, &snapshot, &part).await? {
                return Err(Error::unavailable("drawing a raffle", "another process is writing the ledger"));
            }
            snapshot.took(&part.taken);
        }
        Ok(drawn)
    }

    async fn noted(&self, ids: &[ParticipationId]) -> Result<()> {
        for some in ids.chunks(MOST_ITEMS) {
            let mut snapshot = LedgerSnapshot::default();
            let brand = BrandId::parse("any").map_err(|error| Error::corrupt("brand", error))?;
            self.fulfil(&brand, "", Need::Lines(some.to_vec()), &mut snapshot).await?;
            for line in snapshot.lines.values().flatten().filter(|line| line.award.due_at.is_some()) {
                let award = Award { due_at: None, ..line.award.clone() };
                let update = self.line_update(&name(&award.ledger), &award, line.version)?;
                // If the line was changed again meanwhile, it is rightly due again.
                let _changed =
                    self.transact(vec![TransactWriteItem::builder().update(update).build()]).await?;
            }
        }
        Ok(())
    }

    async fn counts(&self, ledger: &LedgerKey) -> Result<Counts> {
        Ok(self.read_counts(&name(ledger)).await?.counts)
    }

    async fn waiting_ahead_of(&self, award: &Award) -> Result<u32> {
        self.waiting_before(&name(&award.ledger), award.arrival_number()).await
    }

    async fn drawn(&self, ledger: &LedgerKey, list: DrawnList, after: u32, most: u32) -> Result<DrawnPart> {
        self.read_drawn(&name(ledger), list, (after, most)).await
    }

    async fn upgrade(&self, ledger: &LedgerKey) -> Result<bool> {
        let ledger = name(ledger);
        Ok(self.freeze_earlier(&ledger).await? && self.rank_earlier(&ledger).await?)
    }

    #[cfg(feature = "codes")]
    async fn import_codes(&self, brand: &BrandId, pool: &Pool, codes: &[String]) -> Result<Stock> {
        self.import_codes_with(brand, pool, codes, |_| {}).await
    }

    #[cfg(not(feature = "codes"))]
    async fn import_codes(&self, _brand: &BrandId, _pool: &Pool, _codes: &[String]) -> Result<Stock> {
        Err(ports::Error::unavailable("importing codes", "this program is built without it"))
    }

    fn numbers(&self) -> Option<&dyn LedgerNumbers> {
        Some(self)
    }
}

/// Splits a draw into parts that fit a transaction, best place first, each with the codes that it gives out. The counters that mark the
/// raffle as drawn come last: after an interruption, the same seed draws the same result again.
fn parts(changes: Changes) -> Vec<Changes> {
    let Changes { counts, lines, taken, callbacks, put_back, pages, drawing: _kept_before, numbers: _ } =
        changes;
    let mut lines: Vec<Award> = lines.into_values().collect();
    lines.sort_by_key(Award::place);
    let part = |some: &[Award]| {
        let of_these = |callback: &&Callback| some.iter().any(|award| award.id == callback.id.participation);
        let rewarded = some.iter().filter(|award| award.reward().is_some()).count();
        // A raffle has one prize, so at most one pool.
        let taken = taken.keys().map(|pool| (pool.clone(), u32::try_from(rewarded).unwrap_or(u32::MAX)));
        Changes {
            lines: some.iter().map(|award| (award.id, award.clone())).collect(),
            taken: taken.collect(),
            callbacks: callbacks.iter().filter(of_these).cloned().collect(),
            ..Changes::default()
        }
    };
    let mut parts: Vec<Changes> = lines.chunks(WINNERS).map(part).collect();
    parts.push(Changes { counts, put_back, pages, ..Changes::default() });
    parts
}

fn no_brand() -> Result<BrandId> {
    BrandId::parse("none").map_err(|error| Error::corrupt("brand", error))
}

fn brand_of(snapshot: &LedgerSnapshot) -> Option<BrandId> {
    snapshot.lines.values().flatten().next().map(|line| line.award.brand.clone())
}

impl Dynamo {
    /// Gives free places to those who wait, in as many transactions as that takes.
    pub(crate) async fn refill_all(&self, rules: &Rules, now: Timestamp) -> Result<Resolved> {
        let mut all = Resolved::default();
        loop {
            let refill = |book: &mut DynamoLedgerTx<'_>| ledger::refill(book, rules, now);
            let (resolved, weight) = self.transaction(&rules.ledger, &[], refill).await?;
            all.add(resolved);
            if weight == 0 {
                return Ok(all);
            }
        }
    }

    /// Runs rules over a ledger and writes what they changed. It starts over when another write came first. Returns the rules'
    /// result and the weight of the changes.
    pub(crate) async fn transaction<T>(
        &self,
        ledger: &LedgerKey,
        ids: &[ParticipationId],
        rules: impl Fn(&mut DynamoLedgerTx<'_>) -> std::result::Result<T, Need>,
    ) -> Result<(T, usize)> {
        let mut drawn = Vec::new();
        for _ in 0..MOST_TRIES {
            let (snapshot, (done, changes)) = self.run_with(ledger, ids, &rules, drawn).await?;
            // Without a line, nothing is changed for which the brand counts.
            let brand = brand_of(&snapshot).map_or_else(no_brand, Ok)?;
            if self.write(&brand, &name(ledger), &snapshot, &changes).await? {
                return Ok((done, changes.weight(&snapshot)));
            }
            // What was drawn for these lines stays theirs.
            drawn = snapshot.drawn;
        }
        Err(Error::unavailable("writing a ledger", "too many other writes came first"))
    }

    /// Runs rules over what was read of a ledger, and reads more until nothing that they need is missing.
    async fn run<T>(
        &self,
        ledger: &LedgerKey,
        ids: &[ParticipationId],
        rules: impl Fn(&mut DynamoLedgerTx<'_>) -> std::result::Result<T, Need>,
    ) -> Result<(LedgerSnapshot, WithChanges<T>)> {
        self.run_with(ledger, ids, rules, Vec::new()).await
    }

    /// Does the same with numbers that were drawn before.
    async fn run_with<T>(
        &self,
        ledger: &LedgerKey,
        ids: &[ParticipationId],
        rules: impl Fn(&mut DynamoLedgerTx<'_>) -> std::result::Result<T, Need>,
        drawn: Vec<u64>,
    ) -> Result<(LedgerSnapshot, WithChanges<T>)> {
        let ledger = name(ledger);
        let snapshot = LedgerSnapshot { drawn, ..self.first_look(&ledger, ids).await? };
        self.run_over(&ledger, snapshot, rules).await
    }

    /// Runs rules over a snapshot, and reads into it what they need.
    pub(crate) async fn run_over<T>(
        &self,
        ledger: &str,
        mut snapshot: LedgerSnapshot,
        rules: impl Fn(&mut DynamoLedgerTx<'_>) -> std::result::Result<T, Need>,
    ) -> Result<(LedgerSnapshot, WithChanges<T>)> {
        let mut need = None;
        loop {
            if let Some(need) = need.take() {
                // A ledger holds lines of one brand only. Before the first line is read, the rules need no pool.
                let brand = brand_of(&snapshot).map_or_else(no_brand, Ok)?;
                self.fulfil(&brand, ledger, need, &mut snapshot).await?;
            }
            let mut page = DynamoLedgerTx::of(&snapshot);
            match rules(&mut page) {
                Ok(done) => {
                    let changes = page.changes;
                    return Ok((snapshot, (done, changes)));
                }
                Err(missing) => need = Some(missing),
            }
        }
    }
}
