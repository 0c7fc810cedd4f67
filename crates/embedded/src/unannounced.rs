//! Participations whose announcement was lost when the process ended.

use std::collections::{BTreeMap, HashSet};

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use domain::message::{MOST_IN_MESSAGE, QueueName, WorkMessage};
use domain::participation::{FIRST_LOOK, Participation};
use domain::time::later;
use rusqlite::{Connection, Row, params};
use stored::participation::decode;

use crate::rows::brands_with_due;

/// The participations that nobody has looked at, in messages, except those that other messages are about. Imported ones are never announced.
pub(crate) fn unannounced(
    connection: &Connection,
    held: &HashSet<ParticipationId>,
    now: Timestamp,
) -> rusqlite::Result<Vec<(QueueName, WorkMessage)>> {
    let until = later(now, FIRST_LOOK).as_millisecond();
    let mut of_brand = connection.prepare(
        "SELECT id, version, record FROM participations WHERE brand = ?1 AND due_at <= ?2 AND version = 0 ORDER BY due_at",
    )?;
    let mut looks: BTreeMap<(QueueName, BrandId), Vec<ParticipationId>> = BTreeMap::new();
    for brand in brands_with_due(connection, ("participations", "due_at"))? {
        let mut rows = of_brand.query(params![brand, until])?;
        while let Some(row) = rows.next()? {
            // The tick reports a row that cannot be read.
            let Some(stored) = readable(row) else { continue };
            if !stored.is_imported() && !held.contains(&stored.id()) {
                let of = (QueueName::of(stored.channel()), stored.brand().clone());
                looks.entry(of).or_default().push(stored.id());
            }
        }
    }
    let messages = looks.into_iter().flat_map(|((queue, brand), ids)| {
        let messages =
            ids.chunks(MOST_IN_MESSAGE).map(|ids| WorkMessage { brand: brand.clone(), ids: ids.to_vec() });
        messages.map(|look| (queue, look)).collect::<Vec<_>>()
    });
    Ok(messages.collect())
}

/// The participation in a row `id, version, record`.
fn readable(row: &Row<'_>) -> Option<Participation> {
    let (id, version): ([u8; 16], u64) = (row.get(0).ok()?, row.get(1).ok()?);
    let record: String = row.get(2).ok()?;
    decode(ParticipationId::from_bytes(id), version, &record).ok()
}

#[cfg(test)]
mod tests;
