//! The rows of the roll-ups, one for each figure. Totals have the minute -1. The figures of each minute that reports show are kept a second time, in one
//! row a minute.

use std::collections::BTreeMap;

use domain::ids::{Channel, IncentiveId, Scope};
use domain::rollup::{Rollup, RollupKey};
use ports::reports::MinuteFigures;
use rusqlite::{Connection, Row, Rows, params};

use crate::rows::one;

/// The minute in the rows of totals.
const TOTAL: i64 = -1;

/// Adds figures, inside a transaction.
pub(crate) fn add(transaction: &Connection, rollup: &Rollup) -> rusqlite::Result<()> {
    add_figures(transaction, rollup)?;
    add_minutes(transaction, rollup)
}

/// Adds figures to a file that an earlier version may be serving. Such a version keeps no roll-ups, or no minutes.
pub(crate) fn add_if_kept(transaction: &Connection, rollup: &Rollup) -> rusqlite::Result<()> {
    if are_kept(transaction)? {
        add_figures(transaction, rollup)?;
    }
    if is_there(transaction, "minutes")? { add_minutes(transaction, rollup) } else { Ok(()) }
}

fn add_figures(transaction: &Connection, rollup: &Rollup) -> rusqlite::Result<()> {
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

fn add_minutes(transaction: &Connection, rollup: &Rollup) -> rusqlite::Result<()> {
    let mut minutes: BTreeMap<(&Scope, i64), MinuteFigures> = BTreeMap::new();
    for (key, count) in rollup.iter() {
        let Some(minute) = key.minute else { continue };
        let nothing = MinuteFigures { minute, ..MinuteFigures::default() };
        minutes.entry((&key.scope, minute)).or_insert(nothing).count(&key.name, count);
    }
    // Another figure of a minute makes no row.
    minutes.retain(|(_, minute), counted| {
        *counted != MinuteFigures { minute: *minute, ..MinuteFigures::default() }
    });
    for ((scope, minute), counted) in minutes {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO minutes (scope, minute, accepted, credited, rewarded) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET accepted = accepted + excluded.accepted, credited = credited + excluded.credited,
                                       rewarded = rewarded + excluded.rewarded",
        )?;
        let MinuteFigures { accepted, credited, rewarded, .. } = counted;
        statement.execute(params![scope.as_str(), minute, accepted, credited, rewarded])?;
    }
    Ok(())
}

/// Whether the file has roll-ups.
pub(crate) fn are_kept(connection: &Connection) -> rusqlite::Result<bool> {
    is_there(connection, "rollups")
}

fn is_there(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    Ok(one(connection, "SELECT 1 FROM sqlite_schema WHERE name = ?", [table], |_| Ok(()))?.is_some())
}

/// All figures of an activation.
pub(crate) fn of_activation(connection: &Connection, scope: &Scope) -> rusqlite::Result<Rollup> {
    figures(connection, scope, "SELECT minute, channel, incentive, name, count FROM rollups WHERE scope = ?1")
}

/// The totals of an activation.
pub(crate) fn totals(connection: &Connection, scope: &Scope) -> rusqlite::Result<Rollup> {
    let sql = "SELECT minute, channel, incentive, name, count FROM rollups WHERE scope = ?1 AND minute = -1";
    figures(connection, scope, sql)
}

/// The figures of the minutes of an activation from this one on. A file of an earlier version has none.
pub(crate) fn since(connection: &Connection, scope: &Scope, minute: i64) -> rusqlite::Result<Rollup> {
    if !are_kept(connection)? {
        return Ok(Rollup::default());
    }
    let minute = minute.max(0);
    let sql = "SELECT minute, channel, incentive, name, count FROM rollups WHERE scope = ?1 AND minute >= ?2";
    read_figures(scope, connection.prepare_cached(sql)?.query(params![scope.as_str(), minute])?)
}

fn figures(connection: &Connection, scope: &Scope, sql: &str) -> rusqlite::Result<Rollup> {
    read_figures(scope, connection.prepare_cached(sql)?.query([scope.as_str()])?)
}

fn read_figures(scope: &Scope, mut rows: Rows<'_>) -> rusqlite::Result<Rollup> {
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

/// What happened in each minute of an activation, in order.
pub(crate) fn minutes(connection: &Connection, scope: &Scope) -> rusqlite::Result<Vec<MinuteFigures>> {
    if !is_there(connection, "minutes")? {
        return Ok(MinuteFigures::of(&of_activation(connection, scope)?));
    }
    let mut statement = connection.prepare_cached(
        "SELECT minute, accepted, credited, rewarded FROM minutes WHERE scope = ?1 ORDER BY minute",
    )?;
    let read = |row: &Row<'_>| {
        Ok(MinuteFigures {
            minute: row.get(0)?,
            accepted: row.get(1)?,
            credited: row.get(2)?,
            rewarded: row.get(3)?,
        })
    };
    statement.query_map([scope.as_str()], read)?.collect()
}
