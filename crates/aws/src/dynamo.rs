//! The ports on DynamoDB.

mod accepted;
mod attempt;
mod brands;
mod callbacks;
mod calls;
#[cfg(feature = "codes")]
mod codes;
mod crediting;
mod drawn;
mod due;
mod first_look;
mod inspection;
mod item;
mod kept_glimpses;
mod lanes;
mod ledger;
mod ledger_tx;
mod limits;
mod lists;
mod looked_at;
mod marks;
mod numbers;
#[cfg(feature = "sqs")]
mod operations;
mod outages;
mod pages;
mod participation_item;
mod pauses;
mod ranks;
mod read;
mod read_backs;
mod records;
mod reports;
mod rollups;
mod schema;
mod search;
#[cfg(feature = "sqs")]
mod set_aside;
mod store;
mod transaction;
mod waiting;
mod write;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use futures::future::join_all;
use ports::clock::{SystemChance, SystemClock};
use ports::ledger::MAKERS_LEASE;
use ports::numbering::{DrawSettings, Numbering};

pub use brands::{BrandTable, Pushed};
pub use marks::{AnotherKey, Marks, NewerTables};
pub use schema::Tables;

use lists::LastLook;

/// The environment's tables. It implements the ports `Store`, `Ledger`, `Callbacks` and `Limits`.
#[derive(Debug, Clone)]
pub struct Dynamo {
    client: Client,
    tables: Tables,
    numbering: Arc<Numbering>,
    last_look: Arc<LastLook>,
    /// How long callbacks that it makes are kept from others.
    makers_lease: Option<Duration>,
}

impl Dynamo {
    /// Opens the tables of an environment. DynamoDB itself deletes expired items, some hours after they expire.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, tables: Tables) -> Self {
        let numbering = Arc::new(numbering_by(DrawSettings::default()));
        let client = Client::new(config);
        Self { client, tables, numbering, last_look: Arc::default(), makers_lease: None }
    }

    /// Accepts a participation only after its number is drawn, however long that takes. Otherwise the line of a participation whose
    /// number takes too long draws one later.
    #[must_use]
    pub fn waiting_for_numbers(self) -> Self {
        self.drawing_by(DrawSettings::patient())
    }

    /// Draws numbers by these settings.
    #[must_use]
    pub fn drawing_by(self, settings: DrawSettings) -> Self {
        Self { numbering: Arc::new(numbering_by(settings)), ..self }
    }

    /// Reserves each callback for the process that makes it, for a minute. The process has to deliver it ([`MAKERS_LEASE`]).
    #[must_use]
    pub fn taking_what_it_makes(self) -> Self {
        Self { makers_lease: Some(MAKERS_LEASE), ..self }
    }

    /// Opens connections, so that the first requests do not wait for them. They stay open whatever the answers are.
    pub async fn connect(&self, connections: usize) {
        let nothing = item::text("-");
        let ask = || {
            let request = self.client.get_item().table_name(&self.tables.ledgers);
            request.key("ledger", nothing.clone()).key("line", nothing.clone()).send()
        };
        join_all((0..connections).map(|_| ask())).await;
    }
}

fn numbering_by(settings: DrawSettings) -> Numbering {
    Numbering::by(settings, Arc::new(SystemClock), Arc::new(SystemChance))
}
