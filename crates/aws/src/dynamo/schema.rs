//! The tables. On AWS the template creates them; for emulators this module does.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use domain::ids::ParticipationId;
use ports::{Error, Result};

use crate::dynamo::Dynamo;

/// The number of shards of the index of due participations, so that neither writes nor the tick depend on one key.
pub(crate) const SHARDS: u8 = 8;

/// The shard of a participation, and of its callbacks.
pub(crate) fn shard(id: ParticipationId) -> u8 {
    id.to_bytes()[0] % SHARDS
}

/// The most items in one batch write (DynamoDB).
pub(crate) const MOST_WRITES: usize = 25;

/// The index by shard and due time of callbacks, and of participations that an earlier version saved or that were set aside.
pub(crate) const DUE: &str = "due";

/// The index by shard and time of everybody's first look. Its entries never change.
pub(crate) const FIRST_LOOK: &str = "first_look";

/// The number of shards of that index. Every acceptance writes to it.
pub(crate) const LOOK_SHARDS: u8 = 16;

/// The index by shard and due time of lines that a different participation's processing has changed.
pub(crate) const AWARD_DUE: &str = "award_due";

/// The index by list and arrival of the lines on a ledger's lists.
pub(crate) const LISTS: &str = "lists";

/// The tables' names.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Participations, by id.
    pub participations: String,
    /// Counters of ledgers, places put back, the lines of each participant, and codes, by ledger and line; also counters of activations,
    /// and lists of participations by the minute in which they are due.
    pub ledgers: String,
    /// Callbacks to be delivered, by id.
    pub callbacks: String,
    /// Profile hints, by contact key.
    pub profiles: String,
    /// Request slots, by lane.
    pub limits: String,
}

impl Tables {
    /// The names of the tables of an environment, which share a prefix.
    #[must_use]
    pub fn of(prefix: &str) -> Self {
        let name = |table: &str| format!("{prefix}-{table}");
        Self {
            participations: name("participations"),
            ledgers: name("ledgers"),
            callbacks: name("notices"),
            profiles: name("profiles"),
            limits: name("limits"),
        }
    }
}

fn made<T, E: std::error::Error + Send + Sync + 'static>(made: std::result::Result<T, E>) -> Result<T> {
    made.map_err(|error| Error::unavailable("making a table", error))
}

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition> {
    made(AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build())
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement> {
    made(KeySchemaElement::builder().attribute_name(name).key_type(kind).build())
}

fn index(name: &str, hash: &str, range: &str, projection: Projection) -> Result<GlobalSecondaryIndex> {
    let index = GlobalSecondaryIndex::builder()
        .index_name(name)
        .key_schema(key(hash, KeyType::Hash)?)
        .key_schema(key(range, KeyType::Range)?)
        .projection(projection);
    made(index.build())
}

fn with_brand() -> Projection {
    Projection::builder().projection_type(ProjectionType::Include).non_key_attributes("brand").build()
}

fn of_type(kind: ProjectionType) -> Projection {
    Projection::builder().projection_type(kind).build()
}

impl Dynamo {
    /// Creates the tables, for emulators.
    ///
    /// # Errors
    /// When a table cannot be created.
    pub async fn make_tables(&self) -> Result<()> {
        use ScalarAttributeType::{N, S};
        let tables = &self.tables;
        let indexes = vec![
            index(DUE, "due_shard", "due_at", with_brand())?,
            index(AWARD_DUE, "award_due_shard", "award_due_at", with_brand())?,
            index(LISTS, "listed", "arrival", of_type(ProjectionType::KeysOnly))?,
            index(FIRST_LOOK, "look_shard", "look_at", with_brand())?,
        ];
        let indexed = [
            ("due_shard", N),
            ("due_at", N),
            ("award_due_shard", N),
            ("award_due_at", N),
            ("listed", S),
            ("arrival", N),
            ("look_shard", N),
            ("look_at", N),
        ];
        let client = &self.client;
        make(client, &tables.participations, &["id"], &indexed, indexes).await?;
        make(client, &tables.ledgers, &["ledger", "line"], &[], Vec::new()).await?;
        let due = vec![index(DUE, "due_shard", "due_at", of_type(ProjectionType::All))?];
        make(client, &tables.callbacks, &["id"], &[("due_shard", N), ("due_at", N)], due).await?;
        make(client, &tables.profiles, &["contact"], &[], Vec::new()).await?;
        make(client, &tables.limits, &["lane"], &[], Vec::new()).await
    }
}

/// Creates one table. Its keys are strings.
pub(crate) async fn make(
    client: &Client,
    table: &str,
    keys: &[&str],
    indexed: &[(&str, ScalarAttributeType)],
    indexes: Vec<GlobalSecondaryIndex>,
) -> Result<()> {
    let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
        request = request
            .attribute_definitions(attribute(name, ScalarAttributeType::S)?)
            .key_schema(key(name, kind)?);
    }
    for (name, kind) in indexed {
        request = request.attribute_definitions(attribute(name, kind.clone())?);
    }
    let indexes = (!indexes.is_empty()).then_some(indexes);
    made(request.set_global_secondary_indexes(indexes).send().await)?;
    Ok(())
}
