//! Counts the participations of an older file in the roll-ups, when the file is opened for the first time.

use domain::Timestamp;
use domain::ids::ParticipationId;
use domain::rollup::Rollup;
use rusqlite::{Connection, Result, TransactionBehavior};
use stored::participation::decode;

use crate::rollup_rows;
use crate::rows::one;

/// The setting that says that the participations of earlier versions are counted.
const DONE: &str = "rollups begun";

/// Participations that were accepted once and are no longer there, or cannot be read, are in no figure.
const UNCOUNTED: &str = "
    INSERT INTO tallies
    SELECT 'uncounted', accepted.name, accepted.count - ifnull(counted.count, 0)
    FROM tallies AS accepted
    LEFT JOIN (SELECT scope, sum(count) AS count FROM rollups WHERE minute = -1 AND name = 'accepted' GROUP BY scope) AS counted
        ON counted.scope = accepted.name
    WHERE accepted.what = 'accepted' AND accepted.count > ifnull(counted.count, 0)";

/// How many participations are counted between two log lines.
const A_LINE: u64 = 100_000;

/// Counts every participation as it is, unless that was done before. It is one transaction, so an interrupted start begins anew.
pub(crate) fn count_earlier(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = one(&transaction, "SELECT 1 FROM settings WHERE name = ?", [DONE], |_| Ok(()))?;
    if done.is_some() {
        return Ok(());
    }
    let rollup = of_all(&transaction)?;
    rollup_rows::add(&transaction, &rollup)?;
    transaction.execute(UNCOUNTED, [])?;
    transaction.execute("INSERT INTO settings (name, value) VALUES (?1, '')", [DONE])?;
    transaction.commit()
}

fn of_all(connection: &Connection) -> Result<Rollup> {
    let mut statement = connection.prepare("SELECT id, version, record, award FROM participations")?;
    let mut rows = statement.query([])?;
    let (mut rollup, mut read) = (Rollup::default(), 0_u64);
    while let Some(row) = rows.next()? {
        read += 1;
        if read.is_multiple_of(A_LINE) {
            tracing::warn!(
                event = "embedded.counting",
                read,
                "The participations of an earlier version are counted for reports. Participations are accepted when that is done."
            );
        }
        let id = ParticipationId::from_bytes(row.get(0)?);
        // What cannot be read is set aside when it is due, and is in no report.
        let Ok(record) = row.get::<_, String>(2) else { continue };
        let Ok(mut participation) = decode(id, row.get(1)?, &record) else { continue };
        let award = row.get::<_, Option<String>>(3)?.and_then(|award| stored::award::decode(id, &award).ok());
        let at: Timestamp = participation.updated_at();
        rollup.merge(&participation.rollup(award.as_ref(), at));
    }
    Ok(rollup)
}

#[cfg(test)]
mod tests;
