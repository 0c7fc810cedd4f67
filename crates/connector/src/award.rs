//! Awards: credits and releases, many of a ledger in one transaction; raffles at their close.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::PoisonError;

use domain::award::{Award, LedgerKey, Verdict};
use domain::brand::{Brand, Brands};
use domain::identity::{BrandId, ParticipationId};
use domain::incentive::Kind;
use domain::ledger::{Rules, Settled};
use domain::message::QueueName;
use futures::future::try_join;
use ports::error::in_full;
use ports::store::MOST_ITEMS;

use crate::case::Case;
use crate::step::Connector;
use crate::unreadable;
use crate::wake;

/// Reads the awards of all that have one, and gives back the cases. Those whose award cannot be read come again later.
pub(crate) async fn look_up(
    connector: &Connector,
    brand: &BrandId,
    mut cases: Vec<Case>,
) -> ports::Result<Vec<Case>> {
    let with_award = |case: &&Case| case.participation.has_award;
    let ids: Vec<ParticipationId> =
        cases.iter().filter(with_award).map(|case| case.participation.id).collect();
    let mut awards: HashMap<ParticipationId, Award> = HashMap::with_capacity(ids.len());
    for some in ids.chunks(MOST_ITEMS) {
        let read = connector.outside.ledger.awards(some).await?;
        awards.extend(read.found.into_iter().map(|award| (award.id, award)));
        unreadable::set_aside(connector, brand, &read.unreadable).await?;
        cases.retain(|case| read.unreadable.iter().all(|one| one.id != case.participation.id));
    }
    for case in &mut cases {
        case.facts.award = awards.remove(&case.participation.id);
    }
    Ok(cases)
}

/// Gives back the places of participations that nobody can go on with.
pub(crate) async fn release(
    connector: &Connector,
    brand: &Brand,
    ids: &[ParticipationId],
) -> ports::Result<()> {
    let mut by_ledger: BTreeMap<LedgerKey, Vec<(ParticipationId, Verdict)>> = BTreeMap::new();
    for award in connector.outside.ledger.awards(ids).await?.found {
        if !award.is_settled() {
            by_ledger.entry(award.ledger).or_default().push((award.id, Verdict::Release));
        }
    }
    for (ledger, verdicts) in by_ledger {
        let rules = Rules::of(brand, &ledger, &connector.id_key);
        let now = connector.outside.clock.now();
        let settled = connector.outside.ledger.settle(&ledger, &rules, &verdicts, now).await?;
        announce(connector, &brand.id, &ledger, &settled).await;
    }
    Ok(())
}

/// Performs `Settle` for each case: a hundred of one ledger in a call, in the order of acceptance.
pub(crate) async fn settle(
    connector: &Connector,
    brand: &Brand,
    jobs: Vec<(Case, Verdict)>,
) -> ports::Result<Vec<Case>> {
    settle_under(connector, (&brand.id, Some(brand)), jobs).await
}

/// The same, for a brand that may not be configured any more: then nothing is given, what was kept is released, and nobody is told.
pub(crate) async fn settle_under(
    connector: &Connector,
    (id, brand): (&BrandId, Option<&Brand>),
    jobs: Vec<(Case, Verdict)>,
) -> ports::Result<Vec<Case>> {
    let mut by_ledger: BTreeMap<LedgerKey, Vec<(Case, Verdict)>> = BTreeMap::new();
    for (case, verdict) in jobs {
        // Only what has an award is settled.
        let Some(award) = &case.facts.award else { continue };
        by_ledger.entry(award.ledger.clone()).or_default().push((case, verdict));
    }
    let mut done = Vec::new();
    for (ledger, mut jobs) in by_ledger {
        let rules = brand.map(|brand| Rules::of(brand, &ledger, &connector.id_key)).unwrap_or_default();
        for some in jobs.chunks_mut(MOST_ITEMS) {
            let verdicts: Vec<(ParticipationId, Verdict)> =
                some.iter().map(|(case, verdict)| (case.participation.id, *verdict)).collect();
            let now = connector.outside.clock.now();
            let settled = connector.outside.ledger.settle(&ledger, &rules, &verdicts, now).await?;
            announce(connector, id, &ledger, &settled).await;
            let mut awards: HashMap<ParticipationId, Award> =
                settled.awards.into_iter().map(|award| (award.id, award)).collect();
            for (case, _) in some {
                let award = awards.remove(&case.participation.id);
                case.facts.award = award.or_else(|| case.facts.award.take());
            }
        }
        done.extend(jobs.into_iter().map(|(case, _)| case));
    }
    Ok(done)
}

/// Whether taking part was enough for the credit.
fn has_earned(case: &Case) -> bool {
    case.participation.credited_at.is_some()
}

/// Notes that participations were looked at since their awards changed.
pub(crate) async fn noted(connector: &Connector, ids: &[ParticipationId]) -> ports::Result<()> {
    for some in ids.chunks(MOST_ITEMS) {
        connector.outside.ledger.noted(some).await?;
    }
    Ok(())
}

/// Wakes whoever has to do with what came of settling.
async fn announce(connector: &Connector, brand: &BrandId, ledger: &LedgerKey, settled: &Settled) {
    if !settled.moved_up.is_empty() {
        wake::now(connector, QueueName::EmailEnrollments, brand, &settled.moved_up).await;
    }
    if settled.told {
        connector.news.notify_one();
    }
    for (pool, left) in settled.low.iter().collect::<BTreeSet<_>>() {
        let scope = &ledger.scope;
        if *left == 0 {
            tracing::info!(brand = %brand, %scope, pool, "connector.codes_given: every code is given out");
        } else {
            tracing::warn!(brand = %brand, %scope, pool, left, "connector.codes_low: a tenth of the codes is left");
        }
    }
    for pool in settled.owed.iter().collect::<BTreeSet<_>>() {
        let scope = &ledger.scope;
        if let Some(line) = connector.line("connector.codes_gone", &format!("{} {pool}", brand)) {
            tracing::error!(brand = %brand, %scope, pool, times = line.times, "connector.codes_gone: somebody who is credited is owed a code; add codes to the file and have it read again (SIGHUP, or serve --watch)");
        }
    }
}

impl Connector {
    pub(crate) async fn enter_together(&self, brand: &BrandId, ids: &[ParticipationId]) -> ports::Result<()> {
        let brands = self.brands();
        let Some(brand) = brands.brand(brand) else { return Ok(()) };
        let mut cases = Vec::with_capacity(ids.len());
        for some in ids.chunks(MOST_ITEMS) {
            let (read, awards) =
                try_join(self.read(&brand.id, some), self.outside.ledger.awards(some)).await?;
            unreadable::set_aside(self, &brand.id, &awards.unreadable).await?;
            let mut awards: HashMap<ParticipationId, Award> =
                awards.found.into_iter().map(|award| (award.id, award)).collect();
            cases.extend(read.into_iter().map(|participation| {
                let mut case = Case::new(participation);
                case.facts.award = awards.remove(&case.participation.id);
                case
            }));
        }
        cases.sort_by_key(|case| ids.iter().position(|id| *id == case.participation.id));
        let mut queues: BTreeMap<QueueName, Vec<ParticipationId>> = BTreeMap::new();
        for case in &cases {
            let queue = QueueName::of(case.participation.channel());
            queues.entry(queue).or_default().push(case.participation.id);
        }
        let unsettled = |case: &Case| case.facts.award.as_ref().is_some_and(|award| !award.is_settled());
        let mut cases = cases.into_iter().filter(unsettled).peekable();
        while let Some(case) = cases.next() {
            // Those in a row that have earned their credit are entered and credited in one transaction.
            let earned = has_earned(&case);
            let mut row = vec![case];
            while let Some(case) = cases.next_if(|case| has_earned(case) == earned) {
                row.push(case);
            }
            if earned {
                settle(self, brand, row.into_iter().map(|case| (case, Verdict::Credit)).collect()).await?;
            } else {
                self.enter_only(brand, &row).await?;
            }
        }
        for (queue, ids) in queues {
            wake::now(self, queue, &brand.id, &ids).await;
        }
        Ok(())
    }

    async fn enter_only(&self, brand: &Brand, cases: &[Case]) -> ports::Result<()> {
        let mut by_ledger: BTreeMap<&LedgerKey, Vec<ParticipationId>> = BTreeMap::new();
        for award in cases.iter().filter_map(|case| case.facts.award.as_ref()) {
            by_ledger.entry(&award.ledger).or_default().push(award.id);
        }
        for (ledger, ids) in by_ledger {
            let rules = Rules::of(brand, ledger, &self.id_key);
            for some in ids.chunks(MOST_ITEMS) {
                self.outside.ledger.enter(ledger, &rules, some).await?;
            }
        }
        Ok(())
    }

    /// Gives what is free to those who wait for it, in every ledger: after brand files or codes have changed.
    ///
    /// # Errors
    /// When a ledger cannot be reached; the others are refilled all the same.
    pub async fn refill(&self) -> ports::Result<()> {
        // A raffle that was over may have been prolonged.
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut refilled = Ok(());
        let brands = self.brands();
        for (brand, ledger) in ledgers(&brands, |_| true) {
            let refilling = self.refill_one(brand, &ledger);
            if let Err(error) = self.guarded(&brand.id, "refilling a ledger", refilling).await {
                refilled = Err(error);
            }
        }
        refilled
    }

    async fn refill_one(&self, brand: &Brand, ledger: &LedgerKey) -> ports::Result<()> {
        let counts = self.outside.ledger.counts(ledger).await?;
        if counts.waiting + counts.held > 0 {
            let rules = Rules::of(brand, ledger, &self.id_key);
            let settled = self.outside.ledger.refill(ledger, &rules, self.outside.clock.now()).await?;
            announce(self, &brand.id, ledger, &settled).await;
        }
        Ok(())
    }
}

/// Brings what an earlier version wrote of ledgers into the form of this one, a part of it at every tick.
pub(crate) async fn upgrade_ledgers(connector: &Connector) {
    let brands = connector.brands();
    for (brand, ledger) in ledgers(&brands, |_| true) {
        let known = connector.upgraded.lock().unwrap_or_else(PoisonError::into_inner).contains(&ledger);
        if known {
            continue;
        }
        match connector.outside.ledger.upgrade(&ledger).await {
            Ok(false) => {}
            Ok(true) => {
                connector.upgraded.lock().unwrap_or_else(PoisonError::into_inner).insert(ledger);
            }
            Err(error) => {
                tracing::error!(brand = %brand.id, scope = %ledger.scope, error = %in_full(&error), "connector.upgrade_failed: the next tick tries again");
            }
        }
    }
}

/// Draws the raffles that have closed. What fails is tried again at the next tick.
pub(crate) async fn draw_raffles(connector: &Connector) {
    let brands = connector.brands();
    for (brand, ledger) in ledgers(&brands, |kind| matches!(kind, Kind::Raffle(_))) {
        let known = connector.drawn.lock().unwrap_or_else(PoisonError::into_inner).contains(&ledger);
        if known {
            continue;
        }
        let drawing = draw(connector, brand, &ledger);
        match connector.guarded(&brand.id, "drawing a raffle", drawing).await {
            Ok(false) => {}
            Ok(true) => {
                connector.drawn.lock().unwrap_or_else(PoisonError::into_inner).insert(ledger);
            }
            Err(error) => {
                tracing::error!(scope = %ledger.scope, error = %in_full(&error), "connector.draw_failed: the next tick tries again");
            }
        }
    }
}

/// Whether there is nothing more to draw.
async fn draw(connector: &Connector, brand: &Brand, ledger: &LedgerKey) -> ports::Result<bool> {
    let rules = Rules::of(brand, ledger, &connector.id_key);
    let now = connector.outside.clock.now();
    if rules.incentive.as_ref().is_none_or(|incentive| now < incentive.drawn_from()) {
        return Ok(false);
    }
    let counts = connector.outside.ledger.counts(ledger).await?;
    if counts.drawn_at.is_some() || counts.entered == 0 {
        return Ok(true);
    }
    let seed = connector.id_key.raffle_seed(ledger);
    let Some(settled) = connector.outside.ledger.draw(ledger, &rules, &seed, now).await? else {
        tracing::error!(brand = %brand.id, scope = %ledger.scope, "connector.seed_changed: the id key is not the one that the raffle's seed was committed with; it is not drawn");
        return Ok(false);
    };
    let (lots, winners) = (counts.entered, settled.moved_up.len());
    tracing::info!(brand = %brand.id, scope = %ledger.scope, lots, winners, "connector.drawn");
    announce(connector, &brand.id, ledger, &settled).await;
    Ok(true)
}

/// Every incentive of some kind, with its brand.
fn ledgers(brands: &Brands, wanted: impl Fn(&Kind) -> bool) -> Vec<(&Brand, LedgerKey)> {
    let mut found = Vec::new();
    for brand in brands.iter() {
        for activation in brand.activations.values() {
            let incentives = activation.incentives.values().filter(|incentive| wanted(&incentive.kind));
            found.extend(incentives.map(|incentive| (brand, activation.ledger(Some(&incentive.id)))));
        }
    }
    found
}
