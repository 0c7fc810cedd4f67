//! Access to a data file next to the process that serves it, over a connection of its own and without the file's lock.

mod calls;
mod forgetting;
mod importing;
mod inspection;
mod overview;
mod pages;
mod pauses;
mod reports;
mod retry;
mod search;
mod set_aside;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::id_key::IdKey;
use domain::ids::{BrandId, ParticipationId};
use domain::person::Person;
use parking_lot::{Mutex, MutexGuard};
use ports::operations::{CALLBACK, Dead, ErasureReport, Operations, Overview, Storage, Which};
use ports::{Error, Result};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::file_version::{FileSchema, has_lines_in_rows, of_file};
use crate::id_key::{IdKeyError, KeptFingerprint};
use crate::log;
use crate::open_error::OpenError;
use crate::outages;
use crate::pauses as stored_pauses;
use crate::permissions;
use crate::schema;

/// How long to wait for the other process to finish a transaction.
const PATIENCE: Duration = Duration::from_secs(10);

/// A data file that another process may be serving.
pub struct AdminConnection {
    connection: Mutex<Connection>,
    path: PathBuf,
    patience: Duration,
}

impl AdminConnection {
    /// Opens an existing data file.
    ///
    /// # Errors
    /// When the file does not exist, or is not a data file.
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        Self::open_with(path, PATIENCE)
    }

    fn open_with(path: &Path, patience: Duration) -> std::result::Result<Self, OpenError> {
        permissions::check(path)?;
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(patience)?;
        // SQLite also overwrites deleted content with zeros.
        connection.pragma_update(None, "secure_delete", true)?;
        match of_file(&connection)? {
            FileSchema::OfAnother => return Err(OpenError::NotADataFile),
            FileSchema::WithoutLedgers => return Err(OpenError::Earlier),
            FileSchema::WithLedgers => {}
        }
        if schema::is_newer(&connection)? {
            return Err(OpenError::Newer);
        }
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned(), patience })
    }

    /// The key that the file's participation ids are made with: the environment's, or else the file's own. `None` when the file holds no
    /// participations yet.
    ///
    /// # Errors
    /// When the file's participations were made with another key.
    pub fn id_key(&self, of_environment: Option<&IdKey>) -> std::result::Result<Option<IdKey>, IdKeyError> {
        let kept =
            KeptFingerprint::read(&self.lock()).map_err(|error| failed("reading the id key", error))?;
        kept.key(of_environment)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock()
    }

    /// Checks that rows are as this version reads and writes them. Only `serve` upgrades a file.
    fn check_rows(&self, doing: &'static str) -> Result<()> {
        match has_lines_in_rows(&self.lock()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(of_an_earlier_version(doing)),
            Err(error) => Err(failed(doing, error)),
        }
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

/// The error of a question that the file cannot answer before `serve` has upgraded it.
fn of_an_earlier_version(doing: &'static str) -> Error {
    Error::unavailable(
        doing,
        "the data file is of an earlier version: start `serve` on it once, which upgrades it",
    )
}

fn failed(doing: &'static str, error: rusqlite::Error) -> Error {
    // The cause of SQLite's error repeats its text in other words.
    Error::unavailable(doing, error.to_string())
}

fn parked(connection: &Connection) -> Result<Vec<Dead>> {
    const DOING: &str = "reading parked callbacks";
    let mut statement = connection
        .prepare("SELECT id, record, attempts FROM notices WHERE due_at IS NULL ORDER BY id")
        .map_err(|error| failed(DOING, error))?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let rows: rusqlite::Result<Vec<(String, String, u32)>> = rows.and_then(Iterator::collect);
    let dead = |(id, record, attempts): (String, String, u32)| {
        let callback = stored::callback::decode(&id, &record).ok();
        Dead {
            id,
            kind: CALLBACK.to_owned(),
            brand: callback.as_ref().map(|callback| callback.brand.clone()),
            participations: callback.iter().map(|callback| callback.id.participation).collect(),
            attempts: Some(attempts),
            last_answer: stored::callback::answer_in(&record),
            why: None,
        }
    };
    Ok(rows.map_err(|error| failed(DOING, error))?.into_iter().map(dead).collect())
}

#[async_trait]
impl Operations for AdminConnection {
    async fn overview(&self, now: Timestamp) -> Result<Overview> {
        const DOING: &str = "reading the data file's state";
        let mut connection = self.lock();
        let overview = overview::overview(&mut connection, now).map_err(|error| failed(DOING, error))?;
        let outages = outages::outages(&connection).map_err(|error| failed(DOING, error))?;
        let paused = stored_pauses::all(&connection).map_err(|error| failed(DOING, error))?;
        let paused = stored_pauses::moments(paused)?;
        let mut brands = overview.brands;
        for dead in parked(&connection)? {
            if let Some(brand) = dead.brand {
                let work = brands.entry(brand).or_default();
                work.parked = work.parked.saturating_add(1);
            }
        }
        let length = |path: &Path| path.metadata().map_or(0, |found| found.len());
        let storage = Storage { file: length(&self.path), log: length(&log::path_of(&self.path)) };
        Ok(Overview {
            outages: outages::decoded(outages)?,
            storage: Some(storage),
            brands,
            paused,
            ..overview
        })
    }

    async fn dead(&self) -> Result<Vec<Dead>> {
        let connection = self.lock();
        let mut dead = parked(&connection)?;
        dead.extend(set_aside::records(&connection)?);
        Ok(dead)
    }

    async fn retry(&self, which: &Which, now: Timestamp) -> Result<Vec<Dead>> {
        const DOING: &str = "reviving callbacks";
        self.change(DOING, |transaction| {
            let chosen: Vec<Dead> =
                parked(transaction)?.into_iter().filter(|dead| which.means(dead)).collect();
            let records = set_aside::records(transaction)?.into_iter().filter(|dead| which.means(dead));
            let records: Vec<Dead> = records.collect();
            for dead in &records {
                set_aside::read_again(transaction, dead, now)?;
            }
            for dead in &chosen {
                transaction
                    .execute(
                        "UPDATE notices SET due_at = ?2, revived_at = ?2, attempts = 0 WHERE id = ?1 AND due_at IS NULL",
                        rusqlite::params![dead.id, now.as_millisecond()],
                    )
                    .map_err(|error| failed(DOING, error))?;
            }
            Ok(chosen.into_iter().chain(records).collect())
        })
    }

    async fn retry_now(&self, brand: &BrandId, now: Timestamp) -> Result<Option<u64>> {
        retry::now(self, brand, now)
    }

    async fn forget(&self, person: &Person, id_key: &IdKey, now: Timestamp) -> Result<ErasureReport> {
        self.erase(person, id_key, now).await
    }

    async fn forget_participation(
        &self,
        id: ParticipationId,
        id_key: &IdKey,
        now: Timestamp,
    ) -> Result<ErasureReport> {
        self.erase_one(id, id_key, now).await
    }
}

#[cfg(test)]
mod tests;
