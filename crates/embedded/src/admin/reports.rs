//! What reports read, from a file that another process may be serving.

use async_trait::async_trait;
use domain::ids::{IncentiveId, LedgerKey, Scope};
use domain::ledger::Counts;
use domain::rollup::Rollup;
use ports::Result;
use ports::reports::{ActivationFigures, Reports};
use rusqlite::Connection;

use crate::admin::{AdminConnection, failed, of_an_earlier_version};
use crate::ledger_tx::name;
use crate::pauses;
use crate::rollup_rows;
use crate::rows::{counts, one};

#[async_trait]
impl Reports for AdminConnection {
    async fn activation(&self, scope: &Scope, configured: &[IncentiveId]) -> Result<ActivationFigures> {
        const DOING: &str = "reading the figures of an activation";
        let mut connection = self.lock();
        // One transaction, so that the figures belong together.
        let transaction = connection.transaction().map_err(|error| failed(DOING, error))?;
        let found = figures(&transaction, scope, configured).map_err(|error| failed(DOING, error))?;
        found.ok_or_else(|| of_an_earlier_version(DOING))
    }

    async fn figures_since(&self, scope: &Scope, minute: i64) -> Result<Rollup> {
        let found = rollup_rows::since(&self.lock(), scope, minute);
        found.map_err(|error| failed("reading the figures of minutes", error))
    }
}

/// The figures, if the file has them.
fn figures(
    connection: &Connection,
    scope: &Scope,
    configured: &[IncentiveId],
) -> rusqlite::Result<Option<ActivationFigures>> {
    if !rollup_rows::are_kept(connection)? {
        return Ok(None);
    }
    let rollup = rollup_rows::totals(connection, scope)?;
    let paused_since = pauses::since(connection, scope)?;
    let minutes = rollup_rows::minutes(connection, scope)?;
    let tallied = |what: &str| {
        let sql = "SELECT count FROM tallies WHERE what = ?1 AND name = ?2";
        one(connection, sql, [what, scope.as_str()], |row| row.get::<_, u64>(0))
            .map(Option::unwrap_or_default)
    };
    // An earlier version may have deleted participations that it had accepted.
    let accepted = tallied("accepted")?.saturating_sub(tallied("uncounted")?);
    let incentives = ActivationFigures::incentives(&rollup, configured).into_iter();
    let ledgers = incentives.map(|incentive| {
        let ledger = LedgerKey { scope: scope.clone(), incentive: Some(incentive.clone()) };
        let counts: Counts = counts(connection, &name(&ledger))?;
        Ok((incentive, counts))
    });
    let ledgers = ledgers.collect::<rusqlite::Result<_>>()?;
    Ok(Some(ActivationFigures { accepted: Some(accepted), rollup, minutes, paused_since, ledgers }))
}
