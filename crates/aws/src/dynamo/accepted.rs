//! How many participations each activation has accepted, as far as the functions have told: an item each in the table of ledgers, under a
//! key that is no ledger's.

use aws_sdk_dynamodb::types::ReturnValue;
use domain::ids::Scope;
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{number, required, text};

/// What the counters are kept under. Names of ledgers have a space.
const ACCEPTED: &str = "accepted";

impl Dynamo {
    /// Adds to a counter and gives it back. Where an answer is lost, the SDK adds again, so the counter may run ahead.
    pub(crate) async fn count_accepted(&self, scope: &Scope, more: u64) -> Result<u64> {
        let update = self.client.update_item().table_name(&self.tables.ledgers);
        let update = update.key("ledger", text(ACCEPTED)).key("line", text(scope.as_str()));
        let update = update
            .update_expression("ADD participations :more")
            .expression_attribute_values(":more", number(more))
            .return_values(ReturnValue::AllNew);
        let updated = update.send().await;
        let updated = updated.map_err(|error| Error::unavailable("counting participations", error))?;
        required(&updated.attributes.unwrap_or_default(), "participations")
    }
}
