//! Brand files in a table that every function reads.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::brand_file::{BrandFile, Given, UnreadableFile};
use ports::error::in_full;
use ports::{Error, Result};
use stored::brand_file;

use crate::dynamo::item::{text, text_of};

/// The table of brand files, by name.
#[derive(Debug, Clone)]
pub struct BrandTable {
    client: Client,
    table: String,
}

/// How many files a push has written, removed and left unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Files that are new or have changed.
    pub written: usize,
    /// Files that were in the table and are not in it any more.
    pub removed: usize,
    /// Files that were in the table with the same content.
    pub unchanged: usize,
}

impl BrandTable {
    /// The brand table of an environment.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, prefix: &str) -> Self {
        Self { client: Client::new(config), table: format!("{prefix}-brands") }
    }

    /// Creates the table, for emulators.
    ///
    /// # Errors
    /// When the table cannot be created.
    pub async fn make(&self) -> Result<()> {
        crate::dynamo::schema::make(&self.client, &self.table, &["name"], &[], Vec::new()).await
    }

    /// Reads every file, in the order of names. An item that is not a brand file does not affect the others.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn read(&self) -> Result<Vec<Given>> {
        let mut files = Vec::new();
        let mut from = None;
        loop {
            let request = self.client.scan().table_name(&self.table).consistent_read(true);
            let page = request.set_exclusive_start_key(from.take()).send().await;
            let page = page.map_err(|error| Error::unavailable("reading brand files", error))?;
            for item in page.items() {
                let name = text_of(item, brand_file::NAME)?;
                files.push(brand_file::decode(name, text_of(item, brand_file::TEXT).ok()).map_err(|error| {
                    UnreadableFile {
                        name: name.to_owned(),
                        why: in_full(&error),
                        remains: Some(String::new()),
                    }
                }));
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                files.sort_by(|one, other| name_of(one).cmp(name_of(other)));
                return Ok(files);
            }
        }
    }

    /// Makes the table hold these files and no others. The caller has checked them.
    ///
    /// # Errors
    /// When the table cannot be read or written. In that case some files may have been written.
    pub async fn push(&self, files: &[BrandFile]) -> Result<Pushed> {
        self.push_beside(files, &BTreeSet::new()).await
    }

    /// Does the same as `push`, but leaves the files named in `left` in the table.
    ///
    /// # Errors
    /// When the table cannot be read or written. In that case some files may have been written.
    pub async fn push_beside(&self, files: &[BrandFile], left: &BTreeSet<String>) -> Result<Pushed> {
        const DOING: &str = "writing brand files";
        let before = self.read().await?;
        let mut pushed = Pushed::default();
        for file in files {
            if before.iter().any(|kept| kept.as_ref() == Ok(file)) {
                pushed.unchanged += 1;
                continue;
            }
            let mut request = self.client.put_item().table_name(&self.table);
            for (name, kept) in brand_file::encode(file) {
                request = request.item(name, text(kept));
            }
            request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
            pushed.written += 1;
        }
        let stays = |name: &str| left.contains(name) || files.iter().any(|file| file.name == name);
        for gone in before.iter().map(name_of).filter(|name| !stays(name)) {
            let name: AttributeValue = text(gone);
            let request = self.client.delete_item().table_name(&self.table).key("name", name);
            request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
            pushed.removed += 1;
        }
        Ok(pushed)
    }
}

/// The name of a file, whether or not it can be read.
fn name_of(file: &Given) -> &str {
    match file {
        Ok(file) => &file.name,
        Err(unreadable) => &unreadable.name,
    }
}
