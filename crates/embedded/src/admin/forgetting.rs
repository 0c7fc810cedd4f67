//! Erasing a person while another process serves the file. Reads happen outside of any write, and each write is so small that nobody
//! waits long for it. When it is interrupted, the next call starts over and finds what is left.

use std::time::Duration;

use domain::Timestamp;
use domain::id_key::IdKey;
use domain::ids::{BrandId, IdentifierError, ParticipationId, Scope};
use domain::person::{Person, forget, forget_person, forgotten};
use domain::profile::ProfileHint;
use domain::time::later;
use ports::clock::SystemClock;
use ports::operations::{ErasureReport, ProvenConsent};
use ports::{Clock, Result};
use rusqlite::{Connection, Transaction, params};
use stored::Unreadable;
use stored::participation::{decode, whose};

use crate::admin::{AdminConnection, failed};
use crate::moved_lines::has_line;
use crate::rollup_rows;
use crate::rows::{one, unencodable, unreadable};
use crate::store::ParticipationRow;

const DOING: &str = "forgetting a person";

/// Rows of one read. The log cannot be reset while a read runs.
const LOOK: usize = 1_000;

/// Rows of one write. A request to take part waits for one such write at most.
const STEP: usize = 20;

/// How long one attempt to empty the log may hold up a writer.
const TRY: Duration = Duration::from_millis(5);

/// How long to wait when another connection is using the log.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// The result of one read.
#[derive(Default)]
struct FoundRows {
    theirs: Vec<ParticipationId>,
    earlier: u64,
    consents: Vec<ProvenConsent>,
    unreadable: u64,
    /// The row after which the next read continues; `None` at the end.
    last: Option<i64>,
}

impl AdminConnection {
    /// Erases a person from participations and profile hints.
    pub(super) async fn erase(
        &self,
        person: &Person,
        id_key: &IdKey,
        now: Timestamp,
    ) -> Result<ErasureReport> {
        // The log is written to the disk when it is emptied, at the end. So no step waits for the disk, and nobody waits for a step.
        self.lock().pragma_update(None, "synchronous", "NORMAL").map_err(|error| failed(DOING, error))?;
        let mut forgotten = ErasureReport::default();
        let mut last = Some(0);
        while let Some(after) = last {
            let found = self.look(person, id_key, after)?;
            for ids in found.theirs.chunks(STEP) {
                let (participations, profiles) = self.change(DOING, |transaction| {
                    erase_some(transaction, ids, (person, id_key), now).map_err(|error| failed(DOING, error))
                })?;
                forgotten.participations += participations;
                forgotten.profiles += profiles;
            }
            forgotten.unreadable += found.unreadable;
            forgotten.earlier += found.earlier;
            forgotten.consents.extend(found.consents);
            last = found.last;
            tokio::task::yield_now().await;
        }
        forgotten.profiles += self.erase_profiles(person).await?;
        self.lock().pragma_update(None, "synchronous", "FULL").map_err(|error| failed(DOING, error))?;
        Ok(ErasureReport { remains: !self.empty_log().await, ..forgotten })
    }

    /// Reads the next participations.
    fn look(&self, person: &Person, id_key: &IdKey, after: i64) -> Result<FoundRows> {
        let rows = rows_behind(&self.lock(), after).map_err(|error| failed(DOING, error))?;
        let last = rows.last().filter(|_| rows.len() == LOOK).map(|(number, ..)| *number);
        let mut found = FoundRows { last, ..FoundRows::default() };
        for (_, id, version, record) in rows {
            let id = ParticipationId::from_bytes(id);
            // A record that cannot be read has an unknown owner. It must not keep the others from being found.
            match record.and_then(|record| decode(id, version, &record).ok()) {
                Some(read) if person.takes_part_by(&read) => found.theirs.push(id),
                Some(read) if person.was_reached_at(&read, id_key) => {
                    found.earlier += 1;
                    found.consents.extend(read.consent().map(|consent| ProvenConsent {
                        participation: id,
                        brand: read.brand().clone(),
                        scope: read.scope().clone(),
                        consent: consent.clone(),
                    }));
                }
                Some(_) => {}
                None => found.unreadable += 1,
            }
        }
        Ok(found)
    }

    /// Erases the profile hints that name the person and that no participation led to.
    async fn erase_profiles(&self, person: &Person) -> Result<u64> {
        let (mut erased, mut after) = (0, String::new());
        loop {
            let rows = profiles_behind(&self.lock(), &after).map_err(|error| failed(DOING, error))?;
            let Some((last, _)) = rows.last() else { return Ok(erased) };
            after = last.clone();
            let named = |known: ProfileHint| person.is_named_by(&known.profile);
            let theirs = rows
                .into_iter()
                .filter(|(contact, record)| stored::hint::decode(contact, record).is_ok_and(named));
            let theirs: Vec<String> = theirs.map(|(contact, _)| contact).collect();
            for some in theirs.chunks(STEP) {
                erased += self.change(DOING, |transaction| {
                    forget_profiles(transaction, some).map_err(|error| failed(DOING, error))
                })?;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Moves everything out of the log and empties it, so that no copy of the overwritten content is left. Returns whether that succeeded
    /// in time: other connections may be reading from the log, or emptying it themselves.
    async fn empty_log(&self) -> bool {
        let until = later(SystemClock.now(), self.patience);
        loop {
            if self.try_to_empty_log().is_ok_and(|emptied| emptied) {
                return true;
            }
            if SystemClock.now() >= until {
                return false;
            }
            SystemClock.sleep(AGAIN_AFTER).await;
        }
    }

    /// Moves most of the log while others write. Only moving the rest and truncating the log hold writers up, and never for longer than
    /// one attempt takes.
    fn try_to_empty_log(&self) -> rusqlite::Result<bool> {
        let connection = self.lock();
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        connection.busy_timeout(TRY)?;
        let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        connection.busy_timeout(self.patience)?;
        busy.map(|busy| busy == 0)
    }
}

type RecordRow = (i64, [u8; 16], u64, Option<String>);

fn rows_behind(connection: &Connection, after: i64) -> rusqlite::Result<Vec<RecordRow>> {
    let mut next = connection.prepare_cached(
        "SELECT rowid, id, version, record FROM participations WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
    )?;
    // A record that is not text counts as one that cannot be read.
    let row =
        |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3).ok()));
    next.query_map(params![after, LOOK], row)?.collect()
}

fn profiles_behind(connection: &Connection, after: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut next = connection.prepare_cached(
        "SELECT contact, record FROM profiles WHERE contact > ?1 ORDER BY contact LIMIT ?2",
    )?;
    next.query_map(params![after, LOOK], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Erases participations as they are now and, with each, the profile hints of its contacts, in one transaction: a repeated call finds
/// both or neither. Returns how many of each were erased.
fn erase_some(
    transaction: &Transaction<'_>,
    ids: &[ParticipationId],
    (person, id_key): (&Person, &IdKey),
    now: Timestamp,
) -> rusqlite::Result<(u64, u64)> {
    let (mut participations, mut profiles) = (0, 0);
    for id in ids {
        let sql = "SELECT version, record FROM participations WHERE id = ?";
        let kept = one(transaction, sql, [id.to_bytes()], |row| {
            Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?))
        })?;
        let Some(mut theirs) = kept.and_then(|(version, record)| decode(*id, version, &record).ok()) else {
            continue;
        };
        if !person.takes_part_by(&theirs) {
            continue;
        }
        let contacts = theirs.contact().into_iter().chain([person.contact()]);
        let keys: Vec<String> =
            contacts.map(|contact| id_key.contact(theirs.brand(), &contact).to_string()).collect();
        rollup_rows::add_if_kept(transaction, &theirs.erasure_rollup(now))?;
        forget_person(&mut theirs, person, id_key, now);
        ParticipationRow::of(&theirs).map_err(unencodable)?.save(transaction)?;
        participations += 1;
        profiles += forget_profiles(transaction, &keys)?;
    }
    Ok((participations, profiles))
}

fn forget_profiles(transaction: &Transaction<'_>, keys: &[String]) -> rusqlite::Result<u64> {
    let mut delete = transaction.prepare_cached("DELETE FROM profiles WHERE contact = ?")?;
    let mut forgotten = 0;
    for key in keys {
        forgotten += u64::try_from(delete.execute([key])?).unwrap_or(u64::MAX);
    }
    Ok(forgotten)
}

impl AdminConnection {
    /// Erases what one participation holds about a person.
    pub(super) async fn erase_one(
        &self,
        id: ParticipationId,
        id_key: &IdKey,
        now: Timestamp,
    ) -> Result<ErasureReport> {
        const DOING: &str = "forgetting a participation";
        let gone = self.change(DOING, |transaction| {
            forget_one(transaction, id, id_key, now).map_err(|error| failed(DOING, error))
        })?;
        Ok(ErasureReport {
            participations: u64::from(gone),
            remains: !self.empty_log().await,
            ..ErasureReport::default()
        })
    }
}

/// Deletes a row and returns whether it existed.
fn forget_one(
    transaction: &Transaction<'_>,
    id: ParticipationId,
    id_key: &IdKey,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let sql = "SELECT version, brand, record FROM participations WHERE id = ?";
    let columns = |row: &rusqlite::Row<'_>| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    };
    let Some((version, brand, record)) = one(transaction, sql, [id.to_bytes()], columns)? else {
        return Ok(false);
    };
    let left = match decode(id, version, &record) {
        Ok(mut found) => {
            rollup_rows::add_if_kept(transaction, &found.erasure_rollup(now))?;
            forget(&mut found, id_key, now);
            found
        }
        Err(_) => {
            let has_award = has_line(transaction, id)?;
            let (named, scope) = whose(&record);
            let unknown = |error: IdentifierError| unreadable(Unreadable::new("participation", error).of(id));
            let brand = BrandId::parse(&brand).ok().or(named);
            let brand = brand.map_or_else(|| BrandId::parse("unknown").map_err(unknown), Ok)?;
            let scope = scope.map_or_else(|| Scope::parse("unknown").map_err(unknown), Ok)?;
            forgotten((id, version), (brand, scope), has_award, now)
        }
    };
    ParticipationRow::of(&left).map_err(unencodable)?.save(transaction)?;
    Ok(true)
}
