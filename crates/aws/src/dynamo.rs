//! The ports on DynamoDB.

mod book;
mod brands;
mod item;
mod ledger;
mod limits;
mod notices;
#[cfg(feature = "sqs")]
mod operations;
mod read;
mod schema;
mod store;
mod write;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use futures::future::join_all;

pub use brands::{BrandTable, Pushed};
pub use schema::Tables;

/// How long an ended participation is kept unless told otherwise: 90 days.
pub const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 3_600);

/// Tables that implement the ports `Store`, `Ledger`, `Notices` and `Limits`.
#[derive(Debug, Clone)]
pub struct Dynamo {
    client: Client,
    tables: Tables,
    kept_for: Duration,
}

impl Dynamo {
    /// The tables of an environment. Ended participations are deleted after `kept_for`, by DynamoDB itself.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, tables: Tables, kept_for: Duration) -> Self {
        Self { client: Client::new(config), tables, kept_for }
    }

    /// Opens connections, so that the first requests do not wait for them. Whatever is answered, they stay open.
    pub async fn connect(&self, connections: usize) {
        let nothing = item::text("-");
        let ask = || {
            let request = self.client.get_item().table_name(&self.tables.ledgers);
            request.key("ledger", nothing.clone()).key("line", nothing.clone()).send()
        };
        join_all((0..connections).map(|_| ask())).await;
    }
}
