//! A data file, seen from beside the process that serves it: a connection of its own, and no lock.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::identity::{BrandId, IdKey, ParticipationId};
use domain::participation::Participation;
use domain::person::{Person, forget};
use domain::profile::KnownProfile;
use domain::time::later;
use ports::clock::SystemClock;
use ports::operations::{CALLBACK, Dead, Forgotten, LimitInUse, MOST_COUNTED, Operations, Overview, Which};
use ports::record::{decode, decode_known, decode_notice};
use ports::{Clock, Error, Result};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::data_file::{OpenError, moment};
use crate::id_key::{IdKeyError, Kept};
use crate::outages;
use crate::permissions;
use crate::store::Row;

mod retry;

/// How long to wait for the other process to finish a transaction.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait for whoever is at the log.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A data file that another process may be serving.
pub struct Beside {
    connection: Mutex<Connection>,
    patience: Duration,
}

impl Beside {
    /// Opens a data file that is there.
    ///
    /// # Errors
    /// When it is not there, or is something else.
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        Self::open_with(path, PATIENCE)
    }

    fn open_with(path: &Path, patience: Duration) -> std::result::Result<Self, OpenError> {
        permissions::check(path)?;
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(patience)?;
        // What is overwritten is overwritten with zeros, too.
        connection.pragma_update(None, "secure_delete", true)?;
        let known = "SELECT count(*) FROM sqlite_schema WHERE name IN ('participations', 'notices')";
        let tables: i64 = connection.query_row(known, [], |row| row.get(0))?;
        if tables == 2 {
            Ok(Self { connection: Mutex::new(connection), patience })
        } else {
            Err(OpenError::NotADataFile)
        }
    }

    /// The key that the file's participation ids are made with: the environment's, or else the file's own. `None` where nobody has taken
    /// part.
    ///
    /// # Errors
    /// When the file's participations were made with another key.
    pub fn id_key(&self, of_environment: Option<&IdKey>) -> std::result::Result<Option<IdKey>, IdKeyError> {
        let kept = Kept::read(&self.lock()).map_err(|error| failed("reading the id key", error))?;
        kept.key(of_environment)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| failed(doing, error))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(|error| failed(doing, error))?;
        Ok(done)
    }
}

impl Beside {
    /// Moves everything out of the log and empties it, so that what was overwritten is nowhere any more. Others may be reading what is
    /// in it, or be at the same; whether it could be done in time.
    async fn empty_log(&self) -> bool {
        let until = later(SystemClock.now(), self.patience);
        loop {
            let busy =
                self.lock().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
            let emptied = busy.is_ok_and(|busy| busy == 0);
            if emptied || SystemClock.now() >= until {
                return emptied;
            }
            SystemClock.sleep(AGAIN_AFTER).await;
        }
    }
}

fn failed(doing: &'static str, error: rusqlite::Error) -> Error {
    // SQLite's error has a second wording of itself as its cause.
    Error::unavailable(doing, error.to_string())
}

/// A number by each name.
fn counts(connection: &Connection, sql: &str) -> rusqlite::Result<BTreeMap<String, u64>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn overview(connection: &Connection, now: Timestamp) -> rusqlite::Result<Overview> {
    let participations =
        counts(connection, "SELECT record ->> '$.state.name', count(*) FROM participations GROUP BY 1")?;
    let oldest_open = connection.query_row(
        "SELECT min(record ->> '$.accepted_at') FROM participations WHERE due_at IS NOT NULL",
        [],
        |row| row.get(0),
    )?;
    let (due, due_since) = connection.query_row(
        "SELECT count(*), min(due_at) FROM
         (SELECT due_at FROM participations WHERE due_at <= ?1 UNION ALL SELECT due_at FROM awards WHERE due_at <= ?1
          ORDER BY due_at LIMIT ?2)",
        [now.as_millisecond(), i64::try_from(MOST_COUNTED).unwrap_or(i64::MAX)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let notices = |which: &str| {
        let sql = format!("SELECT count(*) FROM notices WHERE due_at IS {which}");
        connection.query_row(&sql, [], |row| row.get::<_, u64>(0))
    };
    Ok(Overview {
        participations,
        oldest_open: moment(oldest_open),
        due,
        due_since: moment(due_since),
        messages: counts(connection, "SELECT queue, count(*) FROM messages GROUP BY 1")?,
        notices: notices("NOT NULL")?,
        dead: BTreeMap::from([(CALLBACK.to_owned(), notices("NULL")?)]),
        limits: limits(connection)?,
        outages: BTreeMap::new(),
    })
}

fn limits(connection: &Connection) -> rusqlite::Result<BTreeMap<String, LimitInUse>> {
    let mut statement =
        connection.prepare("SELECT lane, requests, period, start, booked, probe_at FROM limits")?;
    let rows = statement.query_map([], |row| {
        let (period, start): (i64, i64) = (row.get(2)?, row.get(3)?);
        let limit = LimitInUse {
            requests: row.get(1)?,
            period: Duration::from_millis(u64::try_from(period).unwrap_or_default()),
            booked: row.get(4)?,
            until: moment(start.checked_add(period)).unwrap_or_default(),
            refused_until: moment(row.get(5)?),
        };
        Ok((row.get(0)?, limit))
    })?;
    rows.collect()
}

fn parked(connection: &Connection) -> Result<Vec<Dead>> {
    const DOING: &str = "reading parked callbacks";
    let mut statement = connection
        .prepare("SELECT id, record FROM notices WHERE due_at IS NULL ORDER BY id")
        .map_err(|error| failed(DOING, error))?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let rows: rusqlite::Result<Vec<(String, String)>> = rows.and_then(Iterator::collect);
    let dead = |(id, record): (String, String)| {
        let notice = decode_notice(&record).ok();
        Dead {
            id,
            kind: CALLBACK.to_owned(),
            brand: notice.as_ref().map(|notice| notice.brand.clone()),
            participations: notice.iter().map(|notice| notice.id.participation).collect(),
        }
    };
    Ok(rows.map_err(|error| failed(DOING, error))?.into_iter().map(dead).collect())
}

/// Everybody's participations that are this person's, and how many cannot be read.
fn participations_of(transaction: &Transaction<'_>, person: &Person) -> Result<(Vec<Participation>, u64)> {
    const DOING: &str = "reading participations";
    let mut statement = transaction
        .prepare("SELECT id, version, record FROM participations")
        .map_err(|error| failed(DOING, error))?;
    let mut rows = statement.query([]).map_err(|error| failed(DOING, error))?;
    let (mut theirs, mut unreadable) = (Vec::new(), 0);
    while let Some(row) = rows.next().map_err(|error| failed(DOING, error))? {
        let columns = || Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?));
        let (id, version, record) = columns().map_err(|error| failed(DOING, error))?;
        // One that cannot be read is nobody's, as far as anybody can tell: it must not keep the others from being found.
        match decode(ParticipationId::from_bytes(id), version, &record) {
            Ok(found) if person.is_reached_at(&found.contact) => theirs.push(found),
            Ok(_) => {}
            Err(_) => unreadable += 1,
        }
    }
    Ok((theirs, unreadable))
}

/// What is known of this person's profiles: by the contacts that they took part with, and by what it says.
fn forget_profiles(transaction: &Transaction<'_>, person: &Person, keys: &[String]) -> rusqlite::Result<u64> {
    let mut found = transaction.prepare("SELECT contact, record FROM profiles")?;
    let rows = found.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>()?;
    let mut delete = transaction.prepare("DELETE FROM profiles WHERE contact = ?")?;
    let mut forgotten = 0;
    for (contact, record) in rows {
        let named = |known: KnownProfile| person.is_named_by(&known.profile);
        if keys.contains(&contact) || decode_known(&record).is_ok_and(named) {
            forgotten += u64::try_from(delete.execute([contact])?).unwrap_or_default();
        }
    }
    Ok(forgotten)
}

#[async_trait]
impl Operations for Beside {
    async fn overview(&self, now: Timestamp) -> Result<Overview> {
        const DOING: &str = "looking at the data file";
        let connection = self.lock();
        let overview = overview(&connection, now).map_err(|error| failed(DOING, error))?;
        let outages = outages::outages(&connection).map_err(|error| failed(DOING, error))?;
        Ok(Overview { outages: outages::decoded(outages)?, ..overview })
    }

    async fn dead(&self) -> Result<Vec<Dead>> {
        parked(&self.lock())
    }

    async fn retry(&self, which: &Which, now: Timestamp) -> Result<Vec<Dead>> {
        const DOING: &str = "reviving callbacks";
        self.change(DOING, |transaction| {
            let chosen: Vec<Dead> =
                parked(transaction)?.into_iter().filter(|dead| which.means(dead)).collect();
            for dead in &chosen {
                transaction
                    .execute(
                        "UPDATE notices SET due_at = ?2, revived_at = ?2, attempts = 0 WHERE id = ?1 AND due_at IS NULL",
                        rusqlite::params![dead.id, now.as_millisecond()],
                    )
                    .map_err(|error| failed(DOING, error))?;
            }
            Ok(chosen)
        })
    }

    async fn retry_now(&self, brand: &BrandId, now: Timestamp) -> Result<Option<u64>> {
        retry::now(self, brand, now)
    }

    async fn forget(&self, person: &Person, id_key: &IdKey, now: Timestamp) -> Result<Forgotten> {
        const DOING: &str = "forgetting a person";
        let forgotten = self.change(DOING, |transaction| {
            let mut keys = Vec::new();
            let mut participations = 0;
            let (theirs, unreadable) = participations_of(transaction, person)?;
            for mut participation in theirs {
                keys.push(id_key.contact(&participation.brand, &participation.contact).to_string());
                keys.push(id_key.contact(&participation.brand, &person.contact()).to_string());
                forget(&mut participation, now);
                Row::of(&participation).save(transaction).map_err(|error| failed(DOING, error))?;
                participations += 1;
            }
            let profiles =
                forget_profiles(transaction, person, &keys).map_err(|error| failed(DOING, error))?;
            Ok(Forgotten { participations, profiles, unreadable, remains: false })
        })?;
        Ok(Forgotten { remains: !self.empty_log().await, ..forgotten })
    }
}

#[cfg(test)]
mod tests;
