//! The rows of the roll-ups, one for each figure. Totals have the minute -1.

use domain::ids::{Channel, IncentiveId, Scope};
use domain::rollup::{Rollup, RollupKey};
use rusqlite::{Connection, params};

use crate::rows::one;

/// The minute in the rows of totals.
const TOTAL: i64 = -1;

/// Adds figures, inside a transaction.
pub(crate) fn add(transaction: &Connection, rollup: &Rollup) -> rusqlite::Result<()> {
    for (key, count) in rollup.iter() {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO rollups (scope, minute, channel, incentive, name, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?;
        statement.execute(params![
            key.scope.as_str(),
            key.minute.unwrap_or(TOTAL),
            key.channel.name(),
            key.incentive.as_ref().map_or("", IncentiveId::as_str),
            key.name,
            count
        ])?;
    }
    Ok(())
}

/// Adds figures to a file that an earlier version may be serving. Such a version keeps no roll-ups.
pub(crate) fn add_if_kept(transaction: &Connection, rollup: &Rollup) -> rusqlite::Result<()> {
    if are_kept(transaction)? { add(transaction, rollup) } else { Ok(()) }
}

/// Whether the file has roll-ups.
pub(crate) fn are_kept(connection: &Connection) -> rusqlite::Result<bool> {
    let kept = one(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'rollups'", [], |_| Ok(()))?;
    Ok(kept.is_some())
}

/// All figures of an activation.
pub(crate) fn of_activation(connection: &Connection, scope: &Scope) -> rusqlite::Result<Rollup> {
    let mut statement = connection
        .prepare_cached("SELECT minute, channel, incentive, name, count FROM rollups WHERE scope = ?1")?;
    let mut rows = statement.query([scope.as_str()])?;
    let mut rollup = Rollup::default();
    while let Some(row) = rows.next()? {
        let (minute, channel, incentive): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // A channel or an incentive that only a newer version knows is not counted.
        let Some(channel) = Channel::named(&channel) else { continue };
        let key = RollupKey {
            scope: scope.clone(),
            minute: (minute != TOTAL).then_some(minute),
            channel,
            incentive: IncentiveId::parse(&incentive).ok(),
            name: row.get(3)?,
        };
        rollup.add(key, row.get(4)?);
    }
    Ok(rollup)
}
