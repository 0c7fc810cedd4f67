//! The books of request slots, a row a lane.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::reservation::{Allowance, Ledgered, Observed, Reservation, Windows};
use ports::Result;
use ports::limits::{Lane, Limits};
use rusqlite::{Row, Transaction, params};

use crate::data_file::DataFile;
use crate::rows::one;

#[async_trait]
impl Limits for DataFile {
    async fn reserve(
        &self,
        lane: &Lane,
        count: u32,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<Reservation> {
        let lane = key(lane);
        self.writer
            .write("booking requests", move |transaction| {
                let mut windows = read(transaction, &lane)?.unwrap_or_else(|| Windows::new(allowance, now));
                let reservation = windows.book(count, now);
                write(transaction, &lane, &windows)?;
                Ok(reservation)
            })
            .await
    }

    async fn observe(
        &self,
        lane: &Lane,
        observed: Observed,
        allowance: Allowance,
        now: Timestamp,
    ) -> Result<()> {
        let lane = key(lane);
        self.writer
            .write("correcting limits", move |transaction| {
                let mut windows = read(transaction, &lane)?.unwrap_or_else(|| Windows::new(allowance, now));
                if windows.correct(observed, now) {
                    write(transaction, &lane, &windows)?;
                }
                Ok(())
            })
            .await
    }
}

impl DataFile {
    /// Takes over the request slots of the process that had the file before. It is called once the id key is known to be the file's:
    /// another key must change nothing.
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

fn read(transaction: &Transaction<'_>, lane: &str) -> rusqlite::Result<Option<Windows>> {
    let sql = "SELECT requests, period, start, booked, probe_at, learning, by_contract, touched, resumed FROM limits WHERE lane = ?";
    one(transaction, sql, [lane], |row| {
        Ok(Windows::restore(Ledgered {
            requests: row.get(0)?,
            period: Duration::from_millis(row.get(1)?),
            start: moment(row, 2)?.unwrap_or(Timestamp::UNIX_EPOCH),
            booked: row.get(3)?,
            probe_at: moment(row, 4)?,
            learning: moment(row, 5)?,
            by_contract: row.get(6)?,
            touched: moment(row, 7)?,
            resumed: moment(row, 8)?,
        }))
    })
}

fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let milliseconds: Option<i64> = row.get(column)?;
    Ok(milliseconds.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()))
}

/// Takes over the books of the process that had the file before. Whoever has the lock is the only one: that process is gone.
fn take_over(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let lanes: Vec<String> = {
        let mut statement = transaction.prepare("SELECT lane FROM limits")?;
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
    };
    for lane in lanes {
        if let Some(mut windows) = read(transaction, &lane)? {
            windows.take_over(now);
            write(transaction, &lane, &windows)?;
        }
    }
    Ok(())
}

fn write(transaction: &Transaction<'_>, lane: &str, windows: &Windows) -> rusqlite::Result<()> {
    let kept = windows.keep();
    let period = u64::try_from(kept.period.as_millis()).unwrap_or(u64::MAX);
    let mut statement = transaction.prepare_cached(
        "INSERT INTO limits (lane, requests, period, start, booked, probe_at, learning, by_contract, touched, resumed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET requests = excluded.requests, period = excluded.period, start = excluded.start,
                                   booked = excluded.booked, probe_at = excluded.probe_at, learning = excluded.learning,
                                   by_contract = excluded.by_contract, touched = excluded.touched, resumed = excluded.resumed",
    )?;
    let probe_at = kept.probe_at.map(Timestamp::as_millisecond);
    statement.execute(params![
        lane,
        kept.requests,
        period,
        kept.start.as_millisecond(),
        kept.booked,
        probe_at,
        kept.learning.map(Timestamp::as_millisecond),
        kept.by_contract,
        kept.touched.map(Timestamp::as_millisecond),
        kept.resumed.map(Timestamp::as_millisecond)
    ])?;
    Ok(())
}
