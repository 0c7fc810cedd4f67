//! Writes what a ledger's rules have changed: everything in one transaction, or nothing.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use domain::Timestamp;
use domain::award::{Award, AwardStatus};
use domain::ids::{BrandId, ContactKey};
use domain::incentive::Offer;
use domain::ledger::Counts;
use domain::time::later;
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, number, text};
use crate::dynamo::ledger_tx::{Changes, LedgerSnapshot};
use crate::dynamo::ranks::Ranks;
use crate::dynamo::read::pool_name;
use crate::dynamo::schema::shard;
use crate::dynamo::transaction::transact;

const DOING: &str = "writing a ledger";

/// The most items in one transaction (DynamoDB).
pub(crate) const MOST_IN_TRANSACTION: usize = 100;

/// The list of its ledger that a line is on: waiting, owed a reward, or in a raffle. A raffle's list includes winners, so that an
/// interrupted draw can be continued.
pub(crate) fn list(award: &Award) -> Option<&'static str> {
    match &award.status {
        AwardStatus::Waiting => Some("waiting"),
        AwardStatus::InRaffle => Some("entered"),
        AwardStatus::Rewarded { place: Some(_), .. } if award.offer == Offer::Lot => Some("entered"),
        AwardStatus::Reserved { .. } if award.credited_at.is_some() => Some("owed"),
        AwardStatus::New
        | AwardStatus::Reserved { .. }
        | AwardStatus::Rewarded { .. }
        | AwardStatus::NoPrize(_)
        | AwardStatus::Released => None,
    }
}

/// The changes do not fit one transaction. A caller that can split them does so.
#[derive(Debug, thiserror::Error)]
#[error("{0} items do not fit a transaction")]
struct TooMany(usize);

/// Whether a write failed because it was too large.
pub(crate) fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::Unavailable { source, .. } if source.is::<TooMany>())
}

fn built<T, E: std::error::Error + Send + Sync + 'static>(built: std::result::Result<T, E>) -> Result<T> {
    built.map_err(|error| Error::unavailable(DOING, error))
}

/// The keys under which a line is to be found from now on, and was not before.
fn new_keys<'a>(stored: Option<&'a Award>, award: &'a Award) -> impl Iterator<Item = ContactKey> + 'a {
    let listed = stored.filter(|line| line.is_entered());
    let is_new =
        move |key: &ContactKey| listed.is_none_or(|line| line.shared_keys().all(|known| known != *key));
    award.shared_keys().filter(move |key| award.is_entered() && is_new(key))
}

/// Whether a line that was entered before gets a key.
fn has_new_keys(snapshot: &LedgerSnapshot, award: &Award) -> bool {
    let stored = snapshot.lines.get(&award.id).and_then(Option::as_ref).map(|line| &line.award);
    stored.is_some_and(|line| line.is_entered() && new_keys(Some(line), award).next().is_some())
}

impl Dynamo {
    /// Writes the changes. Returns `false` when another write has changed what they rest on.
    pub(crate) async fn write(
        &self,
        brand: &BrandId,
        ledger: &str,
        snapshot: &LedgerSnapshot,
        changes: &Changes,
    ) -> Result<bool> {
        let mut items = self.line_items(ledger, snapshot, changes)?;
        let counts = changes.counts.as_ref().unwrap_or(&snapshot.counts);
        // A line of the same participant may be entered meanwhile, and must see the new key; so the counters change, too. They also change
        // with the pages, on which lines rest that are credited by their numbers.
        let is_watched =
            !changes.pages.is_empty() || changes.lines.values().any(|award| has_new_keys(snapshot, award));
        if *counts != snapshot.counts || is_watched {
            items.push(self.counts_item(ledger, counts, snapshot.ranks(), snapshot.counts_version)?);
        }
        items.extend(self.waiting_items(ledger, snapshot, changes).await?);
        items.extend(self.place_items(ledger, snapshot, changes)?);
        items.extend(self.page_items_of(ledger, snapshot, changes)?);
        for (pool, taken) in changes.taken.iter().filter(|(_, taken)| **taken > 0) {
            let Some(shelf) = snapshot.shelves.get(pool) else { continue };
            let item = Item::from([
                ("codes".to_owned(), number(shelf.codes)),
                ("given".to_owned(), number(shelf.given + taken)),
            ]);
            items.push(self.versioned(&pool_name(brand, pool), "counts", item, shelf.version)?);
        }
        for callback in &changes.callbacks {
            let due_at = later(callback.at, self.makers_lease.unwrap_or_default());
            let put = Put::builder()
                .table_name(&self.tables.callbacks)
                .item("id", text(callback.id.to_string()))
                .item("record", text(stored::callback::encode(callback)?))
                .item("attempts", number(0))
                .item("due_shard", number(shard(callback.id.participation)))
                .item("due_at", number(due_at.as_millisecond()));
            items.push(TransactWriteItem::builder().put(built(put.build())?).build());
        }
        self.transact(items).await
    }

    /// Writes items together. Returns `false` when a condition no longer holds.
    pub(crate) async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<bool> {
        if items.is_empty() {
            return Ok(true);
        }
        if items.len() > MOST_IN_TRANSACTION {
            return Err(Error::unavailable(DOING, TooMany(items.len())));
        }
        transact(&self.client, DOING, items).await
    }

    fn line_items(
        &self,
        ledger: &str,
        snapshot: &LedgerSnapshot,
        changes: &Changes,
    ) -> Result<Vec<TransactWriteItem>> {
        let mut items = Vec::new();
        for award in changes.lines.values() {
            let stored = snapshot.lines.get(&award.id).and_then(Option::as_ref);
            let update = self.line_update(ledger, award, stored.map_or(0, |line| line.version))?;
            items.push(TransactWriteItem::builder().update(update).build());
            for key in new_keys(stored.map(|line| &line.award), award) {
                let who = format!("who {key} {}", award.id);
                let put = Put::builder()
                    .table_name(&self.tables.ledgers)
                    .item("ledger", text(ledger))
                    .item("line", text(who))
                    .item("version", number(1));
                items.push(TransactWriteItem::builder().put(built(put.build())?).build());
            }
        }
        Ok(items)
    }

    /// The update of one line, under the condition of its version. The item's other attributes belong to the participation.
    pub(crate) fn line_update(&self, ledger: &str, award: &Award, version: u64) -> Result<Update> {
        let mut set = vec!["award = :award", "award_version = :next", "arrival = :arrival"];
        let mut remove = Vec::new();
        let mut update = Update::builder()
            .table_name(&self.tables.participations)
            .key("id", text(award.id.to_string()))
            .condition_expression("award_version = :version")
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":next", number(version + 1))
            .expression_attribute_values(":award", text(stored::award::encode(award)?))
            .expression_attribute_values(":arrival", number(award.arrival_number()));
        match list(award) {
            Some(list) => {
                set.push("listed = :list");
                update = update.expression_attribute_values(":list", text(format!("{list} {ledger}")));
            }
            None => remove.push("listed"),
        }
        match award.due_at.map(Timestamp::as_millisecond) {
            Some(due_at) => {
                set.extend(["award_due_shard = :shard", "award_due_at = :due"]);
                update = update
                    .expression_attribute_values(":shard", number(shard(award.id)))
                    .expression_attribute_values(":due", number(due_at));
            }
            None => remove.extend(["award_due_shard", "award_due_at"]),
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        built(update.update_expression(expression).build())
    }

    fn place_items(
        &self,
        ledger: &str,
        snapshot: &LedgerSnapshot,
        changes: &Changes,
    ) -> Result<Vec<TransactWriteItem>> {
        let (Some(before), Some(after)) = (&snapshot.put_back, &changes.put_back) else {
            return Ok(Vec::new());
        };
        let mut items = Vec::new();
        for place in after.difference(before) {
            items.push(self.versioned(ledger, &format!("back {place:010}"), Item::new(), 0)?);
        }
        for place in before.difference(after) {
            let delete = Delete::builder()
                .table_name(&self.tables.ledgers)
                .key("ledger", text(ledger))
                .key("line", text(format!("back {place:010}")))
                .condition_expression("attribute_exists(ledger)");
            items.push(TransactWriteItem::builder().delete(built(delete.build())?).build());
        }
        Ok(items)
    }

    /// The update of the counters, under the condition of their version.
    pub(crate) fn counts_item(
        &self,
        ledger: &str,
        counts: &Counts,
        ranks: Ranks,
        version: u64,
    ) -> Result<TransactWriteItem> {
        let item = Item::from([
            ("counts".to_owned(), text(stored::counters::encode(ledger, counts)?)),
            ("ranked_since".to_owned(), number(ranks.since)),
            ("ranked_from".to_owned(), number(ranks.from)),
        ]);
        self.versioned(ledger, "counts", item, version)
    }

    /// The update of an item of the ledgers' table, under the condition of its version. Attributes of a newer version stay as they are.
    pub(crate) fn versioned(
        &self,
        ledger: &str,
        line: &str,
        item: Item,
        version: u64,
    ) -> Result<TransactWriteItem> {
        let mut update = Update::builder()
            .table_name(&self.tables.ledgers)
            .key("ledger", text(ledger))
            .key("line", text(line))
            .expression_attribute_values(":next", number(version + 1));
        let mut set = vec!["version = :next".to_owned()];
        for (name, value) in item {
            set.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), &name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        update = match version {
            0 => update.condition_expression("attribute_not_exists(ledger)"),
            _ => update
                .condition_expression("version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        let update = built(update.update_expression(format!("SET {}", set.join(", "))).build())?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
