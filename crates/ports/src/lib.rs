#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod brands;
pub mod calls;
pub mod clock;
pub mod error;
pub mod health;
pub mod imports;
pub mod inspection;
pub mod ledger;
pub mod limits;
pub mod numbering;
pub mod operations;
pub mod outages;
pub mod pages;
pub mod pauses;
pub mod queues;
pub mod read_backs;
pub mod repeats;
pub mod reports;
pub mod rollups;
pub mod schedule;
pub mod search;
pub mod secrets;
pub mod shown;
pub mod store;

pub use brands::BrandsInUse;
pub use calls::{CallLog, CallReading};
pub use clock::{Chance, Clock};
pub use error::{Error, Result};
pub use health::Troubles;
pub use imports::RowImports;
pub use inspection::Inspection;
pub use ledger::{Callbacks, Ledger, LedgerNumbers};
pub use limits::Limits;
pub use operations::Operations;
pub use outages::Outages;
pub use pages::{AuditLog, Records};
pub use pauses::Pauses;
pub use queues::Queues;
pub use read_backs::ReadBacks;
pub use reports::Reports;
pub use rollups::Rollups;
pub use schedule::Schedule;
pub use search::Search;
pub use secrets::Secrets;
pub use store::Store;
