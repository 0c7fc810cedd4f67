//! Work on whole ledgers: refills, draws, upgrades.

use domain::brand::{Brand, Brands};
use domain::ids::{LedgerKey, ParticipationId};
use domain::incentive::{Incentive, Kind};
use domain::ledger::{Counts, Rules};
use ports::LedgerNumbers;
use ports::error::in_full;
use ports::store::MOST_ITEMS;

use crate::award::announce;
use crate::connector::Connector;

/// How many of the due participations are looked at before a draw, and before numbers are reclaimed.
const MOST_LOOKED_AT: usize = 1_000;

impl Connector {
    /// Gives free places to the participations that wait for one, in every ledger. Called after brand files
    /// or codes have changed.
    ///
    /// # Errors
    /// If a ledger cannot be reached; the other ledgers are still refilled.
    pub async fn refill(&self) -> ports::Result<()> {
        // A raffle that was over may have been extended.
        self.drawn.lock().clear();
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
        let counts = self.deps.ledger.counts(ledger).await?;
        if counts.waiting + counts.held > 0 {
            let rules = Rules::of(brand, ledger, &self.id_key);
            let resolved = self.deps.ledger.refill(&rules, self.deps.clock.now()).await?;
            announce(self, &brand.id, ledger, &resolved).await;
        }
        Ok(())
    }
}

/// Converts ledgers that an earlier version wrote to the current form, a part of each at every tick.
pub(crate) async fn upgrade_ledgers(connector: &Connector) {
    let brands = connector.brands();
    for (brand, ledger) in ledgers(&brands, |_| true) {
        let known = connector.upgraded.lock().contains(&ledger);
        if known {
            continue;
        }
        match connector.deps.ledger.upgrade(&ledger).await {
            Ok(false) => {}
            Ok(true) => {
                connector.upgraded.lock().insert(ledger);
            }
            Err(error) => {
                tracing::error!(event = "connector.upgrade_failed", brand = %brand.id, scope = %ledger.scope, error = %in_full(&error), "A ledger could not be brought up to date; the next tick tries again.");
            }
        }
    }
}

/// Reclaims numbers that were drawn long ago and that no participation uses: the function that drew them ended before it stored one.
pub(crate) async fn reclaim_numbers(connector: &Connector) {
    let Some(numbers) = connector.deps.ledger.numbers() else { return };
    let brands = connector.brands();
    for (brand, ledger) in ledgers(&brands, |_| true) {
        let reclaiming = reclaim(connector, numbers, (brand, &ledger));
        if let Err(error) = connector.guarded(&brand.id, "reclaiming numbers", reclaiming).await {
            tracing::error!(event = "connector.reclaim_failed", brand = %brand.id, scope = %ledger.scope, error = %in_full(&error), "Numbers that nobody uses could not be reclaimed; the next tick tries again.");
        }
    }
}

async fn reclaim(
    connector: &Connector,
    numbers: &dyn LedgerNumbers,
    (brand, ledger): (&Brand, &LedgerKey),
) -> ports::Result<()> {
    let now = connector.deps.clock.now();
    let Some(drawn) = numbers.long_drawn(ledger, now).await? else { return Ok(()) };
    // The line of a participation that waits to be processed is entered under its number, however long that takes.
    if lacks_lines(connector, ledger).await?.unwrap_or(true) {
        return Ok(());
    }
    let rules = Rules::of(brand, ledger, &connector.id_key);
    let resolved = numbers.reclaim(&rules, drawn, now).await?;
    announce(connector, &brand.id, ledger, &resolved).await;
    Ok(())
}

/// Draws the raffles that have closed. A draw that fails is tried again at the next tick.
pub(crate) async fn draw_raffles(connector: &Connector) {
    let brands = connector.brands();
    for (brand, ledger) in ledgers(&brands, |kind| matches!(kind, Kind::Raffle { .. })) {
        let known = connector.drawn.lock().contains(&ledger);
        if known {
            continue;
        }
        let drawing = draw(connector, brand, &ledger);
        match connector.guarded(&brand.id, "drawing a raffle", drawing).await {
            Ok(false) => {}
            Ok(true) => {
                connector.drawn.lock().insert(ledger);
            }
            Err(error) => {
                tracing::error!(event = "connector.draw_failed", scope = %ledger.scope, error = %in_full(&error), "A raffle could not be drawn; the next tick tries again.");
            }
        }
    }
}

/// Draws a raffle, and returns whether nothing more is to be drawn.
async fn draw(connector: &Connector, brand: &Brand, ledger: &LedgerKey) -> ports::Result<bool> {
    let rules = Rules::of(brand, ledger, &connector.id_key);
    let now = connector.deps.clock.now();
    let Some(incentive) = rules.incentive.as_deref().filter(|incentive| incentive.drawn_from() <= now) else {
        return Ok(false);
    };
    let counts = connector.deps.ledger.counts(ledger).await?;
    if counts.drawn_at.is_some() {
        return Ok(true);
    }
    let is_final = counts.lots_closed || incentive.drawn_by() <= now;
    let lacks_lines = async || Ok::<_, ports::Error>(lacks_lines(connector, ledger).await?.unwrap_or(false));
    if !is_final && (counts.open_lots.is_some_and(|open| open > 0) || lacks_lines().await?) {
        say_that_it_waits(connector, (brand, ledger), incentive, &counts);
        return Ok(false);
    }
    if counts.entered == 0 {
        return Ok(true);
    }
    let seed = connector.id_key.raffle_seed(ledger);
    let Some(resolved) = connector.deps.ledger.draw(&rules, &seed, now).await? else {
        if counts.commitment.is_none_or(|commitment| commitment == seed.commitment()) {
            say_that_it_waits(connector, (brand, ledger), incentive, &counts);
            return Ok(false);
        }
        tracing::error!(event = "connector.seed_changed", brand = %brand.id, scope = %ledger.scope, "The id key is not the one that the raffle's seed was committed with; the raffle is not drawn.");
        return Ok(false);
    };
    let (lots, winners) = (counts.entered, resolved.moved_up.len());
    tracing::info!(event = "connector.drawn", brand = %brand.id, scope = %ledger.scope, lots, winners, "A raffle was drawn.");
    announce(connector, &brand.id, ledger, &resolved).await;
    Ok(true)
}

/// Whether participations that were accepted before the close, and have been due since, are not entered in the
/// ledger yet. `None` if so many are due that it cannot be told.
async fn lacks_lines(connector: &Connector, ledger: &LedgerKey) -> ports::Result<Option<bool>> {
    let due = connector.deps.store.due(connector.deps.clock.now(), MOST_LOOKED_AT).await?;
    let are_more = due.len() == MOST_LOOKED_AT;
    let ids: Vec<ParticipationId> = due.into_iter().map(|due| due.id).collect();
    for some in ids.chunks(MOST_ITEMS) {
        let awards = connector.deps.ledger.awards(some).await?.found;
        if awards.iter().any(|award| award.ledger == *ledger && !award.is_entered() && !award.is_resolved()) {
            return Ok(Some(true));
        }
    }
    Ok((!are_more).then_some(false))
}

fn say_that_it_waits(
    connector: &Connector,
    (brand, ledger): (&Brand, &LedgerKey),
    incentive: &Incentive,
    counts: &Counts,
) {
    let (open, until) = (counts.open_lots, incentive.drawn_by());
    if let Some(line) = connector.line("connector.draw_waits", &format!("{} {}", ledger.scope, incentive.id))
    {
        tracing::info!(event = "connector.draw_waits", brand = %brand.id, scope = %ledger.scope, incentive = %incentive.id, open, %until, times = line.times, "The draw of a raffle waits for participations that were accepted before the close.");
    }
}

/// The ledgers of all incentives of a wanted kind, each with its brand.
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
