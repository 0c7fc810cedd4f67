//! Work on whole ledgers: refills, draws, upgrades.

use domain::brand::{Brand, Brands};
use domain::ids::LedgerKey;
use domain::incentive::Kind;
use domain::ledger::Rules;
use ports::error::in_full;

use crate::award::announce;
use crate::connector::Connector;

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

/// Draws the raffles that have closed. A draw that fails is tried again at the next tick.
pub(crate) async fn draw_raffles(connector: &Connector) {
    let brands = connector.brands();
    for (brand, ledger) in ledgers(&brands, |kind| matches!(kind, Kind::Raffle(_))) {
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
    if rules.incentive.as_ref().is_none_or(|incentive| now < incentive.drawn_from()) {
        return Ok(false);
    }
    let counts = connector.deps.ledger.counts(ledger).await?;
    if counts.drawn_at.is_some() || counts.entered == 0 {
        return Ok(true);
    }
    let seed = connector.id_key.raffle_seed(ledger);
    let Some(resolved) = connector.deps.ledger.draw(&rules, &seed, now).await? else {
        tracing::error!(event = "connector.seed_changed", brand = %brand.id, scope = %ledger.scope, "The id key is not the one that the raffle's seed was committed with; the raffle is not drawn.");
        return Ok(false);
    };
    let (lots, winners) = (counts.entered, resolved.moved_up.len());
    tracing::info!(event = "connector.drawn", brand = %brand.id, scope = %ledger.scope, lots, winners, "A raffle was drawn.");
    announce(connector, &brand.id, ledger, &resolved).await;
    Ok(true)
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
