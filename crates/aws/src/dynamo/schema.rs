//! The tables. On AWS the template makes them; emulators get them from here.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use ports::{Error, Result};

use crate::dynamo::Dynamo;

/// In how many parts the index of due participations is kept, so that neither writes nor the tick sit on one key.
pub(crate) const SHARDS: u8 = 8;

/// The index of what is due: by shard and due time.
pub(crate) const DUE: &str = "due";

/// The index of lines that others changed: by shard and due time.
pub(crate) const AWARD_DUE: &str = "award_due";

/// The index of lines on a ledger's lists: by list and arrival.
pub(crate) const LISTS: &str = "lists";

/// The tables' names.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Participations, by id.
    pub participations: String,
    /// Counters of ledgers, places that were put back, whose lines there are, and codes: by ledger and line. And counters of activations.
    pub ledgers: String,
    /// News to be told, by id.
    pub callbacks: String,
    /// What is known of contacts' profiles, by contact key.
    pub profiles: String,
    /// Request slots, by lane.
    pub limits: String,
}

impl Tables {
    /// The names in an environment, all behind the same prefix.
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
    /// Makes the tables, for emulators.
    ///
    /// # Errors
    /// When a table cannot be made.
    pub async fn make_tables(&self) -> Result<()> {
        use ScalarAttributeType::{N, S};
        let tables = &self.tables;
        let indexes = vec![
            index(DUE, "due_shard", "due_at", with_brand())?,
            index(AWARD_DUE, "award_due_shard", "award_due_at", with_brand())?,
            index(LISTS, "listed", "arrival", of_type(ProjectionType::KeysOnly))?,
        ];
        let indexed = [
            ("due_shard", N),
            ("due_at", N),
            ("award_due_shard", N),
            ("award_due_at", N),
            ("listed", S),
            ("arrival", N),
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

/// Makes one table: its keys are texts.
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
