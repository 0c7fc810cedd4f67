//! Credits lines by their numbers alone: the numbers are kept in one write for all of them, and each line is stored in the save of its
//! participation.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU64;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{PutRequest, TransactWriteItem, Update, WriteRequest};
use domain::Timestamp;
use domain::award::{Award, SiblingLines};
use domain::ids::{ContactKey, ParticipationId};
use domain::ledger::{self, NumberPage, Resolved, Rules};
use futures::TryFutureExt;
use futures::future::{try_join, try_join_all};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{number, text};
use crate::dynamo::ledger_tx::{Changes, DynamoLedgerTx, LedgerSnapshot, MOST_LINES};
use crate::dynamo::read::name;
use crate::dynamo::schema::MOST_WRITES;
use crate::dynamo::transaction::after_transactions;
use crate::dynamo::write::is_too_large;

const DOING: &str = "crediting by numbers";

/// Callbacks in one transaction. Each comes with its line, and others may move up in the same transaction.
const CALLED_BACK: usize = 30;

/// After this many lost races in a row, a caller gives up for now.
const MOST_TRIES: u32 = 200;

impl Dynamo {
    /// Credits lines by [`ledger::credit_by_number`], in as few writes as their callbacks allow.
    pub(crate) async fn credit_lines(
        &self,
        rules: &Rules,
        lines: &[Award],
        now: Timestamp,
    ) -> Result<Resolved> {
        let mut all = Resolved::default();
        let most = if rules.call_back { CALLED_BACK } else { lines.len() };
        let (mut rest, mut at_once) = (lines, most);
        while !rest.is_empty() {
            let (some, behind) = rest.split_at(at_once.min(rest.len()));
            match self.credit_some(rules, some, now).await {
                // Numbers that are far apart have many pages.
                Err(error) if some.len() > 1 && is_too_large(&error) => at_once = some.len() / 2,
                done => {
                    let (resolved, weight) = done?;
                    all.add(resolved);
                    (rest, at_once) = (behind, most);
                    if weight >= MOST_LINES {
                        all.add(self.refill_all(rules, now).await?);
                    }
                }
            }
        }
        Ok(all)
    }

    /// Credits lines in one write. Returns how many other lines it has changed, too.
    async fn credit_some(&self, rules: &Rules, lines: &[Award], now: Timestamp) -> Result<(Resolved, usize)> {
        let ledger = name(&rules.ledger);
        let brand =
            lines.first().map(|line| &line.brand).ok_or_else(|| Error::unavailable(DOING, "no line"))?;
        self.list_by_keys(&ledger, lines).await?;
        for _ in 0..MOST_TRIES {
            let snapshot = self.look_at_numbers(&ledger, lines).await?;
            let credit = |book: &mut DynamoLedgerTx<'_>| ledger::credit_by_number(book, rules, lines, now);
            let (snapshot, (resolved, changes)) = self.run_over(&ledger, snapshot, credit).await?;
            let is_written = if touches_counters_alone(&changes) {
                self.write_counters(&ledger, &snapshot, &changes).await?
            } else {
                self.write(brand, &ledger, &snapshot, &changes).await?
            };
            if is_written {
                return Ok((resolved, changes.weight(&snapshot)));
            }
        }
        Err(Error::unavailable(DOING, "too many other writes came first"))
    }

    /// Reads the counters, and then the pages of these lines' numbers. A writer that uses a number also changes the counters. So the counters are
    /// written on condition that they are still the same.
    async fn look_at_numbers(&self, ledger: &str, lines: &[Award]) -> Result<LedgerSnapshot> {
        let snapshot = self.counts_only(ledger).await?;
        let numbers = lines.iter().filter_map(|line| line.number).map(NonZeroU64::get);
        let pages: BTreeSet<u64> = numbers.map(NumberPage::of).collect();
        let page = async |page: u64| Ok::<_, Error>((page, self.read_page(ledger, page).await?));
        let (pages, others) =
            try_join(try_join_all(pages.into_iter().map(page)), self.others_of(ledger, lines)).await?;
        let mut snapshot = LedgerSnapshot { pages: pages.into_iter().collect(), others, ..snapshot };
        let listed = lines.iter().flat_map(|line| {
            let by_keys = line.shared_keys().filter_map(|key| snapshot.others.get(&key)).flatten();
            known_siblings(line).iter().chain(by_keys).filter(|id| **id != line.id)
        });
        let siblings: BTreeSet<ParticipationId> = listed.copied().collect();
        self.fulfil_lines(&Vec::from_iter(siblings), &mut snapshot).await?;
        Ok(snapshot)
    }

    /// Which lines have the keys that these lines share.
    async fn others_of(
        &self,
        ledger: &str,
        lines: &[Award],
    ) -> Result<HashMap<ContactKey, Vec<ParticipationId>>> {
        let keys: BTreeSet<ContactKey> = lines.iter().flat_map(Award::shared_keys).collect();
        let others =
            keys.into_iter().map(async |key| Ok::<_, Error>((key, self.lines_of(ledger, key).await?)));
        Ok(try_join_all(others).await?.into_iter().collect())
    }

    /// Lets other lines of the same participants find these lines. An entry whose line is not credited does no harm.
    async fn list_by_keys(&self, ledger: &str, lines: &[Award]) -> Result<()> {
        let keys: BTreeSet<(ContactKey, ParticipationId)> =
            lines.iter().flat_map(|line| line.shared_keys().map(|key| (key, line.id))).collect();
        let entry = |(key, id): (ContactKey, ParticipationId)| {
            let put = PutRequest::builder()
                .item("ledger", text(ledger))
                .item("line", text(format!("who {key} {id}")))
                .item("version", number(1));
            let put = put.build().map_err(|error| Error::unavailable(DOING, error))?;
            Ok(WriteRequest::builder().put_request(put).build())
        };
        let entries = keys.into_iter().map(entry).collect::<Result<Vec<WriteRequest>>>()?;
        for some in entries.chunks(MOST_WRITES) {
            self.batch_write(DOING, &self.tables.ledgers, some.to_vec()).await?;
        }
        Ok(())
    }

    /// Writes counters that alone have changed. Outside of a transaction that costs half. If the answer to a first try is lost, the
    /// second one finds other counters; then the numbers are kept already, and the next run changes nothing.
    async fn write_counters(
        &self,
        ledger: &str,
        snapshot: &LedgerSnapshot,
        changes: &Changes,
    ) -> Result<bool> {
        let Some(counts) = changes.counts.as_ref().filter(|counts| **counts != snapshot.counts) else {
            return Ok(true);
        };
        let item = self.counts_item(ledger, counts, snapshot.ranks(), snapshot.counts_version)?;
        self.update_alone(item).await
    }

    /// Performs one conditional update. Returns `false` when its condition does not hold.
    async fn update_alone(&self, item: TransactWriteItem) -> Result<bool> {
        let update = item.update.ok_or_else(|| Error::unavailable(DOING, "no update"))?;
        let request = as_request(self.client.update_item(), update);
        let meets_one =
            |error: &UpdateItemError| matches!(error, UpdateItemError::TransactionConflictException(_));
        let send = || request.clone().send().map_err(SdkError::into_service_error);
        match after_transactions(send, meets_one).await {
            Ok(_) => Ok(true),
            Err(
                UpdateItemError::ConditionalCheckFailedException(_)
                | UpdateItemError::TransactionConflictException(_),
            ) => Ok(false),
            Err(error) => Err(Error::unavailable(DOING, error)),
        }
    }
}

/// The other participations that its participant may have, by their ids.
fn known_siblings(line: &Award) -> &[ParticipationId] {
    match &line.others {
        SiblingLines::None => &[],
        SiblingLines::Perhaps(known) => known,
    }
}

/// Whether nothing but the counters is to be written.
fn touches_counters_alone(changes: &Changes) -> bool {
    let Changes { counts: _, lines, put_back, taken, callbacks, drawing, pages, numbers } = changes;
    lines.is_empty()
        && put_back.is_none()
        && taken.is_empty()
        && callbacks.is_empty()
        && drawing.is_none()
        && pages.is_empty()
        && *numbers == 0
}

fn as_request(request: UpdateItemFluentBuilder, update: Update) -> UpdateItemFluentBuilder {
    request
        .table_name(update.table_name)
        .set_key(Some(update.key))
        .update_expression(update.update_expression)
        .set_condition_expression(update.condition_expression)
        .set_expression_attribute_names(update.expression_attribute_names)
        .set_expression_attribute_values(update.expression_attribute_values)
}

/// Adds a credited line to the save of its participation, on condition that nobody has stored it before.
pub(crate) fn with_line(
    request: UpdateItemFluentBuilder,
    line: Option<&Award>,
) -> Result<(UpdateItemFluentBuilder, &'static str, &'static str)> {
    let Some(line) = line else { return Ok((request, "", "")) };
    let request = request
        .expression_attribute_values(":award", text(stored::award::encode(line)?))
        .expression_attribute_values(":arrival", number(line.arrival_number()))
        .expression_attribute_values(":never", number(0))
        .expression_attribute_values(":once", number(1));
    Ok((
        request,
        " AND award_version = :never",
        ", award = :award, award_version = :once, arrival = :arrival",
    ))
}
