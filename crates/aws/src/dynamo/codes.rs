//! The import of codes into a pool.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::codes::with_mark;
use domain::ids::BrandId;
use domain::incentive::Pool;
use futures::future::try_join_all;
use ports::ledger::Stock;
use ports::{Error, Result};
use sha2::{Digest, Sha256};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, number, number_of, required, text, text_of};
use crate::dynamo::read::{code_line, pool_name};

const DOING: &str = "importing codes";

/// Codes that one call looks up (DynamoDB, BatchGetItem).
const IN_CALL: usize = 100;

/// Codes that are looked up at once, in several calls.
const AT_ONCE: usize = 10 * IN_CALL;

/// Codes in one transaction. Each comes with an item that keeps it unique, and the pool's counters come with all of them: 99 of the 100
/// items that a transaction may have.
const IN_TRANSACTION: usize = 49;

/// After this many lost races in a row, the import gives up.
const MOST_TRIES: u32 = 200;

/// A pool's counters, and the last list that was imported completely.
#[derive(Default)]
struct PoolCounts {
    version: u64,
    codes: u32,
    given: u32,
    imported: Option<String>,
}

impl PoolCounts {
    fn stock(&self) -> Stock {
        Stock { codes: self.codes, given: self.given }
    }
}

/// A list of codes on its way into a pool.
struct Import<'a> {
    dynamo: &'a Dynamo,
    /// The pool's name in the table, and the name under which a brand's codes are kept unique.
    pool: String,
    known_as: String,
}

impl Dynamo {
    /// Imports codes as `Ledger::import_codes` does, and says after each part how many codes are done. A list that was imported before
    /// costs one call. After an interruption, the codes that are there already are not written again.
    ///
    /// # Errors
    /// When the table cannot be read or written. Some codes may have been imported.
    pub async fn import_codes_with(
        &self,
        brand: &BrandId,
        pool: &Pool,
        codes: &[String],
        done: impl Fn(usize) + Send + Sync,
    ) -> Result<Stock> {
        let import =
            Import { dynamo: self, pool: pool_name(brand, pool), known_as: format!("codes {brand}") };
        let fingerprint = fingerprint(codes);
        let mut counters = import.counters().await?;
        if counters.imported.as_ref() != Some(&fingerprint) {
            let first_is_marked = import.first_is_marked(codes).await?;
            for (number, some) in codes.chunks(AT_ONCE).enumerate() {
                let marked = some.first().filter(|_| number == 0 && first_is_marked);
                for part in import.unknown(some).await?.chunks(IN_TRANSACTION) {
                    import.write(part, marked, &mut counters).await?;
                }
                done((number * AT_ONCE + some.len()).min(codes.len()));
            }
            if !codes.is_empty() {
                import.complete(&fingerprint).await?;
            }
        }
        done(codes.len());
        Ok(counters.stock())
    }
}

impl Import<'_> {
    async fn counters(&self) -> Result<PoolCounts> {
        let Some(item) = self.dynamo.line_of(&self.pool, "counts").await? else {
            return Ok(PoolCounts::default());
        };
        Ok(PoolCounts {
            version: required(&item, "version")?,
            codes: required(&item, "codes")?,
            given: number_of(&item, "given")?.unwrap_or_default(),
            imported: text_of(&item, "imported").ok().map(ToOwned::to_owned),
        })
    }

    /// Whether an earlier version has imported the first code with the byte order mark of its file.
    async fn first_is_marked(&self, codes: &[String]) -> Result<bool> {
        match codes.first() {
            Some(code) => Ok(self.dynamo.line_of(&self.known_as, &with_mark(code)).await?.is_some()),
            None => Ok(false),
        }
    }

    /// The codes that the brand does not have yet.
    async fn unknown(&self, codes: &[String]) -> Result<Vec<String>> {
        let look_up = |some: &[String]| {
            let key = |code: &String| {
                Item::from([("ledger".to_owned(), text(&self.known_as)), ("line".to_owned(), text(code))])
            };
            let keys = some.iter().map(key).collect();
            self.dynamo.batch_get_items(DOING, &self.dynamo.tables.ledgers, keys)
        };
        let found = try_join_all(codes.chunks(IN_CALL).map(look_up)).await?;
        let known = found.iter().flatten().map(|item| text_of(item, "line"));
        let known = known.collect::<Result<BTreeSet<&str>>>()?;
        Ok(codes.iter().filter(|code| !known.contains(code.as_str())).cloned().collect())
    }

    /// Writes codes that the brand does not have yet, with the pool's counters. It starts over when another write came first.
    async fn write(
        &self,
        codes: &[String],
        marked: Option<&String>,
        counters: &mut PoolCounts,
    ) -> Result<()> {
        let mut left = codes.to_vec();
        for _ in 0..MOST_TRIES {
            let (items, count) = self.items(&left, marked, counters)?;
            if self.dynamo.transact(items).await? {
                counters.version += 1;
                counters.codes = count;
                return Ok(());
            }
            *counters = self.counters().await?;
            left = self.unknown(&left).await?;
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(Error::unavailable(DOING, "too many other writes came first"))
    }

    /// The items of a transaction, and how many codes the pool has after it. A code that was imported with a mark is in the pool already.
    fn items(
        &self,
        codes: &[String],
        marked: Option<&String>,
        counters: &PoolCounts,
    ) -> Result<(Vec<TransactWriteItem>, u32)> {
        let mut items = Vec::with_capacity(2 * codes.len() + 1);
        let mut count = counters.codes;
        for code in codes {
            items.push(self.dynamo.versioned(&self.known_as, code, Item::new(), 0)?);
            if Some(code) != marked {
                count += 1;
                let item = Item::from([("code".to_owned(), text(code))]);
                items.push(self.dynamo.versioned(&self.pool, &code_line(count), item, 0)?);
            }
        }
        let counts =
            Item::from([("codes".to_owned(), number(count)), ("given".to_owned(), number(counters.given))]);
        items.push(self.dynamo.versioned(&self.pool, "counts", counts, counters.version)?);
        Ok((items, count))
    }

    /// Remembers that the whole list was imported.
    async fn complete(&self, fingerprint: &str) -> Result<()> {
        let request = self.dynamo.client.update_item().table_name(&self.dynamo.tables.ledgers);
        let request = request.key("ledger", text(&self.pool)).key("line", text("counts"));
        // A brand whose codes were all imported under another name has no pool of this name.
        let request = request.condition_expression("attribute_exists(ledger)");
        let request = request.update_expression("SET imported = :list");
        let written = request.expression_attribute_values(":list", text(fingerprint)).send().await;
        match written.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
            Ok(_) => Ok(()),
            Err(error) if error.is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(Error::unavailable(DOING, error)),
        }
    }
}

/// Stands for a list of codes: equal lists have equal ones.
fn fingerprint(codes: &[String]) -> String {
    let mut hasher = Sha256::new();
    for code in codes {
        hasher.update(code);
        hasher.update(b"\n");
    }
    hex::encode(hasher.finalize())
}
