//! Brand files in a table, where every function finds them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::brand_file::BrandFile;
use ports::{Error, Result};

use crate::dynamo::item::{text, text_of};

/// Brand files by their names.
#[derive(Debug, Clone)]
pub struct BrandTable {
    client: Client,
    table: String,
}

/// What putting files into the table came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Files that are new or have changed.
    pub written: usize,
    /// Files that were there and are no more.
    pub removed: usize,
    /// Files that were there as they are.
    pub unchanged: usize,
}

impl BrandTable {
    /// The table of an environment.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, prefix: &str) -> Self {
        Self { client: Client::new(config), table: format!("{prefix}-brands") }
    }

    /// Makes the table, for emulators.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn make(&self) -> Result<()> {
        crate::dynamo::schema::make(&self.client, &self.table, &["name"], &[], Vec::new()).await
    }

    /// Every file, in the order of names.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn read(&self) -> Result<Vec<BrandFile>> {
        let mut files = Vec::new();
        let mut from = None;
        loop {
            let request = self.client.scan().table_name(&self.table).consistent_read(true);
            let page = request.set_exclusive_start_key(from.take()).send().await;
            let page = page.map_err(|error| Error::unavailable("reading brand files", error))?;
            for item in page.items() {
                let (name, text) = (text_of(item, "name")?, text_of(item, "file")?);
                files.push(BrandFile { name: name.to_owned(), text: text.to_owned() });
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                files.sort_by(|one, other| one.name.cmp(&other.name));
                return Ok(files);
            }
        }
    }

    /// Makes the table hold these files and no others. They are meant to have been checked.
    ///
    /// # Errors
    /// When the table cannot be read or written; then some may have been put.
    pub async fn push(&self, files: &[BrandFile]) -> Result<Pushed> {
        const DOING: &str = "writing brand files";
        let before = self.read().await?;
        let mut pushed = Pushed::default();
        for file in files {
            if before.iter().any(|kept| kept.name == file.name && kept.text == file.text) {
                pushed.unchanged += 1;
                continue;
            }
            let request = self.client.put_item().table_name(&self.table);
            let request = request.item("name", text(&file.name)).item("file", text(&file.text));
            request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
            pushed.written += 1;
        }
        for gone in before.iter().filter(|kept| files.iter().all(|file| file.name != kept.name)) {
            let name: AttributeValue = text(&gone.name);
            let request = self.client.delete_item().table_name(&self.table).key("name", name);
            request.send().await.map_err(|error| Error::unavailable(DOING, error))?;
            pushed.removed += 1;
        }
        Ok(pushed)
    }
}
