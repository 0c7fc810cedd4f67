//! Calls to Braze, from a file that another process may be serving.

use async_trait::async_trait;
use domain::Timestamp;
use domain::ids::BrandId;
use ports::calls::CallPage;
use ports::pages::PageCursor;
use ports::{CallReading, Error, Result};
use rusqlite::{Connection, params};

use super::{AdminConnection, failed};
use crate::rows::one;

/// Rows of one page.
const PAGE: usize = 500;

const DOING: &str = "reading calls";

/// A row: its number, the time at which it was kept, and the record.
type CallsRow = (i64, i64, String);

#[async_trait]
impl CallReading for AdminConnection {
    async fn called_brands(&self) -> Result<Option<Vec<BrandId>>> {
        let brands = brands(&self.lock()).map_err(|error| failed(DOING, error))?;
        let brands =
            brands.into_iter().map(|brand| BrandId::parse(&brand)).collect::<std::result::Result<_, _>>();
        brands.map(Some).map_err(|error| Error::corrupt("brand", error))
    }

    async fn calls(&self, brand: &BrandId, since: Timestamp, after: Option<&PageCursor>) -> Result<CallPage> {
        let after = after.map_or(Ok((since.as_millisecond(), 0)), parsed)?;
        let rows = rows_behind(&self.lock(), brand, after).map_err(|error| failed(DOING, error))?;
        let last = rows.last().filter(|_| rows.len() == PAGE).map(cursor);
        let mut page = CallPage { next: last, ..CallPage::default() };
        for row in rows {
            match stored::calls::decode(brand, &row.2) {
                Ok(batch) => page.batches.push((cursor(&row), batch)),
                Err(_) => page.unreadable += 1,
            }
        }
        Ok(page)
    }
}

fn cursor((number, kept_at, _): &CallsRow) -> PageCursor {
    PageCursor(format!("{kept_at} {number}"))
}

fn parsed(cursor: &PageCursor) -> Result<(i64, i64)> {
    let parts = cursor
        .0
        .split_once(' ')
        .and_then(|(kept_at, number)| Some((kept_at.parse().ok()?, number.parse().ok()?)));
    parts.ok_or_else(|| Error::corrupt("cursor", "it is not of this store"))
}

/// Whether the file has calls. A file of an earlier version has none.
fn are_kept(connection: &Connection) -> rusqlite::Result<bool> {
    let kept = one(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'calls'", [], |_| Ok(()))?;
    Ok(kept.is_some())
}

fn brands(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut brands: Vec<String> = Vec::new();
    if !are_kept(connection)? {
        return Ok(brands);
    }
    let mut next = connection.prepare_cached("SELECT min(brand) FROM calls WHERE brand > ?1")?;
    loop {
        let last = brands.last().map_or("", String::as_str);
        match next.query_row([last], |row| row.get::<_, Option<String>>(0))? {
            Some(brand) => brands.push(brand),
            None => return Ok(brands),
        }
    }
}

fn rows_behind(
    connection: &Connection,
    brand: &BrandId,
    (kept_at, number): (i64, i64),
) -> rusqlite::Result<Vec<CallsRow>> {
    if !are_kept(connection)? {
        return Ok(Vec::new());
    }
    let mut next = connection.prepare_cached(
        "SELECT number, kept_at, record FROM calls
         WHERE brand = ?1 AND kept_at >= ?2 AND (kept_at, number) > (?2, ?3) ORDER BY kept_at, number LIMIT ?4",
    )?;
    let parameters = params![brand.as_str(), kept_at, number, PAGE];
    next.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}
