//! Brands whose workspace does not answer, and brands that an operator wants retried at once. Both are rows of the settings.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ids::BrandId;
use ports::outages::{Outage, Outages};
use ports::{Error, Result};
use rusqlite::Connection;

use crate::data_file::DataFile;
use crate::group::Group;

/// The prefix of the name of a brand's outage.
const OUTAGE: &str = "braze_unanswered ";

/// The prefix of the name of a request to retry a brand.
const RETRY_NOW: &str = "retry_now ";

#[async_trait]
impl Outages for DataFile {
    async fn keep_outage(&self, brand: &BrandId, outage: &Outage) -> Result<()> {
        let (name, value) = (format!("{OUTAGE}{brand}"), stored::outage::encode(brand, outage)?);
        self.writer.write("keeping an outage", move |transaction| put(transaction, &name, &value)).await
    }

    async fn end_outage(&self, brand: &BrandId) -> Result<()> {
        let name = format!("{OUTAGE}{brand}");
        self.writer.write("ending an outage", move |transaction| remove(transaction, &name)).await
    }

    async fn outages(&self) -> Result<BTreeMap<BrandId, Outage>> {
        let rows = self.reader.read("reading outages", |connection| by_brand(connection, OUTAGE)).await?;
        decoded(rows)
    }
}

impl DataFile {
    /// The brands that an operator has asked, from another process, to retry at once. Each request is returned once.
    ///
    /// # Errors
    /// When the requests cannot be read.
    pub async fn brands_to_retry(&self) -> Result<Vec<BrandId>> {
        const DOING: &str = "reading requests to retry brands";
        let wished = self.reader.read(DOING, |connection| by_brand(connection, RETRY_NOW)).await?;
        if wished.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = wished.keys().map(|brand| format!("{RETRY_NOW}{brand}")).collect();
        let take = move |transaction: &Group<'_>| names.iter().try_for_each(|name| remove(transaction, name));
        self.writer.write(DOING, take).await?;
        wished.into_keys().map(|brand| parsed(&brand)).collect()
    }
}

/// Requests that a brand is retried at once.
pub(crate) fn wish_to_retry(transaction: &Connection, brand: &BrandId) -> rusqlite::Result<()> {
    put(transaction, &format!("{RETRY_NOW}{brand}"), "1")
}

/// The outages as they are stored in the file.
pub(crate) fn outages(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    by_brand(connection, OUTAGE)
}

/// Decodes stored outages.
pub(crate) fn decoded(rows: BTreeMap<String, String>) -> Result<BTreeMap<BrandId, Outage>> {
    let outage = |(brand, record): (String, String)| {
        let brand = parsed(&brand)?;
        let outage = stored::outage::decode(&brand, &record)?;
        Ok((brand, outage))
    };
    rows.into_iter().map(outage).collect()
}

fn parsed(brand: &str) -> Result<BrandId> {
    BrandId::parse(brand).map_err(|error| Error::corrupt("brand", error))
}

fn put(transaction: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
    )?;
    statement.execute([name, value]).map(|_| ())
}

fn remove(transaction: &Connection, name: &str) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM settings WHERE name = ?")?.execute([name]).map(|_| ())
}

/// The settings whose names begin with `prefix`, by the rest of their names.
fn by_brand(connection: &Connection, prefix: &str) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement = connection.prepare_cached(
        "SELECT substr(name, length(?1) + 1), value FROM settings WHERE substr(name, 1, length(?1)) = ?1",
    )?;
    let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
