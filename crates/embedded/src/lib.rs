#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod admin;
mod calls;
mod codes;
mod connection;
mod counted_before;
mod data_file;
mod drawn;
mod failure;
mod file_version;
mod flusher;
mod group;
mod id_key;
mod ledger;
mod ledger_tx;
mod limits;
mod log;
mod mailbox;
mod moved_lines;
mod open_error;
mod operation;
mod outages;
mod pauses;
mod permissions;
mod queries;
mod queues;
mod read_backs;
mod reader;
mod retention;
mod rollup_rows;
mod rollups;
mod rows;
mod schedule;
mod schema;
mod secrets;
mod store;
mod unannounced;
mod writer;

pub use admin::AdminConnection;
pub use data_file::DataFile;
pub use id_key::IdKeyError;
pub use open_error::OpenError;
pub use retention::Expired;
pub use secrets::EnvSecrets;
