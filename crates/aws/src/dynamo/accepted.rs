//! How many participations each activation has accepted, as far as the functions have reported it. The table of ledgers holds one item
//! for each activation, under a key that no ledger has.

use aws_sdk_dynamodb::types::ReturnValue;
use domain::ids::Scope;
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{number, required, text};

/// The key of the counters. It cannot be a ledger's name, since those contain a space.
const ACCEPTED: &str = "accepted";

impl Dynamo {
    /// Adds to a counter and returns it. The SDK repeats the request when an answer is lost, so the counter may run ahead.
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
