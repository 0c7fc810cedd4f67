//! The fingerprint of the key that participation ids are made with: with another key, known consumers would be new ones.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use domain::id_key::IdKey;
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{text, text_of};

/// Where it is, among the ledgers: no ledger and no pool has this name.
const LEDGER: &str = "id key";
const LINE: &str = "fingerprint";

/// The key is not the one that an environment's participation ids are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "participations here were made with another id key, and with this one everybody could take part again; \
     put the key that was in use back in its place"
)]
pub struct AnotherKey;

impl Dynamo {
    /// The fingerprint that is kept; `None` before the first worker has started.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn id_key_fingerprint(&self) -> Result<Option<String>> {
        let item = self.line_of(LEDGER, LINE).await?;
        item.map(|item| text_of(&item, "key").map(str::to_owned)).transpose()
    }

    /// Keeps the fingerprint of a key, unless one is kept already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn keep_id_key_fingerprint(&self, key: &IdKey) -> Result<()> {
        let request = self.client.put_item().table_name(&self.tables.ledgers);
        let request = request.item("ledger", text(LEDGER)).item("line", text(LINE));
        let request = request.item("key", text(key.fingerprint().to_string()));
        let request = request.condition_expression("attribute_not_exists(ledger)");
        match request.send().await.map_err(SdkError::into_service_error) {
            Ok(_) | Err(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(Error::unavailable("keeping the id key's fingerprint", error)),
        }
    }
}
