//! Brand files in a table that every function reads.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::brand_file::{BrandFile, Given, UnreadableFile};
use ports::error::in_full;
use ports::{Error, Result};
use stored::brand_file;

use crate::dynamo::item::{text, text_of};
use crate::dynamo::transaction::transact;

const DOING: &str = "writing brand files";

/// The most items in one write, and the most bytes of files, with room for conditions (DynamoDB, TransactWriteItems: 4 MB).
const MOST_WRITES: usize = 100;
const MOST_BYTES: usize = 1_500_000;

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
    /// When the table cannot be read or written, or somebody else writes it at the same time. In that case nothing was written.
    pub async fn push(&self, files: &[BrandFile]) -> Result<Pushed> {
        let before = self.read().await?;
        self.push_over(&before, files, &BTreeSet::new()).await
    }

    /// Makes the table hold these files, and of those that it held before only the ones named in `left`. All of it is one write, which
    /// succeeds only if the table still holds what it held before. More than a hundred changed files, or more than 1.5 MB of them, are
    /// several writes (DynamoDB, TransactWriteItems).
    ///
    /// # Errors
    /// When the table cannot be written, or somebody else has written it meanwhile. In that case nothing was written, or the first of
    /// several writes.
    pub async fn push_over(
        &self,
        before: &[Given],
        files: &[BrandFile],
        left: &BTreeSet<String>,
    ) -> Result<Pushed> {
        let mut pushed = Pushed::default();
        let (mut writes, mut size) = (Vec::new(), 0);
        let mut all = Vec::new();
        for file in files {
            let former = before.iter().find(|kept| name_of(kept) == file.name);
            if former.is_some_and(|kept| kept.as_ref() == Ok(file)) {
                pushed.unchanged += 1;
                continue;
            }
            if size + file.text.len() > MOST_BYTES && !writes.is_empty() {
                all.push(std::mem::take(&mut writes));
                size = 0;
            }
            size += file.text.len();
            writes.push(self.put(file, former)?);
            pushed.written += 1;
        }
        let stays = |name: &str| left.contains(name) || files.iter().any(|file| file.name == name);
        for gone in before.iter().filter(|kept| !stays(name_of(kept))) {
            writes.push(self.delete(gone)?);
            pushed.removed += 1;
        }
        all.push(writes);
        for some in all.iter().flat_map(|writes| writes.chunks(MOST_WRITES)) {
            self.write_together(some.to_vec()).await?;
        }
        Ok(pushed)
    }

    fn put(&self, file: &BrandFile, former: Option<&Given>) -> Result<TransactWriteItem> {
        let mut put = Put::builder().table_name(&self.table);
        for (name, kept) in brand_file::encode(file) {
            put = put.item(name, text(kept));
        }
        let put = match former {
            Some(Ok(former)) => put
                .condition_expression("#attribute = :former")
                .expression_attribute_names("#attribute", brand_file::TEXT)
                .expression_attribute_values(":former", text(&former.text)),
            Some(Err(_)) => put
                .condition_expression("attribute_exists(#attribute)")
                .expression_attribute_names("#attribute", brand_file::NAME),
            None => put
                .condition_expression("attribute_not_exists(#attribute)")
                .expression_attribute_names("#attribute", brand_file::NAME),
        };
        let put = put.build().map_err(|error| Error::unavailable(DOING, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn delete(&self, former: &Given) -> Result<TransactWriteItem> {
        let mut delete =
            Delete::builder().table_name(&self.table).key(brand_file::NAME, text(name_of(former)));
        if let Ok(former) = former {
            delete = delete
                .condition_expression("#text = :former")
                .expression_attribute_names("#text", brand_file::TEXT)
                .expression_attribute_values(":former", text(&former.text));
        }
        let delete = delete.build().map_err(|error| Error::unavailable(DOING, error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    async fn write_together(&self, writes: Vec<TransactWriteItem>) -> Result<()> {
        if transact(&self.client, DOING, writes).await? {
            return Ok(());
        }
        Err(Error::unavailable(DOING, "somebody else has pushed meanwhile; push again"))
    }
}

/// The name of a file, whether or not it can be read.
fn name_of(file: &Given) -> &str {
    match file {
        Ok(file) => &file.name,
        Err(unreadable) => &unreadable.name,
    }
}
