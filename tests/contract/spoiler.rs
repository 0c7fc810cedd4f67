//! Damage to stored records, so that they cannot be read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::ParticipationId;
use memory::Memory;

use crate::dynamo_api::spoil_item;

/// Damages records, depending on where they are stored.
pub(crate) enum Spoiler {
    /// Memory pretends that a record is damaged.
    Memory(Arc<Memory>),
    /// The data file.
    File(PathBuf),
    /// The tables with this prefix.
    Tables(String),
}

/// The kind of record to damage.
#[derive(Clone, Copy)]
pub(crate) enum Damaged {
    Participation,
    Award,
    Profile,
    Callback,
}

impl Spoiler {
    pub(crate) async fn spoil(&self, record: Damaged, key: &str) {
        match self {
            Self::Memory(memory) => memory.damage(ParticipationId::parse(key).unwrap(), true),
            Self::File(path) => {
                let (table, text, column) = match record {
                    Damaged::Participation => ("participations", "record", "hex(id)"),
                    Damaged::Award => ("participations", "award", "hex(id)"),
                    Damaged::Profile => ("profiles", "record", "upper(contact)"),
                    Damaged::Callback => ("notices", "record", "upper(id)"),
                };
                let file = rusqlite::Connection::open(path).unwrap();
                file.busy_timeout(Duration::from_secs(10)).unwrap();
                let sql = format!("UPDATE {table} SET {text} = '{{' WHERE {column} = ?");
                assert_eq!(file.execute(&sql, [key.to_uppercase()]).unwrap(), 1);
            }
            Self::Tables(prefix) => {
                let (table, name, attribute) = match record {
                    Damaged::Participation => ("participations", "id", "record"),
                    Damaged::Award => ("participations", "id", "award"),
                    Damaged::Profile => ("profiles", "contact", "record"),
                    Damaged::Callback => ("notices", "id", "record"),
                };
                spoil_item(&format!("{prefix}-{table}"), name, key, attribute).await;
            }
        }
    }
}
