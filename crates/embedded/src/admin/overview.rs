//! The overview for `status`. It reads counters that triggers keep up to date (see the schema), so its cost does not depend on how
//! many participations there are.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use ports::operations::{BrandWork, CALLBACK, LimitInUse, MOST_COUNTED, Overview};
use rusqlite::{Connection, Result, params};

use crate::file_version::has_hours_of_limits;
use crate::moved_lines::lines_are_in_rows;
use crate::rows::{brands_with_due, moment, one};

/// How many open rows of a brand are read to see what they wait for.
const MOST_READ: u32 = 2_000;

const OPEN: &str = "SELECT count(*) FROM participations WHERE brand = ?1 AND due_at IS NOT NULL";

const DUE: &str = "SELECT count(*), min(due_at) FROM
    (SELECT due_at FROM participations WHERE brand = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3)";

/// Reads the overview from the file in one transaction.
pub(super) fn overview(connection: &mut Connection, now: Timestamp) -> Result<Overview> {
    let transaction = connection.transaction()?;
    let (due, due_since) = due(&transaction, now.as_millisecond())?;
    let callbacks = tallies(&transaction, "notices")?;
    let of = |name: &str| callbacks.get(name).copied().unwrap_or(0);
    Ok(Overview {
        participations: tallies(&transaction, "participations")?,
        oldest_open: moment(oldest_open(&transaction)?),
        due,
        due_since: moment(due_since),
        messages: tallies(&transaction, "messages")?,
        callbacks: of("due"),
        dead: BTreeMap::from([(CALLBACK.to_owned(), of("parked"))]),
        limits: limits(&transaction)?,
        storage: None,
        outages: BTreeMap::new(),
        paused: BTreeMap::new(),
        brands: by_brand(&transaction, now)?,
    })
}

/// Whether an earlier version serves the file. Such a version keeps no counters.
fn is_of_an_earlier_version(connection: &Connection) -> Result<bool> {
    let kept = one(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'tallies'", [], |_| Ok(()))?;
    Ok(kept.is_none())
}

/// The counters of one kind, by name.
fn tallies(connection: &Connection, what: &str) -> Result<BTreeMap<String, u64>> {
    let counted = match what {
        _ if !is_of_an_earlier_version(connection)? => {
            "SELECT name, count FROM tallies WHERE what = ?1 AND count > 0"
        }
        "participations" => {
            "SELECT ifnull(iif(json_valid(record), record ->> '$.state.name', NULL), 'unreadable'), count(*)
             FROM participations WHERE ?1 <> '' GROUP BY 1"
        }
        "messages" => "SELECT queue, count(*) FROM messages WHERE ?1 <> '' GROUP BY 1",
        _ => "SELECT iif(due_at IS NULL, 'parked', 'due'), count(*) FROM notices WHERE ?1 <> '' GROUP BY 1",
    };
    let mut statement = connection.prepare(counted)?;
    let rows = statement.query_map([what], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// The first open rows of a brand in the order of acceptance. One whose record cannot be read says nothing. The index of due rows is read for them, and no other row.
pub(super) const FIRST_OPEN: &str = "SELECT record ->> '$.accepted_at' FROM participations
    WHERE rowid IN (SELECT rowid FROM participations WHERE brand = ?1 AND due_at IS NOT NULL ORDER BY rowid LIMIT 100)
      AND json_valid(record) ORDER BY rowid LIMIT 1";

/// When the oldest open participation was accepted. It reads the first open rows of each brand.
fn oldest_open(connection: &Connection) -> Result<Option<i64>> {
    let mut oldest = None;
    for brand in brands_with_due(connection, ("participations", "due_at"))? {
        let first = one(connection, FIRST_OPEN, [&brand], |row| row.get::<_, Option<i64>>(0))?;
        oldest = [oldest, first.flatten()].into_iter().flatten().min();
    }
    Ok(oldest)
}

/// How many rows are due, up to the limit of the count, and since when the oldest is due.
fn due(connection: &Connection, now: i64) -> Result<(usize, Option<i64>)> {
    let (mut due, mut since) = (0, None);
    let of_lines = if lines_are_in_rows(connection)? {
        ("participations", "award_due_at")
    } else {
        ("awards", "due_at")
    };
    for (table, column) in [("participations", "due_at"), of_lines] {
        let sql = format!(
            "SELECT count(*), min({column}) FROM
             (SELECT {column} FROM {table} WHERE brand = ?1 AND {column} <= ?2 ORDER BY {column} LIMIT ?3)"
        );
        let mut of_brand = connection.prepare(&sql)?;
        for brand in brands_with_due(connection, (table, column))? {
            let most = MOST_COUNTED.saturating_sub(due).max(1);
            let (count, first): (usize, Option<i64>) = of_brand
                .query_row(rusqlite::params![brand, now, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
            due += count;
            since = [since, first].into_iter().flatten().min();
        }
    }
    Ok((due.min(MOST_COUNTED), since))
}

/// What is open of each brand. The open rows are counted in an index, and only the first of them are read.
fn by_brand(connection: &Connection, now: Timestamp) -> Result<BTreeMap<BrandId, BrandWork>> {
    let mut works = BTreeMap::new();
    for brand in brands_with_due(connection, ("participations", "due_at"))? {
        let Ok(id) = BrandId::parse(&brand) else { continue };
        let open: u64 = connection.prepare_cached(OPEN)?.query_row([&brand], |row| row.get(0))?;
        let (due, since): (usize, Option<i64>) = connection
            .prepare_cached(DUE)?
            .query_row(params![brand, now.as_millisecond(), MOST_COUNTED], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut first = BrandWork::default();
        let mut rows = connection.prepare_cached(
            "SELECT id, version, record FROM participations WHERE brand = ?1 AND due_at IS NOT NULL ORDER BY due_at LIMIT ?2",
        )?;
        let rows = rows.query_map(params![brand, MOST_READ], |row| {
            Ok((ParticipationId::from_bytes(row.get(0)?), row.get(1)?, row.get::<_, String>(2).ok()))
        })?;
        for row in rows {
            let (id, version, record) = row?;
            // A record that cannot be read is set aside, and waits for no request.
            if let Some(read) =
                record.and_then(|record| stored::participation::decode(id, version, &record).ok())
            {
                first.count(&read, now);
            }
        }
        let for_requests = projected(first.for_requests, open);
        works.insert(id, BrandWork { open, for_requests, due, due_since: moment(since), parked: 0 });
    }
    Ok(works)
}

/// How many of all there are, if there are this many among the first that were read.
fn projected(among_first: u64, all: u64) -> u64 {
    let read = all.min(u64::from(MOST_READ)).max(1);
    let share = u128::from(among_first) * u128::from(all) / u128::from(read);
    u64::try_from(share).unwrap_or(u64::MAX)
}

fn limits(connection: &Connection) -> Result<BTreeMap<String, LimitInUse>> {
    // An earlier version keeps no hours and no waits that Braze asked for.
    let since_step_13 =
        if has_hours_of_limits(connection)? { "hour_booked, hour_ends, opens" } else { "NULL, NULL, NULL" };
    let sql = format!("SELECT lane, requests, period, start, booked, probe_at, {since_step_13} FROM limits");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        let (period, start): (u64, i64) = (row.get(2)?, row.get(3)?);
        let limit = LimitInUse {
            requests: row.get(1)?,
            period: Duration::from_millis(period),
            booked: row.get(4)?,
            until: moment(start.checked_add_unsigned(period)).unwrap_or(Timestamp::MAX),
            refused_until: moment(row.get(5)?),
            hour: row.get::<_, Option<u32>>(6)?.zip(moment(row.get(7)?)),
            closed_until: moment(row.get(8)?),
        };
        Ok((row.get(0)?, limit))
    })?;
    rows.collect()
}
