//! Reading the whole data file page by page. Between two pages nothing is held, so that the log can start anew.

use async_trait::async_trait;
use domain::audit::AuditEntry;
use domain::ids::{ParticipationId, Scope};
use ports::pages::{AuditLog, AuditPage, HintPage, PageCursor, RecordPage, Records, StoredParticipation};
use ports::{Error, Result};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{AdminConnection, failed};
use crate::schema::AUDIT;

/// Rows of one page.
const PAGE: usize = 500;

const READING: &str = "reading participations";
const AUDITING: &str = "the audit log";

type RecordColumns = (i64, [u8; 16], u64, Option<String>, Option<String>);

fn rows_behind(connection: &Connection, after: i64) -> rusqlite::Result<Vec<RecordColumns>> {
    let mut next = connection.prepare_cached(
        "SELECT rowid, id, version, record, award FROM participations WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
    )?;
    next.query_map(params![after, PAGE], columns)?.collect()
}

/// The rows of an activation, and those whose scope cannot be read, found without parsing each record. Records are written without spaces,
/// and a quotation mark inside a value is escaped.
fn rows_of(connection: &Connection, scope: &Scope, after: i64) -> rusqlite::Result<Vec<RecordColumns>> {
    let mut next = connection.prepare_cached(
        "SELECT rowid, id, version, record, award FROM participations
         WHERE rowid > ?1 AND (instr(record, ?3) > 0 OR instr(record, '\"scope\":\"') = 0) ORDER BY rowid LIMIT ?2",
    )?;
    let wanted = format!("\"scope\":\"{scope}\"");
    next.query_map(params![after, PAGE, wanted], columns)?.collect()
}

fn columns(row: &Row<'_>) -> rusqlite::Result<RecordColumns> {
    let record = row.get::<_, String>(3).ok();
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, record, row.get(4)?))
}

fn number(after: Option<&PageCursor>) -> Result<i64> {
    let parsed = after.map_or(Ok(0), |cursor| cursor.0.parse());
    parsed.map_err(|error| Error::corrupt("cursor", error))
}

fn readable(
    id: ParticipationId,
    version: u64,
    record: Option<&str>,
    award: Option<&str>,
) -> Option<StoredParticipation> {
    let participation = stored::participation::decode(id, version, record?).ok()?;
    let award = award.map(|award| stored::award::decode(id, award)).transpose().ok()?;
    Some(StoredParticipation { participation, award })
}

fn page(rows: Vec<RecordColumns>) -> RecordPage {
    let last = rows.last().filter(|_| rows.len() == PAGE).map(|(number, ..)| *number);
    let mut page =
        RecordPage { next: last.map(|last| PageCursor(last.to_string())), ..RecordPage::default() };
    for (_, id, version, record, award) in rows {
        let id = ParticipationId::from_bytes(id);
        match readable(id, version, record.as_deref(), award.as_deref()) {
            Some(record) => page.records.push(record),
            None => page.unreadable.push(id),
        }
    }
    page
}

#[async_trait]
impl Records for AdminConnection {
    async fn records(&self, after: Option<&PageCursor>) -> Result<RecordPage> {
        self.check_rows(READING)?;
        let rows = rows_behind(&self.lock(), number(after)?).map_err(|error| failed(READING, error))?;
        Ok(page(rows))
    }

    async fn records_of(&self, scope: &Scope, after: Option<&PageCursor>) -> Result<RecordPage> {
        self.check_rows(READING)?;
        let rows = rows_of(&self.lock(), scope, number(after)?).map_err(|error| failed(READING, error))?;
        let mut page = page(rows);
        page.records.retain(|record| record.participation.scope() == scope);
        Ok(page)
    }

    async fn hints(&self, after: Option<&PageCursor>) -> Result<HintPage> {
        let after = after.map_or("", |cursor| cursor.0.as_str());
        let rows =
            hints_behind(&self.lock(), after).map_err(|error| failed("reading profile hints", error))?;
        let next = rows.last().filter(|_| rows.len() == PAGE).map(|(last, _)| PageCursor(last.clone()));
        let read = |(contact, record): (String, String)| {
            let hint = stored::hint::decode(&contact, &record).ok()?;
            Some((contact, hint))
        };
        Ok(HintPage { hints: rows.into_iter().filter_map(read).collect(), next })
    }
}

fn hints_behind(connection: &Connection, after: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut next = connection.prepare_cached(
        "SELECT contact, record FROM profiles WHERE contact > ?1 ORDER BY contact LIMIT ?2",
    )?;
    next.query_map(params![after, PAGE], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

#[async_trait]
impl AuditLog for AdminConnection {
    async fn note(&self, entry: &AuditEntry) -> Result<()> {
        let record = stored::audit::encode(entry)?;
        self.change(AUDITING, |transaction| {
            // A file of an earlier version has no audit log until `serve` has opened it.
            transaction
                .execute_batch(AUDIT)
                .and_then(|()| transaction.execute("INSERT INTO audit (record) VALUES (?)", [&record]))
                .map(|_| ())
                .map_err(|error| failed(AUDITING, error))
        })
    }

    async fn audit(&self, after: Option<&PageCursor>) -> Result<AuditPage> {
        let after = number(after)?;
        let rows = entries_behind(&self.lock(), after).map_err(|error| failed(AUDITING, error))?;
        let last = rows.last().filter(|_| rows.len() == PAGE).map(|(number, _)| *number);
        let mut page =
            AuditPage { next: last.map(|last| PageCursor(last.to_string())), ..AuditPage::default() };
        for (number, record) in rows {
            match stored::audit::decode(number, &record) {
                Ok(entry) => page.entries.push(entry),
                Err(_) => page.unreadable += 1,
            }
        }
        Ok(page)
    }
}

fn entries_behind(connection: &Connection, after: i64) -> rusqlite::Result<Vec<(i64, String)>> {
    let is_there = "SELECT 1 FROM sqlite_schema WHERE name = 'audit'";
    if connection.query_row(is_there, [], |_| Ok(())).optional()?.is_none() {
        return Ok(Vec::new());
    }
    let mut next = connection
        .prepare_cached("SELECT number, record FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2")?;
    next.query_map(params![after, PAGE], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
