//! Reading whole tables page by page, and the audit log.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::audit::AuditEntry;
use ports::pages::{AuditLog, AuditPage, HintPage, PageCursor, RecordPage, Records, StoredParticipation};
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, id_of, text, text_of};
use crate::dynamo::participation_item::participation;
use crate::dynamo::read::line;

/// The key of the audit log in the table of ledgers. No ledger and no pool has this name.
const AUDIT: &str = "audit";

/// Items of one page.
const PAGE: i32 = 500;

const READING: &str = "reading participations";
const AUDITING: &str = "the audit log";

fn readable(item: &Item) -> Result<StoredParticipation> {
    let participation = participation(item)?;
    Ok(StoredParticipation { participation, award: line(item)?.map(|line| line.award) })
}

/// The value of a key that is text.
fn key_of(last: Option<Item>, key: &str) -> Option<PageCursor> {
    let value = last?.remove(key)?;
    value.as_s().ok().map(|text| PageCursor(text.clone()))
}

#[async_trait]
impl Records for Dynamo {
    async fn records(&self, after: Option<&PageCursor>) -> Result<RecordPage> {
        let from = after.map(|cursor| Item::from([("id".to_owned(), text(&cursor.0))]));
        let request = self.client.scan().table_name(&self.tables.participations).limit(PAGE);
        let found = request.set_exclusive_start_key(from).send().await;
        let found = found.map_err(|error| Error::unavailable(READING, error))?;
        let mut page = RecordPage::default();
        for item in found.items() {
            match readable(item) {
                Ok(record) => page.records.push(record),
                Err(_) => page.unreadable.push(id_of(item)?),
            }
        }
        page.next = key_of(found.last_evaluated_key, "id");
        Ok(page)
    }

    async fn hints(&self, after: Option<&PageCursor>) -> Result<HintPage> {
        let from = after.map(|cursor| Item::from([("contact".to_owned(), text(&cursor.0))]));
        let request = self.client.scan().table_name(&self.tables.profiles).limit(PAGE);
        let found = request.set_exclusive_start_key(from).send().await;
        let found = found.map_err(|error| Error::unavailable("reading profile hints", error))?;
        let mut page = HintPage::default();
        for item in found.items() {
            let contact = text_of(item, "contact")?.to_owned();
            if let Ok(hint) = stored::hint::decode(&contact, text_of(item, "record")?) {
                page.hints.push((contact, hint));
            }
        }
        page.next = key_of(found.last_evaluated_key, "contact");
        Ok(page)
    }
}

#[async_trait]
impl AuditLog for Dynamo {
    async fn note(&self, entry: &AuditEntry) -> Result<()> {
        // Lines are sorted by time. Two actions in the same nanosecond do not happen.
        let line = format!("{:020}", entry.at.as_nanosecond());
        let request = self.client.put_item().table_name(&self.tables.ledgers);
        let request = request
            .item("ledger", text(AUDIT))
            .item("line", text(line))
            .item("record", text(stored::audit::encode(entry)?));
        request.send().await.map(|_| ()).map_err(|error| Error::unavailable(AUDITING, error))
    }

    async fn audit(&self, after: Option<&PageCursor>) -> Result<AuditPage> {
        let key = |cursor: &PageCursor| {
            Item::from([("ledger".to_owned(), text(AUDIT)), ("line".to_owned(), text(&cursor.0))])
        };
        let request = self
            .client
            .query()
            .table_name(&self.tables.ledgers)
            .key_condition_expression("ledger = :audit")
            .expression_attribute_values(":audit", AttributeValue::S(AUDIT.to_owned()))
            .consistent_read(true)
            .limit(PAGE);
        let found = request.set_exclusive_start_key(after.map(key)).send().await;
        let found = found.map_err(|error| Error::unavailable(AUDITING, error))?;
        let mut page = AuditPage::default();
        for item in found.items() {
            match stored::audit::decode(text_of(item, "line")?, text_of(item, "record")?) {
                Ok(entry) => page.entries.push(entry),
                Err(_) => page.unreadable = page.unreadable.saturating_add(1),
            }
        }
        page.next = key_of(found.last_evaluated_key, "line");
        Ok(page)
    }
}
