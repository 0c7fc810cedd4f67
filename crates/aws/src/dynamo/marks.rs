//! What an environment's tables record about themselves: the fingerprint of the key that participation ids are made with, and the form
//! of the stored data. A function reads both at once when it starts.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::id_key::IdKey;
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, number, number_of, text, text_of};

/// The key of this item in the table of ledgers. No ledger and no pool has this name.
const LEDGER: &str = "id key";
const LINE: &str = "fingerprint";

/// The form of the tables that this version writes. It is raised only when an older version must no longer work on them. That version
/// then refuses to start. See `crates/stored/README.md`.
const FORM: u32 = 1;

/// The key is not the one that the environment's participation ids are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "participations here were made with another id key, and with this one everybody could take part again; \
     put the key that was in use back in its place"
)]
pub struct AnotherKey;

/// A newer version has written to the tables in a form that this version must not work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the tables were written by a newer version of quikly-braze: their form is {found}, and this version supports forms up to \
     {newest}; deploy the newer version again"
)]
pub struct NewerTables {
    found: u32,
    newest: u32,
}

/// What an environment's tables record about themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// The fingerprint of the id key; `None` before the first worker has started.
    pub fingerprint: Option<String>,
    /// The form of the tables; 0 when only an earlier version has written to them.
    form: u32,
}

impl Marks {
    fn of(item: &Item) -> Result<Self> {
        let fingerprint = Some(text_of(item, "key")?.to_owned());
        Ok(Self { fingerprint, form: number_of(item, "form")?.unwrap_or(0) })
    }
}

impl Dynamo {
    /// Reads the fingerprint and the form of these tables.
    ///
    /// # Errors
    /// When they cannot be read, or when this version must not work on the tables ([`NewerTables`]).
    pub async fn marks(&self) -> Result<Marks> {
        let marks =
            self.line_of(LEDGER, LINE).await?.as_ref().map(Marks::of).transpose()?.unwrap_or_default();
        if marks.form > FORM {
            let newer = NewerTables { found: marks.form, newest: FORM };
            return Err(Error::unavailable("starting on these tables", newer));
        }
        Ok(marks)
    }

    /// Records the key's fingerprint and this version's form in the tables, unless they are recorded already. Returns what the tables then
    /// hold: of several keys, the first one stays.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn mark(&self, marks: Marks, key: &IdKey) -> Result<Marks> {
        match marks {
            Marks { fingerprint: Some(_), form: FORM } => return Ok(marks),
            Marks { fingerprint: Some(_), .. } => self.raise_form().await?,
            Marks { fingerprint: None, .. } => self.keep_fingerprint(key).await?,
        }
        self.marks().await
    }

    async fn keep_fingerprint(&self, key: &IdKey) -> Result<()> {
        let request = self.client.put_item().table_name(&self.tables.ledgers);
        let request = request.item("ledger", text(LEDGER)).item("line", text(LINE));
        let request = request.item("key", text(key.fingerprint().to_string())).item("form", number(FORM));
        let request = request.condition_expression("attribute_not_exists(ledger)");
        match request.send().await.map_err(SdkError::into_service_error) {
            Ok(_) | Err(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(Error::unavailable("keeping the id key's fingerprint", error)),
        }
    }

    async fn raise_form(&self) -> Result<()> {
        let request = self.client.update_item().table_name(&self.tables.ledgers);
        let request = request.key("ledger", text(LEDGER)).key("line", text(LINE));
        let request = request
            .update_expression("SET #form = :form")
            .condition_expression("attribute_not_exists(#form) OR #form < :form")
            .expression_attribute_names("#form", "form")
            .expression_attribute_values(":form", number(FORM));
        match request.send().await.map_err(SdkError::into_service_error) {
            Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(Error::unavailable("marking the form of the tables", error)),
        }
    }
}
