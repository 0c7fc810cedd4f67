#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod accept;
pub mod answers;
pub mod attributes;
pub mod audit;
pub mod award;
pub mod brand;
pub mod brand_file;
pub mod call;
pub mod callback;
pub mod codes;
pub mod consent;
pub mod contact;
pub mod decide;
pub mod id_key;
pub mod ids;
pub mod incentive;
pub mod invisible;
pub mod ledger;
pub mod liquid;
pub mod message;
pub mod moment;
pub mod outage;
pub mod participation;
pub mod person;
pub mod profile;
pub mod read_back;
pub mod reservation;
pub mod rollup;
pub mod seen;
pub mod time;
pub mod token;
pub mod unknown;

pub use jiff::Timestamp;
