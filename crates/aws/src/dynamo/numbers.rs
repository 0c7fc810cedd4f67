//! Numbers that are drawn while participations are accepted: one counter for each ledger, and pages of the numbers that are in use.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, TransactWriteItem};
use domain::Timestamp;
use domain::award::Award;
use domain::ids::LedgerKey;
use domain::ledger::{self, NumberPage, Resolved, Rules};
use domain::time::later;
use futures::future::try_join;
use ports::error::at_most;
use ports::ledger::{LedgerNumbers, UNUSED_FOR};
use ports::store::MOST_ITEMS;
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, bytes_of, number, number_of, required, text};
use crate::dynamo::ledger_tx::{Changes, DynamoLedgerTx, LedgerSnapshot, VersionedPage};
use crate::dynamo::read::name;

/// The line of a ledger's counter of numbers.
pub(crate) const COUNTER: &str = "number";

/// How many numbers one transaction reclaims at most, which are on few pages.
const RECLAIMED_AT_ONCE: u64 = 8 * ledger::numbers::PAGE;

/// How often a number that nobody uses is given back at once. After that, the tick reclaims it.
const MOST_TRIES: u32 = 5;

pub(crate) const DOING: &str = "drawing a number";

/// The settings of a call that the SDK does not repeat: it would wait too long.
pub(crate) fn tried_once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}

fn is_throttled(error: &SdkError<UpdateItemError>) -> bool {
    matches!(
        error.code(),
        Some("ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded")
    )
}

/// The numbers that were drawn when the counter was last added to.
fn drawn(counter: &Item, count: u32) -> Result<RangeInclusive<u64>> {
    let last: u64 = required(counter, "total")?;
    Ok(last.saturating_sub(count.into()) + 1..=last)
}

fn page_line(page: u64) -> String {
    format!("numbers {page:010}")
}

#[async_trait]
impl LedgerNumbers for Dynamo {
    async fn draw(&self, ledger: &LedgerKey, count: u32) -> Result<RangeInclusive<u64>> {
        self.draw_numbers(&name(ledger), count).await
    }

    async fn long_drawn(&self, ledger: &LedgerKey, now: Timestamp) -> Result<Option<RangeInclusive<u64>>> {
        let ledger = name(ledger);
        let (counter, counts) = try_join(self.line_of(&ledger, COUNTER), self.read_counts(&ledger)).await?;
        let used_to = counts.counts.numbers.map_or(0, |numbers| numbers.used_to);
        let Some(counter) = counter else { return Ok(None) };
        if used_to >= required(&counter, "total")? {
            return Ok(None);
        }
        let long = self.mark_drawn(&ledger, &counter, now).await?;
        Ok(long.filter(|long| *long > used_to).map(|long| used_to + 1..=long))
    }

    async fn credit(&self, rules: &Rules, lines: &[Award], now: Timestamp) -> Result<Resolved> {
        at_most(lines.len(), MOST_ITEMS, "crediting by numbers")?;
        self.credit_lines(rules, lines, now).await
    }

    async fn reclaim(&self, rules: &Rules, numbers: RangeInclusive<u64>, now: Timestamp) -> Result<Resolved> {
        let (mut all, (mut first, last)) = (Resolved::default(), numbers.into_inner());
        while first <= last {
            let some = first..=last.min(first.saturating_add(RECLAIMED_AT_ONCE));
            first = some.end().saturating_add(1);
            let reclaim = |book: &mut DynamoLedgerTx<'_>| ledger::reclaim(book, rules, some.clone(), now);
            all.add(self.transaction(&rules.ledger, &[], reclaim).await?.0);
        }
        // One transaction gives out only so many places.
        all.add(self.refill_all(rules, now).await?);
        Ok(all)
    }
}

impl Dynamo {
    /// Draws numbers. The SDK repeats the request when an answer is lost, and then some numbers are used by nobody.
    pub(crate) async fn draw_numbers(&self, ledger: &str, count: u32) -> Result<RangeInclusive<u64>> {
        let updated = self.adding_to_counter(ledger, count).send().await;
        let updated = updated.map_err(|error| Error::unavailable(DOING, error))?;
        drawn(&updated.attributes.unwrap_or_default(), count)
    }

    /// Draws numbers; `None` if the counter is throttled.
    pub(crate) async fn draw_numbers_unless_throttled(
        &self,
        ledger: &str,
        count: u32,
    ) -> Result<Option<RangeInclusive<u64>>> {
        let once = self.adding_to_counter(ledger, count).customize().config_override(tried_once());
        match once.send().await {
            Ok(updated) => drawn(&updated.attributes.unwrap_or_default(), count).map(Some),
            Err(error) if is_throttled(&error) => Ok(None),
            Err(_) => self.draw_numbers(ledger, count).await.map(Some),
        }
    }

    fn adding_to_counter(&self, ledger: &str, count: u32) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.tables.ledgers);
        update
            .key("ledger", text(ledger))
            .key("line", text(COUNTER))
            .update_expression("ADD #total :count")
            .expression_attribute_names("#total", "total")
            .expression_attribute_values(":count", number(count))
            .return_values(ReturnValue::UpdatedNew)
    }

    /// Records how many numbers are drawn by now. Returns the last one that was drawn so long ago that it is in use or never will be.
    async fn mark_drawn(&self, ledger: &str, counter: &Item, now: Timestamp) -> Result<Option<u64>> {
        let (marked, marked_at) =
            (number_of::<u64>(counter, "marked")?, number_of::<i64>(counter, "marked_at")?);
        let long: Option<u64> = number_of(counter, "long")?;
        let since = marked_at.and_then(|at| Timestamp::from_millisecond(at).ok());
        if since.is_some_and(|since| now < later(since, UNUSED_FOR)) {
            return Ok(long);
        }
        let long = marked.or(long).unwrap_or_default();
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.ledgers)
            .key("ledger", text(ledger))
            .key("line", text(COUNTER))
            .update_expression("SET marked = #total, marked_at = :now, #long = :long")
            .expression_attribute_names("#total", "total")
            .expression_attribute_names("#long", "long")
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":long", number(long));
        let request = match marked_at {
            None => request.condition_expression("attribute_not_exists(marked_at)"),
            Some(at) => request
                .condition_expression("marked_at = :before")
                .expression_attribute_values(":before", number(at)),
        };
        match request.send().await.map_err(SdkError::into_service_error) {
            // Another tick has done it.
            Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Some(long)),
            Err(error) => Err(Error::unavailable("reading a ledger", error)),
        }
    }

    pub(crate) async fn read_page(&self, ledger: &str, page: u64) -> Result<VersionedPage> {
        let Some(item) = self.line_of(ledger, &page_line(page)).await? else {
            return Ok(VersionedPage::default());
        };
        let page = NumberPage::from_bytes(&bytes_of(&item, "used")?, &bytes_of(&item, "taken")?);
        Ok(VersionedPage { page, version: required(&item, "version")? })
    }

    /// The writes of the changed pages. Each is conditional on the version of the page that was read.
    pub(crate) fn page_items_of(
        &self,
        ledger: &str,
        snapshot: &LedgerSnapshot,
        changes: &Changes,
    ) -> Result<Vec<TransactWriteItem>> {
        let bytes = |bytes| AttributeValue::B(Blob::new(bytes));
        let item = |(number, page): (&u64, &NumberPage)| {
            let (used, taken) = page.to_bytes();
            let item = Item::from([("used".to_owned(), bytes(used)), ("taken".to_owned(), bytes(taken))]);
            let version = snapshot.pages.get(number).map_or(0, |page| page.version);
            self.versioned(ledger, &page_line(*number), item, version)
        };
        changes.pages.iter().map(item).collect()
    }

    /// Gives back a number that no participation has. If other writes come first, the tick reclaims it.
    pub(crate) async fn give_back(&self, rules: &Rules, number: u64) -> Result<()> {
        let ledger = name(&rules.ledger);
        for _ in 0..MOST_TRIES {
            let mut snapshot = self.counts_only(&ledger).await?;
            let page = self.read_page(&ledger, NumberPage::of(number)).await?;
            snapshot.pages.insert(NumberPage::of(number), page);
            let changes = loop {
                let mut book = DynamoLedgerTx::of(&snapshot);
                match ledger::give_back(&mut book, rules, number) {
                    Ok(()) => break book.changes,
                    Err(need) => self.fulfil_page(&ledger, need, &mut snapshot).await?,
                }
            };
            let mut items = self.page_items_of(&ledger, &snapshot, &changes)?;
            if let Some(counts) = changes.counts.as_ref().filter(|counts| **counts != snapshot.counts) {
                items.push(self.counts_item(&ledger, counts, snapshot.ranks(), snapshot.counts_version)?);
            }
            if self.transact(items).await? {
                return Ok(());
            }
        }
        Ok(())
    }
}
