//! Everything that is stored about one participation, beside the process that serves the file.

use async_trait::async_trait;
use domain::Timestamp;
use domain::award::{Award, AwardStatus};
use domain::ids::{Channel, ParticipationId};
use domain::ledger::Counts;
use domain::participation::Participation;
use ports::inspection::{
    InspectedCallback, InspectedParticipation, Inspection, callback_ids, of_an_earlier_version,
};
use ports::{Error, Result};
use rusqlite::{Connection, params};

use super::{AdminConnection, failed};
use crate::file_version::has_times_of_callbacks;
use crate::ledger_tx::name;
use crate::moved_lines::lines_are_in_rows;
use crate::queries::{OTHERS, OTHERS_BY_FURTHER_KEY, WAITING_BEFORE};
use crate::rows::{award, counts, moment, one};

const DOING: &str = "reading a participation";

/// The line with the last place is searched among so many numbers after that place.
const SEARCHED: u64 = 2_000;

/// A row as it is stored.
struct InspectedRow {
    version: u64,
    record: String,
    award: Option<String>,
}

#[async_trait]
impl Inspection for AdminConnection {
    async fn inspect(&self, id: ParticipationId) -> Result<Option<InspectedParticipation>> {
        let mut connection = self.lock();
        let read = |error| failed(DOING, error);
        let transaction = connection.transaction().map_err(read)?;
        if !lines_are_in_rows(&transaction).map_err(read)? {
            return Err(of_an_earlier_version());
        }
        let Some(row) = row(&transaction, id).map_err(read)? else { return Ok(None) };
        let participation = stored::participation::decode(id, row.version, &row.record)?;
        let line = row.award.map(|record| stored::award::decode(id, &record)).transpose()?;
        let mut inspected = InspectedParticipation {
            participation,
            award: line.clone(),
            siblings: Vec::new(),
            counts: None,
            waiting_ahead: None,
            last_place_at: None,
            callbacks: callbacks(&transaction, id)?,
            told_at: told_at(&transaction, id).map_err(read)?,
        };
        if let Some(line) = line.filter(|line| line.ledger.incentive.is_some()) {
            let counted = counts(&transaction, &name(&line.ledger)).map_err(read)?;
            if line.status == AwardStatus::Waiting {
                inspected.waiting_ahead = Some(waiting_ahead(&transaction, &line).map_err(read)?);
                inspected.last_place_at = last_place_at(&transaction, &line, &counted).map_err(read)?;
            }
            inspected.siblings = siblings(&transaction, &line).map_err(read)?;
            inspected.counts = Some(counted);
        }
        Ok(Some(inspected))
    }
}

fn row(connection: &Connection, id: ParticipationId) -> rusqlite::Result<Option<InspectedRow>> {
    let sql = "SELECT version, record, award FROM participations WHERE id = ?";
    one(connection, sql, [id.to_bytes()], |row| {
        Ok(InspectedRow { version: row.get(0)?, record: row.get(1)?, award: row.get(2)? })
    })
}

/// When the first callback with the result was delivered. A file of an earlier version does not say it.
fn told_at(connection: &Connection, id: ParticipationId) -> rusqlite::Result<Option<Timestamp>> {
    if !has_times_of_callbacks(connection)? {
        return Ok(None);
    }
    let sql = "SELECT told_at FROM participations WHERE id = ?";
    Ok(moment(one(connection, sql, [id.to_bytes()], |row| row.get(0))?.flatten()))
}

fn waiting_ahead(connection: &Connection, line: &Award) -> rusqlite::Result<u32> {
    let parameters = params![name(&line.ledger), line.arrival_number()];
    connection.prepare_cached(WAITING_BEFORE)?.query_row(parameters, |row| row.get(0))
}

/// When the participation with the highest place was accepted. Its number is never lower than the place, and usually only a little higher.
fn last_place_at(
    connection: &Connection,
    line: &Award,
    counts: &Counts,
) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT iif(json_valid(record), record ->> '$.accepted_at', NULL) FROM participations
               WHERE ledger = ?1 AND arrival >= ?2 AND arrival < ?3 AND arrival > 0 AND place = ?2 ORDER BY arrival LIMIT 1";
    let before = line.arrival_number().min(u64::from(counts.places).saturating_add(SEARCHED));
    let parameters = params![name(&line.ledger), counts.places, before];
    Ok(moment(one(connection, sql, parameters, |row| row.get(0))?.flatten()))
}

fn siblings(connection: &Connection, line: &Award) -> rusqlite::Result<Vec<(Award, Option<Channel>)>> {
    let mut siblings: Vec<(Award, Option<Channel>)> = Vec::new();
    for (key, query) in
        line.shared_keys().flat_map(|key| [OTHERS, OTHERS_BY_FURTHER_KEY].map(|query| (key, query)))
    {
        let mut statement = connection.prepare_cached(query)?;
        let parameters = params![key.to_bytes(), name(&line.ledger), line.id.to_bytes()];
        for other in statement.query_map(parameters, award)? {
            let other = other?;
            if siblings.iter().all(|(known, _)| known.id != other.id) {
                let channel = channel(connection, other.id)?;
                siblings.push((other, channel));
            }
        }
    }
    Ok(siblings)
}

/// The channel of a participation; `None` if it cannot be read.
fn channel(connection: &Connection, id: ParticipationId) -> rusqlite::Result<Option<Channel>> {
    let read = |row: InspectedRow| stored::participation::decode(id, row.version, &row.record).ok();
    Ok(row(connection, id)?.and_then(read).as_ref().map(Participation::channel))
}

fn callbacks(connection: &Connection, id: ParticipationId) -> Result<Vec<InspectedCallback>> {
    let sql = "SELECT record, attempts, due_at FROM notices WHERE id = ?";
    let mut callbacks = Vec::new();
    for id in callback_ids(id) {
        let id = id.to_string();
        let found: Option<(String, u32, Option<i64>)> =
            one(connection, sql, [&id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .map_err(|error| failed(DOING, error))?;
        let Some((record, attempts, due_at)) = found else { continue };
        callbacks.push(InspectedCallback {
            callback: stored::callback::decode(&id, &record).map_err(Error::from)?,
            attempts,
            due_at: moment(due_at),
            last_answer: stored::callback::answer_in(&record),
        });
    }
    Ok(callbacks)
}
