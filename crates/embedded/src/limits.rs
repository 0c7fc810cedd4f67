//! The counters of request slots, one row for each lane.

use std::sync::LazyLock;

use async_trait::async_trait;
use domain::Timestamp;
use domain::reservation::{Observed, Reservation, WantedSlots, Windows};
use ports::Result;
use ports::limits::{ContractLane, Lane, Limits};
use rusqlite::Connection;
use stored::limits;

use crate::data_file::DataFile;
use crate::rows::{one, unencodable, unreadable};

static READ: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM limits WHERE lane = ?", limits::NAMES.join(", ")));

/// An update leaves a newer version's columns as they are.
static WRITE: LazyLock<String> = LazyLock::new(|| {
    let places: Vec<String> = (2..).take(limits::NAMES.len()).map(|place| format!("?{place}")).collect();
    let replaced = limits::NAMES.map(|name| format!("{name} = excluded.{name}"));
    format!(
        "INSERT INTO limits (lane, {}) VALUES (?1, {}) ON CONFLICT DO UPDATE SET {}",
        limits::NAMES.join(", "),
        places.join(", "),
        replaced.join(", "),
    )
});

#[async_trait]
impl Limits for DataFile {
    async fn reserve(&self, lane: &ContractLane, wanted: WantedSlots, now: Timestamp) -> Result<Reservation> {
        let (lane, contract) = (key(&lane.lane), lane.contract);
        self.writer
            .write("booking requests", move |transaction| {
                let mut windows = read(transaction, &lane)?.unwrap_or_else(|| Windows::new(contract, now));
                windows.go_by(contract, now);
                let reservation = windows.book_with_spare(wanted, now);
                write(transaction, &lane, &windows)?;
                Ok(reservation)
            })
            .await
    }

    async fn observe(&self, lane: &ContractLane, observed: Observed, now: Timestamp) -> Result<()> {
        let (lane, contract) = (key(&lane.lane), lane.contract);
        self.writer
            .write("correcting limits", move |transaction| {
                let mut windows = read(transaction, &lane)?.unwrap_or_else(|| Windows::new(contract, now));
                windows.go_by(contract, now);
                if windows.correct(observed, now) {
                    write(transaction, &lane, &windows)?;
                }
                Ok(())
            })
            .await
    }
}

impl DataFile {
    /// Takes over the request slots of the process that last had the file. Call this only after the id key has been checked against the
    /// file: with a wrong key, nothing may change.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn take_over_slots(&self) -> Result<()> {
        let now = self.clock.now();
        self.writer.write("taking over request slots", move |transaction| take_over(transaction, now)).await
    }
}

fn key(lane: &Lane) -> String {
    format!("{} {}", lane.brand, lane.endpoint.name())
}

fn read(transaction: &Connection, lane: &str) -> rusqlite::Result<Option<Windows>> {
    let record = one(transaction, &READ, [lane], |row| {
        let number = |name| row.get::<_, Option<i64>>(name).map_err(Into::into);
        limits::decode(lane, number).map_err(unreadable)
    })?;
    Ok(record.map(Windows::restore))
}

/// Takes over the counters of the process that last had the file. That process has ended, because this one holds the lock.
fn take_over(transaction: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let lanes: Vec<String> = {
        let mut statement = transaction.prepare("SELECT lane FROM limits")?;
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
    };
    for lane in lanes {
        match read(transaction, &lane) {
            Ok(Some(mut windows)) => {
                windows.take_over(now);
                write(transaction, &lane, &windows)?;
            }
            Ok(None) => {}
            // The next booking in this lane reports the error. The other lanes continue.
            Err(rusqlite::Error::FromSqlConversionFailure(..)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn write(transaction: &Connection, lane: &str, windows: &Windows) -> rusqlite::Result<()> {
    let numbers = limits::encode(lane, &windows.keep()).map_err(unencodable)?;
    let mut statement = transaction.prepare_cached(&WRITE)?;
    statement.raw_bind_parameter(1, lane)?;
    for (place, (_, number)) in (2..).zip(numbers) {
        statement.raw_bind_parameter(place, number)?;
    }
    statement.raw_execute().map(|_| ())
}
